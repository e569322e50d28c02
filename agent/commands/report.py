"""``wachter report evidently``: Evidently's view of a window, over rows that the log holds."""

from __future__ import annotations

import json
import subprocess
import tempfile
from pathlib import Path
from typing import Annotated, Any

import typer

from agent.commands.common import USAGE, SettingsOption, fail, open_state
from agent.commands.log.common import LogArgument, load_settings
from agent.commands.terminal import Console
from agent.commands.windows import instant_of, window_of
from agent.evidence.begin import log_directory
from agent.reports.about import window_of_incident
from agent.reports.launch import launch, outcome
from agent.reports.task import CPU_SECONDS, MEMORY_BYTES, MOST_ROWS, Progress, Task, read_progress
from agent.state.store import incident_lines
from config.errors import ReportError
from detectors.columns import StreamKey

LOOK_SECONDS = 0.5
MEBIBYTE = 1 << 20

Incident = Annotated[
    str | None, typer.Option("--incident", help="Its identity; the report is of its leading finding's latest window.")
]
Window = Annotated[
    str | None,
    typer.Option("--window", help="STREAM@START/END, as lending/credit/1@2026-11-24T08:00:00Z/2026-11-24T09:00:00Z."),
]
Reference = Annotated[
    str | None,
    typer.Option("--reference-window", help="START/END of what it is compared with (else the log's earliest window)."),
]
Out = Annotated[
    Path | None, typer.Option("--out", "-o", help="The HTML file (else report-INCIDENT.html or report.html).")
]
RowsOption = Annotated[int, typer.Option("--rows", min=100, help="Most rows of window and of reference each.")]
Memory = Annotated[int, typer.Option("--memory", min=512, help="MiB of address space that it may take.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="Reports over rows of the log.", no_args_is_help=True)
    group.callback()(lambda: None)
    group.command()(evidently)
    app.add_typer(group, name="report")


def evidently(
    directory: LogArgument = None,
    settings: SettingsOption = None,
    incident: Incident = None,
    window: Window = None,
    reference_window: Reference = None,
    out: Out = None,
    rows: RowsOption = MOST_ROWS,
    memory: Memory = MEMORY_BYTES // MEBIBYTE,
) -> None:
    """Write data drift, data quality and performance of a window as one HTML file. It may show personal data."""
    if (incident is None) == (window is None):
        fail("give --incident ID or --window STREAM@START/END.", USAGE)
    title, (stream, start_us, end_us) = _of_incident(incident, settings) if incident else ("", window_of(window or ""))
    if end_us <= start_us:
        fail("the window ends before it begins.", USAGE)
    file = (out or Path(f"report-{incident}.html" if incident else "report.html")).absolute()
    if not file.parent.is_dir():
        fail(f"there is no directory {file.parent}.", USAGE)
    with tempfile.TemporaryDirectory(prefix="wachter-report-") as scratch:
        task = Task(
            log=str(_log(directory, settings)),
            settings=None if settings is None else str(settings.absolute()),
            stream=stream,
            start_us=start_us,
            end_us=end_us,
            title=title or f"Window of {stream}",
            out=str(file),
            progress=str(Path(scratch) / "progress.json"),
            reference=_reference(reference_window),
            most_rows=rows,
            memory_bytes=memory * MEBIBYTE,
            cpu_seconds=CPU_SECONDS,
        )
        done = _run(task, Path(scratch))
    if done.stage != "done":
        fail(done.detail)
    typer.echo(str(file))


def _of_incident(incident: str, settings: Path | None) -> tuple[str, tuple[StreamKey, int, int]]:
    if settings is None:
        fail("--incident needs --settings FILE, which leads to the agent's state.", USAGE)
    with open_state(settings, None) as connection:
        records: list[dict[str, Any]] = [json.loads(line) for line in incident_lines(connection, agent=True)]
    record = next((one for one in records if one["id"] == incident), None)
    if record is None:
        fail(f"there is no incident {incident!r}. List them with: wachter incidents list")
    try:
        return record["headline"], window_of_incident(record)
    except ReportError as error:
        fail(str(error))


def _log(directory: Path | None, settings: Path | None) -> Path:
    if directory is None and settings is None:
        fail("name the directory of the log, or give --settings FILE.", USAGE)
    return (directory if directory is not None else log_directory(load_settings(settings))).absolute()


def _reference(text: str | None) -> tuple[int, int] | None:
    if text is None:
        return None
    start, _, end = text.partition("/")
    if not end:
        fail(f"{text!r} is no stretch of time; write START/END.", USAGE)
    span = (instant_of(start), instant_of(end))
    if span[1] <= span[0]:
        fail("the reference window ends before it begins.", USAGE)
    return span


def _run(task: Task, scratch: Path) -> Progress:
    """Wait for the process, showing how far it is; it ends with this command."""
    try:
        process = launch(task, scratch)
    except ReportError as error:
        fail(str(error))
    try:
        with Console(stderr=True, highlight=False).status("starting") as shown:
            while True:
                try:
                    return outcome(task, process.wait(LOOK_SECONDS))
                except subprocess.TimeoutExpired:
                    shown.update(str(read_progress(Path(task.progress))))
    finally:
        process.kill()
        process.wait()
