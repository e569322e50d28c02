"""Reports that people start from an incident's page: one at a time, the newest kept.

Each incident has a directory of its own under ``reports`` in the state directory: the task, how far it is, what the process
printed, the report. All that a page needs to know stands there, so it is still known after a restart.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from agent.reports.launch import launch, outcome
from agent.reports.task import Progress, Task, read_progress, write
from config.errors import ReportError

DIRECTORY = "reports"
REPORT, PROGRESS = "report.html", "progress.json"
MOST_KEPT = 10
INTERRUPTED = Progress("failed", "the agent was stopped before it was done; start it again")
_ID = re.compile(r"[A-Za-z0-9_-]{1,100}")


@dataclass(frozen=True, slots=True)
class Job:
    """A report that was asked for.

    Attributes:
        file: the report, of this or of an earlier time; ``None`` while there is none.
    """

    incident_id: str
    progress: Progress
    file: Path | None


class Jobs:
    """Starts reports and knows them; safe from any thread."""

    def __init__(self, directory: Path, start: Callable[[Task, Path], subprocess.Popen[bytes]] = launch) -> None:
        """Args:
        directory: of the agent's state.
        """
        self._directory = directory / DIRECTORY
        self._launch = start
        self._lock = threading.Lock()
        self._running: tuple[str, Task, subprocess.Popen[bytes]] | None = None

    def start(self, incident_id: str, make: Callable[[Path, Path], Task]) -> Job:
        """Start the report of an incident; one that runs already goes on.

        Args:
            make: the task, from the files for report and progress.

        Raises:
            ReportError: another one runs, or it cannot be started.
        """
        with self._lock:
            self._settle()
            if self._running is not None and self._running[0] != incident_id:
                raise ReportError("a report about another incident is being made; try again when it is done")
            if self._running is None:
                self._running = self._begin(incident_id, make)
        job = self.of(incident_id)
        assert job is not None
        return job

    def of(self, incident_id: str) -> Job | None:
        """The report of an incident; ``None`` where nobody asked for one."""
        directory = self._directory / incident_id
        if _ID.fullmatch(incident_id) is None or not (directory / PROGRESS).is_file():
            return None
        with self._lock:
            self._settle()
            runs = self._running is not None and self._running[0] == incident_id
        progress = read_progress(directory / PROGRESS)
        if not runs and not progress.is_over:
            progress = INTERRUPTED
        file = directory / REPORT
        return Job(incident_id, progress, file if file.is_file() else None)

    def close(self) -> None:
        """End the report that runs. Safe twice."""
        with self._lock:
            if self._running is not None:
                self._running[2].kill()
                self._running[2].wait()
                self._settle()

    def _begin(self, incident_id: str, make: Callable[[Path, Path], Task]) -> tuple[str, Task, subprocess.Popen[bytes]]:
        directory = self._directory / incident_id
        if _ID.fullmatch(incident_id) is None:
            raise ReportError(f"{incident_id!r} is no identity of an incident")
        try:
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._forget_old(directory)
            task = make(directory / REPORT, directory / PROGRESS)
            return incident_id, task, self._launch(task, directory)
        except OSError as error:
            raise ReportError(f"the report cannot be started: {error}") from None

    def _settle(self) -> None:
        """Take note of a process that has ended."""
        if self._running is None:
            return
        _, task, process = self._running
        returned = process.poll()
        if returned is not None:
            write(Path(task.progress), outcome(task, returned))
            self._running = None

    def _forget_old(self, current: Path) -> None:
        """Make room: the newest stay, by when they were last worked on."""
        others = sorted(
            (one for one in self._directory.iterdir() if one != current), key=lambda one: one.stat().st_mtime_ns
        )
        for old in others[: max(0, len(others) - MOST_KEPT + 1)]:
            shutil.rmtree(old, ignore_errors=True)
