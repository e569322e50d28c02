"""What a report's process is asked to do, and what it says of itself: two JSON files, so that both sides can be looked at.

The agent (or the command) writes the task and starts ``python -m agent.reports.worker TASK``; the worker writes its progress
over and over into a file of its own, whole each time.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

import msgspec

from config.errors import ReportError
from detectors.columns import StreamKey

Stage = Literal["starting", "window", "reference", "labels", "drawing", "done", "failed"]
WORDS: dict[Stage, str] = {
    "starting": "starting Evidently",
    "window": "reading the window from the log",
    "reference": "reading the reference from the log",
    "labels": "looking for labels in the log",
    "drawing": "computing and drawing",
    "done": "done",
    "failed": "failed",
}
MOST_ROWS = 50_000
MEMORY_BYTES = 4 << 30
CPU_SECONDS = 600


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """One report.

    Attributes:
        log: directory of the event log; settings: file of settings, ``None`` for those that the log holds.
        stream, start_us, end_us: the window.
        reference: its start and end in microseconds; ``None`` for the earliest whole window of the log.
        title: a sentence that stands above; out, progress: files to write.
        most_rows: of window and of reference each; what is above is sampled.
        memory_bytes: of address space; cpu_seconds: after which the process is ended.
        reveal: columns whose levels are shown; ``None`` for all.
    """

    log: str
    settings: str | None
    stream: StreamKey
    start_us: int
    end_us: int
    title: str
    out: str
    progress: str
    reference: tuple[int, int] | None = None
    most_rows: int = MOST_ROWS
    memory_bytes: int = MEMORY_BYTES
    cpu_seconds: int = CPU_SECONDS
    reveal: tuple[str, ...] | None = None


class Progress(msgspec.Struct, frozen=True):
    """How far a report is.

    Attributes:
        detail: rows read, or why it failed.
    """

    stage: Stage
    detail: str = ""

    @property
    def is_over(self) -> bool:
        return self.stage in ("done", "failed")

    def __str__(self) -> str:
        return f"{WORDS[self.stage]}: {self.detail}" if self.detail else WORDS[self.stage]


def write(path: Path, what: Task | Progress) -> None:
    """Write the file whole, or leave the one before."""
    part = path.with_name(f"{path.name}.part")
    part.write_bytes(msgspec.json.encode(what))
    os.replace(part, path)


def read_task(path: Path) -> Task:
    """The task of a file.

    Raises:
        ReportError: it holds none.
    """
    try:
        return msgspec.json.decode(path.read_bytes(), type=Task)
    except (OSError, msgspec.MsgspecError) as error:
        raise ReportError(f"{path}: holds no task of a report ({error})") from None


def read_progress(path: Path) -> Progress:
    """How far it is; a file that is not there yet means that it is starting."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Progress)
    except (OSError, msgspec.MsgspecError):
        return Progress("starting")
