"""Finding cells without searching: how many edges lie at or below each value, for all columns at once.

The range of a column's edges is cut into equal slots. The slot of a value is computed with two roundings, and rounding keeps
order: an edge in an earlier slot is below the value, one in a later slot above it. So only an edge in the value's own slot
has to be compared, and the result is exactly that of a binary search, which on unforeseen values costs three times as much.
A column with two edges in one slot, or with edges too far apart or too near for the computation, is searched after all.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

SLOTS = 1024


class EdgeIndex:
    """The edges of C columns, each ascending."""

    def __init__(self, edges: Sequence[Floats]) -> None:
        slots = [_Slots(of_column) for of_column in edges]
        self._edges = edges
        self._searched = [column for column, one in enumerate(slots) if not one.usable]
        self._low = np.array([one.low for one in slots]).reshape(-1, 1)
        self._per_unit = np.array([one.per_unit for one in slots]).reshape(-1, 1)
        self._start = np.arange(len(slots)).reshape(-1, 1) * (SLOTS + 1)
        self._below = np.concatenate([np.empty(0, dtype=np.intp), *(one.below for one in slots)])
        self._edge = np.concatenate([np.empty(0), *(one.edge for one in slots)])

    def count_below(self, values: Floats) -> NDArray[np.intp]:
        """(C, n) edges at or below each of (C, n) finite values, as ``searchsorted`` counts them with ``side="right"``."""
        slot = _slot(values, self._low, self._per_unit)
        slot += self._start
        below: NDArray[np.intp] = self._below.take(slot)
        below += values >= self._edge.take(slot)
        for column in self._searched:
            below[column] = np.searchsorted(self._edges[column], values[column], side="right")
        return below


class _Slots:
    """One column's slots: edges before each, and the edge in it (infinity where there is none)."""

    def __init__(self, edges: Floats) -> None:
        self.usable = False
        self.low, self.per_unit = 0.0, 0.0
        self.below = np.zeros(SLOTS + 1, dtype=np.intp)
        self.edge = np.full(SLOTS + 1, np.inf)
        with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
            per_unit = SLOTS / (edges[-1] - edges[0]) if len(edges) > 1 else 0.0
        if 0.0 < per_unit < np.inf:
            self._fill(edges, float(edges[0]), float(per_unit))

    def _fill(self, edges: Floats, low: float, per_unit: float) -> None:
        slots = _slot(edges, low, per_unit)
        if (np.diff(slots) == 0).any():
            return
        self.usable, self.low, self.per_unit = True, low, per_unit
        self.below = np.searchsorted(slots, np.arange(SLOTS + 1), side="left")
        self.edge[slots] = edges


def _slot(values: Floats, low: Floats | float, per_unit: Floats | float) -> NDArray[np.intp]:
    with np.errstate(over="ignore"):
        place = values - low
        place *= per_unit
    return np.clip(place, 0.0, SLOTS, out=place).astype(np.intp)
