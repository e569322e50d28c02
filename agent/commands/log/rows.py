"""``wachter log rows``: the events of a window, as they came, for a report or a spreadsheet."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Annotated, Any, Literal, cast

import msgspec
import typer

from agent.commands.common import USAGE, fail
from agent.commands.log.common import SettingsOption, load_settings, open_log, unreadable
from agent.commands.log.keys import people_keys
from agent.commands.terminal import Console
from agent.commands.windows import instant_of, stream_of, window_of
from agent.evidence.row_columns import FIXED, ColumnSpec, as_sent, as_table, columns_of
from agent.evidence.rows import RowReader, Rows
from agent.evidence.settings_in_log import decoding_settings
from agent.evidence.span import Span
from config.errors import WachterError
from config.settings import Model, Settings
from detectors.columns import StreamKey
from exporters.evidence.event_leaves import CLASSES

Format = Literal["jsonl", "parquet"]
LogArgument = Annotated[Path | None, typer.Argument(metavar="[LOG]", help="The directory of the log, or of an export.")]
Window = Annotated[
    str | None,
    typer.Option("--window", help="STREAM@START/END, as lending/credit/1@2026-11-24T08:00:00Z/2026-11-24T09:00:00Z."),
]
Stream = Annotated[str | None, typer.Option("--stream", help=r"SYSTEM/MODEL/VERSION\[/SEGMENT]; * for all versions.")]
From = Annotated[str | None, typer.Option("--from", help="First event time, ISO 8601.")]
To = Annotated[str | None, typer.Option("--to", help="Event time to stop before.")]
FormatOption = Annotated[Format, typer.Option("--format", help="One JSON object a line, or Parquet.")]
Classes = Annotated[
    list[str] | None,
    typer.Option("--class", help="What became of the events; repeatable; only accepted ones unless given."),
]
Output = Annotated[
    Path | None, typer.Option("--output", "-o", help="File to write; JSON lines else go to standard output.")
]

Write = Callable[[Rows], None]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(rows)


def rows(
    directory: LogArgument = None,
    settings: SettingsOption = None,
    window: Window = None,
    stream: Stream = None,
    first: From = None,
    last: To = None,
    form: FormatOption = "jsonl",
    classes: Classes = None,
    output: Output = None,
) -> None:
    """Write the events of a window, decoded by the settings of the log or by --settings. They may hold personal data."""
    span = _span(window, stream, first, last, classes or ["accepted"])
    reader = open_log(directory, settings)
    try:
        used = load_settings(settings) if settings is not None else decoding_settings(reader)
        model = _model(used, span.stream)
        with people_keys(settings) as find_key, _writer(form, output, columns_of(model)) as write:
            found = RowReader(reader, used, span, find_key)
            count = 0
            for batch in found:
                write(batch)
                count += len(batch)
    except (WachterError, OSError) as error:
        unreadable(error)
    _tell(count, found.unread)
    if found.unread["changed"]:
        raise typer.Exit(1)


def _span(window: str | None, stream: str | None, first: str | None, last: str | None, classes: list[str]) -> Span:
    unknown = sorted(set(classes) - set(CLASSES))
    if unknown:
        fail(f"there is no class {', '.join(unknown)}. Classes: {', '.join(CLASSES)}.", USAGE)
    if window is not None:
        return Span(*window_of(window), frozenset(classes))
    if stream is None or first is None or last is None:
        fail("give --window, or --stream with --from and --to.", USAGE)
    return Span(stream_of(stream), instant_of(first), instant_of(last), frozenset(classes))


def _model(settings: Settings, stream: StreamKey) -> Model:
    models = {(system.id, model.name): model for system in settings.systems for model in system.models}
    if stream[:2] not in models:
        known = ", ".join("/".join(name) for name in models)
        fail(f"the settings declare no {stream.system}/{stream.model}; they declare {known}.")
    return models[stream[:2]]


@contextmanager
def _writer(form: Format, output: Path | None, specs: list[ColumnSpec]) -> Iterator[Write]:
    if form == "parquet":
        if output is None:
            fail("a Parquet file needs a name: give --output FILE.", USAGE)
        with _parquet(output, specs) as write:
            yield write
        return
    with nullcontext(sys.stdout.buffer) if output is None else output.open("wb") as file:

        def write(batch: Rows) -> None:
            file.write(_lines(batch, specs))

        yield write
        file.flush()


def _lines(batch: Rows, specs: list[ColumnSpec]) -> bytes:
    columns = as_sent(batch, specs)
    records = zip(*columns.values(), strict=True)
    return b"".join(msgspec.json.encode(dict(zip(columns, record, strict=True))) + b"\n" for record in records)


@contextmanager
def _parquet(output: Path, specs: list[ColumnSpec]) -> Iterator[Write]:
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError:
        fail("Parquet needs pyarrow, which is not installed. Run in the checkout of Wachter: pip install '.[parquet]'")
    kinds = {"number": pyarrow.float64(), "text": pyarrow.string()}
    fixed = [(name, pyarrow.int64() if name in ("partition", "offset") else pyarrow.string()) for name in FIXED]
    schema = pyarrow.schema([*fixed, *((spec.name, kinds[spec.kind]) for spec in specs)])
    with parquet.ParquetWriter(output, schema) as writer:

        def write(batch: Rows) -> None:
            writer.write_table(pyarrow.table(cast(dict[str, Any], as_table(batch, specs)), schema=schema))

        yield write


def _tell(count: int, unread: dict[str, int]) -> None:
    """On standard error, since rows may go to standard output."""
    out = Console(stderr=True, highlight=False, soft_wrap=True)
    out.print(f"{count} rows")
    for why, number in sorted(unread.items()):
        if number:
            out.print(f"[yellow]note[/yellow] {number} events are not among them: {_WHY[why]}")


_WHY = {
    "absent": "the log keeps no payloads (log.payloads: none), or the export was made without",
    "erased": "their payloads were erased",
    "sealed": "their payloads are sealed, and their keys are not here; --settings leads to the agent's state",
    "changed": "their payloads are not what their leaves commit to: somebody has changed them; run wachter log verify",
    "undecoded": "these settings cannot read their payloads; name those of that time with --settings",
}
