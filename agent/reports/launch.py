"""Starts the process of a report, in the environment that has Evidently."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from agent.reports.task import Progress, Task, read_progress, write

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


def launch(task: Task, directory: Path) -> subprocess.Popen[bytes]:
    """Write the task and start its process. What it prints goes into ``worker.txt`` beside the task.

    Args:
        directory: for task and output.

    Raises:
        OSError: it cannot be written or started.
    """
    file = directory / "task.json"
    write(file, task)
    write(Path(task.progress), Progress("starting"))
    command = [os.environ.get(PYTHON, sys.executable), "-m", "agent.reports.worker", str(file)]
    with (directory / "worker.txt").open("wb") as said:
        return subprocess.Popen(  # noqa: S603 - our own module, by the Python that the operator names
            command,
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=subprocess.STDOUT,
            env={**os.environ, **QUIET},
        )


def outcome(task: Task, returned: int) -> Progress:
    """How a process that has ended left its report."""
    progress = read_progress(Path(task.progress))
    if progress.is_over:
        return progress
    if returned == -signal.SIGXCPU:
        return Progress("failed", f"it ran longer than {task.cpu_seconds} s; ask for fewer rows")
    if returned < 0:
        return Progress("failed", f"its process was ended by {signal.Signals(-returned).name} in {progress.stage}")
    return Progress("failed", f"its process ended with {returned} in {progress.stage}")
