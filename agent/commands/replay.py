"""``wachter replay``: files of events through the same pipeline."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from agent.commands.common import fail
from agent.replay.run import INCIDENTS, MEASUREMENTS, Summary, replay
from config.errors import WachterError
from config.settings import load

SettingsFile = Annotated[Path, typer.Option("--settings", "-s", help="The settings file, YAML.", show_default=False)]
Events = Annotated[list[Path], typer.Argument(help="Files of JSON lines, .zst too.", show_default=False)]
Out = Annotated[
    Path, typer.Option("--out", "-o", help="Directory for the results; made if missing.", show_default=False)
]

Cells = Annotated[bool, typer.Option("--cells", help="Write cells.jsonl too: the histograms of every window.")]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(name="replay")(run)


def run(settings: SettingsFile, events: Events, out: Out, cells: Cells = False) -> None:
    """Read events from files and write measurements.jsonl and incidents.jsonl.

    The same files, settings and reference give the same bytes.
    """
    try:
        with _bar() as bar:
            task = bar.add_task("replaying", total=None)

            def show(done: int, total: int) -> None:
                bar.update(task, completed=done, total=total)

            summary = replay(load(settings), events, out, show, cells=cells)
    except (WachterError, OSError) as error:
        fail(str(error))
    _print(summary, out)


def _bar() -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    return Progress(*columns, console=Console(stderr=True), transient=True)


def _print(summary: Summary, out: Path) -> None:
    console = Console(highlight=False, soft_wrap=True)
    parts = ("accepted", "rejected", "duplicate", "late")
    sum_ = " + ".join(f"{name} {summary.counters.get(name, 0)}" for name in parts)
    console.print(f"received {summary.counters.get('received', 0)} = {sum_}")
    console.print(f"labels {summary.counters.get('labels_received', 0)}")
    console.print(f"{summary.measurements} measurements in {out / MEASUREMENTS}")
    console.print(f"{summary.incidents} incidents in {out / INCIDENTS}")
