"""``wachter replay --from-log``: an event log computed again, and compared with itself."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from agent.clock import time_us
from agent.commands.common import USAGE, fail
from agent.commands.terminal import Console
from agent.replay.comparison import Span
from agent.replay.from_log import DIFFERENCES, LogSummary, replay_log
from agent.replay.log_entries import keys_of, no_keys
from agent.replay.run import INCIDENTS, MEASUREMENTS
from agent.state.beside import open_beside
from agent.state.store import DATABASE
from config.errors import WachterError
from config.settings import load
from detectors.windows import BEGINNING_OF_TIME, END_OF_TIME
from exporters.evidence.seal import FindKey


@dataclass(frozen=True, slots=True)
class LogRequest:
    """What is asked for.

    Attributes:
        log: its directory; out: where results go.
        since, until: ISO times between which windows are compared.
        state: a state directory, whose keys open sealed payloads.
        settings: those in force before the log begins.
    """

    log: Path
    out: Path
    since: str | None
    until: str | None
    state: Path | None
    settings: Path | None


def run_from_log(request: LogRequest, *, as_json: bool) -> None:
    """Replay the log, and end the command: 0 where all is equal, 1 where something differs, 2 where it cannot be read."""
    span = _span(request.since, request.until)
    try:
        with _bar() as bar, _keys(request.state) as find_key:
            task = bar.add_task("replaying", total=None)

            def show(done: int, total: int) -> None:
                bar.update(task, completed=done, total=total)

            settings = load(request.settings) if request.settings else None
            summary = replay_log(request.log, request.out, span, find_key=find_key, settings=settings, progress=show)
    except (WachterError, OSError, sqlite3.Error) as error:
        fail(str(error), USAGE)
    if as_json:
        typer.echo(json.dumps(asdict(summary) | {"equal": summary.equal}))
    else:
        _print(summary, request.out)
    raise typer.Exit(0 if summary.equal else 1)


def _span(since: str | None, until: str | None) -> Span | None:
    if since is None and until is None:
        return None
    try:
        start_us = BEGINNING_OF_TIME if since is None else time_us(since)
        end_us = END_OF_TIME if until is None else time_us(until)
    except ValueError as error:
        fail(f"{error}. Write a time as in 2026-01-31 or 2026-01-31T12:00Z.", USAGE)
    return Span(start_us, end_us)


@contextmanager
def _keys(state: Path | None) -> Iterator[FindKey]:
    if state is None:
        yield no_keys
        return
    database = (state / DATABASE).absolute()
    with closing(open_beside(database, "ro")) as connection:
        yield keys_of(connection)


def _bar() -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=Console(stderr=True), transient=True)


def _print(summary: LogSummary, out: Path) -> None:
    console = Console(highlight=False, soft_wrap=True)
    compared = summary.compared
    console.print(f"{summary.entries} entries, {summary.unsigned} more are not signed yet and were left out")
    console.print(f"compared {compared.windows} windows and {compared.incidents} transitions of incidents")
    if compared.outside:
        console.print(f"{compared.outside} lie outside of what was asked for, or rest on what is no longer in the log")
    console.print(f"{summary.measurements} measurements in {out / MEASUREMENTS}")
    console.print(f"{summary.incidents} incidents in {out / INCIDENTS}")
    if summary.equal:
        console.print("[green]equal[/green] to what the log recorded, byte for byte")
        return
    told = ", ".join(f"{count} of kind {kind}" for kind, count in sorted(summary.differences.items()))
    console.print(f"[red]different[/red]: {told}; each is a line of {out / DIFFERENCES}")
