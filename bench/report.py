"""What a benchmark says: one figure with its target, and the machine it was measured on."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.table import Table


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured number; ``target`` is the largest value that is wanted, where there is one."""

    name: str
    value: float
    unit: str
    target: float | None = None
    note: str = ""

    @property
    def verdict(self) -> str:
        if self.target is None:
            return ""
        return "reached" if self.value <= self.target else "missed"


def table(figures: Sequence[Figure]) -> Table:
    """The figures for a terminal."""
    shown = Table(title=machine(), title_justify="left", box=None, pad_edge=False)
    for heading, justify in (("", "left"), ("measured", "right"), ("target", "right"), ("", "left"), ("", "left")):
        shown.add_column(heading, justify=justify)  # type: ignore[arg-type]
    for figure in figures:
        target = "" if figure.target is None else f"<= {figure.target:g} {figure.unit}"
        value = f"{figure.value:,.2f}".rstrip("0").rstrip(".")
        shown.add_row(figure.name, f"{value} {figure.unit}", target, figure.verdict, figure.note)
    return shown


def machine() -> str:
    """Processor, cores and versions, in a line."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    versions = f"Python {platform.python_version()}, numpy {np.__version__}"
    return f"{_processor()}, {cores} cores, {platform.system()} {platform.machine()}, {versions}"


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or "unknown processor"
