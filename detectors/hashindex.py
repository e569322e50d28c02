"""A growing set of 64-bit hashes with a row number and a mark each, as sorted arrays.

Runs double: a new run is merged with the last as long as that one is not larger, so n hashes stand in at most
log2(n / batch) runs and each is moved about as many times.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Run:
    """Distinct hashes in ascending order, (n,) each."""

    hashes: NDArray[np.uint64]
    rows: NDArray[np.uint32]
    marks: NDArray[np.uint32]

    def __len__(self) -> int:
        return len(self.hashes)


class HashIndex:
    """Hash to (row, mark); hashes are added once."""

    def __init__(self) -> None:
        self.runs: list[Run] = []

    def __len__(self) -> int:
        return sum(len(run) for run in self.runs)

    def add(self, hashes: NDArray[np.uint64], rows: NDArray[np.uint32], marks: NDArray[np.uint32]) -> None:
        """Add hashes that are not yet known, in any order, (n,) each."""
        if len(hashes) == 0:
            return
        order = np.argsort(hashes, kind="stable")
        self.runs.append(Run(hashes[order], rows[order], marks[order]))
        while len(self.runs) > 1 and len(self.runs[-2]) <= len(self.runs[-1]):
            newer, older = self.runs.pop(), self.runs.pop()
            self.runs.append(_merged(older, newer))

    def find(self, hashes: NDArray[np.uint64]) -> tuple[NDArray[np.bool_], NDArray[np.uint32], NDArray[np.uint32]]:
        """Look up hashes in ascending order: which are known, their rows and marks (0 where unknown), (n,) each."""
        found = np.zeros(len(hashes), dtype=np.bool_)
        rows = np.zeros(len(hashes), dtype=np.uint32)
        marks = np.zeros(len(hashes), dtype=np.uint32)
        for run in self.runs:
            at = np.minimum(np.searchsorted(run.hashes, hashes), len(run) - 1)
            hit = run.hashes[at] == hashes
            if hit.any():
                found |= hit
                rows[hit] = run.rows[at[hit]]
                marks[hit] = run.marks[at[hit]]
        return found, rows, marks

    def merged(self) -> Run:
        """All of it as one run."""
        while len(self.runs) > 1:
            newer, older = self.runs.pop(), self.runs.pop()
            self.runs.append(_merged(older, newer))
        return (
            self.runs[0] if self.runs else Run(np.empty(0, np.uint64), np.empty(0, np.uint32), np.empty(0, np.uint32))
        )


def _merged(older: Run, newer: Run) -> Run:
    hashes = np.concatenate((older.hashes, newer.hashes))
    order = np.argsort(hashes, kind="stable")
    return Run(
        hashes[order],
        np.concatenate((older.rows, newer.rows))[order],
        np.concatenate((older.marks, newer.marks))[order],
    )
