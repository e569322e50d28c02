"""Starts the process of a report, in the environment that has Evidently."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from agent.reports.task import Progress, Task, read_progress, write
from config.errors import ReportError

PYTHON = "WACHTER_REPORTS_PYTHON"
"""Names the Python of another environment: Evidently brings 280 MB and holds pandas back, so many keep it apart."""
QUIET = {
    "DO_NOT_TRACK": "1",  # Evidently reports its use over the network unless it is told not to
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "PYTHONWARNINGS": "ignore",
}
"""No word to the network, and no more than one core."""
SAID = "worker.txt"
MISSING = "ModuleNotFoundError"
MOST_SAID = 300
"""Characters that are shown of what a process printed last."""


def launch(task: Task, directory: Path) -> subprocess.Popen[bytes]:
    """Write the task and start its process. What it prints goes into a file beside the task.

    Args:
        directory: for task and output.

    Raises:
        OSError: the task cannot be written.
        ReportError: the Python that shall run it cannot be started.
    """
    file = directory / "task.json"
    write(file, task)
    write(Path(task.progress), Progress("starting"))
    python = os.environ.get(PYTHON, sys.executable)
    command = [python, "-P", "-m", "agent.reports.worker", str(file)]  # -P: not what lies in the current directory
    with (directory / SAID).open("wb") as said:
        try:
            return subprocess.Popen(  # noqa: S603 - our own module, by the Python that the operator names
                command,
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=subprocess.STDOUT,
                env={**os.environ, **QUIET},
            )
        except OSError as error:
            raise ReportError(
                f"{python} cannot be started ({error.strerror}); {PYTHON} names a Python with Wachter and its extra reports"
            ) from None


def outcome(task: Task, returned: int) -> Progress:
    """How a process that has ended left its report."""
    progress = read_progress(Path(task.progress))
    if progress.is_over:
        return progress
    if returned == -signal.SIGXCPU:
        return Progress("failed", f"it ran longer than {task.cpu_seconds} s; ask for fewer rows")
    if returned < 0:
        return Progress("failed", f"its process was ended by {signal.Signals(-returned).name} in {progress.stage}")
    return Progress("failed", f"its process ended with {returned} in {progress.stage}{_last_words(task)}")


def _last_words(task: Task) -> str:
    """What the process printed last: before it can write its progress, that is the only reason there is."""
    try:
        lines = Path(task.progress).with_name(SAID).read_text(errors="replace").split("\n")
    except OSError:
        return ""
    said = next((line.strip() for line in reversed(lines) if line.strip()), "")[:MOST_SAID]
    remedy = f"; {PYTHON} must name a Python with Wachter and its extra reports" if MISSING in said else ""
    return f": {said}{remedy}" if said else ""
