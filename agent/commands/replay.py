"""``wachter replay``: files of events, or an event log, through the same pipeline."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from agent.commands.common import USAGE, AsJson, StateOption, fail
from agent.commands.replay_log import LogRequest, run_from_log
from agent.commands.terminal import Console
from agent.replay.run import INCIDENTS, MEASUREMENTS, REJECTS, Summary, replay
from config.contract import REJECT_REASONS
from config.errors import WachterError
from config.settings import load

SettingsFile = Annotated[
    Path | None,
    typer.Option("--settings", "-s", help="The settings file, YAML; a log holds its own.", show_default=False),
]
Events = Annotated[list[Path] | None, typer.Argument(help="Files of JSON lines, .zst too.", show_default=False)]
Out = Annotated[
    Path, typer.Option("--out", "-o", help="Directory for the results; made if missing.", show_default=False)
]
Cells = Annotated[bool, typer.Option("--cells", help="Write cells.jsonl too: the histograms of every window.")]
FromLog = Annotated[
    Path | None, typer.Option("--from-log", help="An event log, or an export of one with payloads.", show_default=False)
]
Since = Annotated[str | None, typer.Option("--from", help="Compare only windows from this time on, ISO 8601.")]
Until = Annotated[str | None, typer.Option("--to", help="Compare only windows up to this time, ISO 8601.")]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(name="replay")(run)


def run(
    out: Out,
    events: Events = None,
    settings: SettingsFile = None,
    cells: Cells = False,
    from_log: FromLog = None,
    since: Since = None,
    until: Until = None,
    state: StateOption = None,
    as_json: AsJson = False,
) -> None:
    """Read events from files, or from an event log, and write measurements.jsonl and incidents.jsonl.

    The same files, settings and reference give the same bytes. From a log, what comes out is compared with what the log
    recorded: exit code 0 where it is equal, 1 where it is not; differences.jsonl says where. --state opens sealed payloads.
    Records of files that were rejected stand in rejects.jsonl with their reasons.
    """
    if from_log is not None:
        if events or cells:
            fail("--from-log takes neither files of events nor --cells.", USAGE)
        run_from_log(LogRequest(from_log, out, since, until, state, settings), as_json=as_json)
        return
    if settings is None or not events:
        fail("give --settings FILE and files of events, or --from-log LOG.", USAGE)
    _run_files(settings, events, out, cells, as_json)


def _run_files(settings: Path, events: list[Path], out: Path, cells: bool, as_json: bool) -> None:
    try:
        with _bar() as bar:
            task = bar.add_task("replaying", total=None)

            def show(done: int, total: int) -> None:
                bar.update(task, completed=done, total=total)

            summary = replay(load(settings), events, out, show, cells=cells)
    except (WachterError, OSError) as error:
        fail(str(error))
    if as_json:
        typer.echo(json.dumps(asdict(summary)))
        return
    _print(summary, out)


def _bar() -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    return Progress(*columns, console=Console(stderr=True), transient=True)


def _print(summary: Summary, out: Path) -> None:
    console = Console(highlight=False, soft_wrap=True)
    parts = ("accepted", "rejected", "duplicate", "late")
    sum_ = " + ".join(f"{name} {summary.counters.get(name, 0)}" for name in parts)
    console.print(f"received {summary.counters.get('received', 0)} = {sum_}")
    for reason, count in summary.rejected.items():
        console.print(f"  rejected {reason} {count}: {REJECT_REASONS.get(reason, '')}")
    console.print(f"labels {summary.counters.get('labels_received', 0)}")
    for outcome, count in summary.labels.items():
        console.print(f"  {outcome} {count}")
    console.print(f"{summary.measurements} measurements in {out / MEASUREMENTS}")
    console.print(f"{summary.incidents} incidents in {out / INCIDENTS}")
    if summary.rejects:
        total = sum(summary.rejected.values())
        which = "" if summary.rejects == total else f", the last of {total} (see state.max_rejects),"
        console.print(f"{summary.rejects} rejected records{which} in {out / REJECTS}")
