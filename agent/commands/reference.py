"""``wachter reference build`` and ``wachter reference show``; ``wachter init`` (init.py) is registered with them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.table import Table

from agent.commands import init
from agent.commands.common import fail
from agent.commands.terminal import Console
from agent.reference.build import build_reference
from agent.reference.report import columns_of, iso, performance_of, to_record, warnings_of
from agent.reference.settings import Chosen, choose_model, load_without_references
from agent.reference.sources import Files, RowSource
from agent.reference.topics import TopicRange
from config.errors import WachterError
from config.settings import Settings
from detectors.reference import Reference

NOT_HELD_OUT = (
    "A reference must be built from rows that the model was not trained on: a model looks better on its own training rows "
    "than it ever will again, and every later window would be judged a failure. If these rows were held out, say so with "
    "--held-out; the statement is kept in the file."
)

SettingsFile = Annotated[Path, typer.Option("--settings", "-s", help="The settings file, YAML.", show_default=False)]
EventFiles = Annotated[
    list[Path] | None,
    typer.Argument(
        help="Files of events and labels: JSON lines (.jsonl, .zst too), .csv, .parquet.", show_default=False
    ),
]
Output = Annotated[Path, typer.Option("--output", "-o", help="The reference file to write.", show_default=False)]
ModelName = Annotated[str | None, typer.Option("--model", help="NAME or SYSTEM/NAME; needed if there are several.")]
Version = Annotated[str | None, typer.Option(help="Only events of this version; for tables: their version.")]
HeldOut = Annotated[bool, typer.Option("--held-out", help="State that the model was not trained on these rows.")]
Topic = Annotated[
    list[str] | None, typer.Option("--topic", help="Read this topic of the settings' brokers. Repeatable.")
]
Since = Annotated[datetime | None, typer.Option("--since", help="First record time (UTC) to read of the topics.")]
Until = Annotated[datetime | None, typer.Option("--until", help="Record time (UTC) to stop before.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON: plain, stable, for programs.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    reference = typer.Typer(help="Build and look at what a model is compared with.", no_args_is_help=True)
    reference.command()(build)
    reference.command()(show)
    app.add_typer(reference, name="reference")
    init.register(app)


def build(
    settings: SettingsFile,
    output: Output,
    events: EventFiles = None,
    model: ModelName = None,
    version: Version = None,
    held_out: HeldOut = False,
    topic: Topic = None,
    since: Since = None,
    until: Until = None,
) -> None:
    """Build a reference from files, or from a stretch of topics."""
    if not held_out:
        fail(NOT_HELD_OUT)
    if bool(events) == bool(topic):
        fail("Name files of events, or topics with --topic: one of the two.")
    try:
        loaded = load_without_references(settings)
        chosen = choose_model(loaded, model)
        source = _source(loaded, chosen, version, events or [], topic or [], _utc(since), _utc(until))
        with _progress(2 * source.total) as advance:
            reference = build_reference(loaded, chosen.system, chosen.model, version, source, advance)
        output.write_bytes(reference.to_bytes())
    except (WachterError, OSError) as error:
        fail(str(error))
    console = Console(highlight=False, soft_wrap=True)
    console.print(f"[green]written[/green] {escape(str(output))}  digest {reference.digest[:12]}")
    _print(console, reference)


def show(
    file: Annotated[Path, typer.Argument(help="A reference file.", show_default=False)], as_json: AsJson = False
) -> None:
    """Print what a reference file holds."""
    try:
        reference = Reference.from_bytes(file.read_bytes())
    except (WachterError, OSError) as error:
        fail(str(error))
    if as_json:
        typer.echo(json.dumps(to_record(reference), indent=2, ensure_ascii=False))
        return
    _print(Console(highlight=False, soft_wrap=True), reference)


def _source(
    settings: Settings,
    chosen: Chosen,
    version: str | None,
    files: list[Path],
    topics: list[str],
    since: datetime | None,
    until: datetime | None,
) -> RowSource:
    if files:
        return Files(files, settings, chosen.system.id, chosen.model, version)
    if settings.source.type != "kafka":
        fail("The settings name no brokers: source.type is not kafka.")
    return TopicRange(settings.source, since, until, topics)


@contextmanager
def _progress(total: int) -> Iterator[Callable[[int], None]]:
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("reading", total=total)

        def advance(done: int) -> None:
            bar.update(task, completed=done, description="cutting" if done * 2 < total else "counting")

        yield advance


def _print(console: Console, reference: Reference) -> None:
    facts = reference.provenance
    console.print(f"{escape(facts['system'])}/{escape(facts['model'])}, version {escape(facts['version'])}")
    console.print(
        f"{facts.get('rows_used', '0')} events, {facts['labelled']} with a label, {reference.chunks} chunks of"
    )
    console.print(
        f"{facts['window']}, {iso(reference.first_us)} to {iso(reference.last_us)}; held out: {facts['held_out']}"
    )
    console.print(_columns_table(reference))
    console.print(_performance_table(reference))
    for warning in warnings_of(reference):
        console.print(f"[yellow]note[/yellow] {escape(warning)}")


def _columns_table(reference: Reference) -> Table:
    table = Table("column", "role", "type", "cells", "phi", "auto", box=None)
    for column in columns_of(reference.layout):
        key = ("js_distance", column["name"])
        phi, auto = reference.phi.get(key, 1.0), reference.auto.get(key)
        cells = str(column["cells"]) + (f" + {column['rare']} rare" if column.get("rare") else "")
        limit = f"{auto:.3f}" if auto else ""
        table.add_row(escape(column["name"]), column["role"], column["type"], cells, f"{phi:.2f}", limit)
    return table


def _performance_table(reference: Reference) -> Table:
    table = Table("measure", "subject", "value", "from", "to", "n", box=None)
    for found in performance_of(reference):
        numbers = ("" if x is None else f"{x:.4g}" for x in (found.value, found.lower, found.upper))
        table.add_row(found.metric, escape(found.subject), *numbers, str(found.n))
    return table


def _utc(time: datetime | None) -> datetime | None:
    return time.replace(tzinfo=UTC) if time is not None and time.tzinfo is None else time
