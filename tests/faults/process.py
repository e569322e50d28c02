"""What a process uses, as Linux tells it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple


class Usage(NamedTuple):
    """Of one moment; ``peak_mebibytes`` is the largest resident size since the start."""

    mebibytes: float
    peak_mebibytes: float
    threads: int
    descriptors: int


def usage(pid: int) -> Usage:
    """Resident memory, threads and open files of a process."""
    lines = (line.split() for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    status = {words[0]: words[1] for words in lines if len(words) > 1}
    resident, peak = int(status["VmRSS:"]) / 1024, int(status["VmHWM:"]) / 1024
    return Usage(resident, peak, int(status["Threads:"]), len(os.listdir(f"/proc/{pid}/fd")))


def cpu_seconds(pid: int) -> float:
    """User and system time of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
