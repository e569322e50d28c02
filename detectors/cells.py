"""Tally ``cells``: what data quality and drift know of the monitored columns.

With N cells over all numeric columns, C numeric columns, M codes over all categorical columns, D categorical columns:

    cells.numeric       count     (N,)     events per cell, columns one after the other (``layout.numeric_offsets``)
    cells.sums          limbs     (N, 2)   exact sum of the values of each cell, on its column's grid
    cells.squares       limbs     (C, 3)   exact sum of squares of each column, on its grid
    cells.minimum       minimum   (C,)     smallest value
    cells.maximum       maximum   (C,)     largest value
    cells.clipped       count     (C,)     values farther from the centre than the grid reaches
    cells.outside       count     (C,)     values outside the declared operating envelope
    cells.categorical   count     (M,)     events per code (``layout.categorical_offsets``)
    cells.unseen        bottom_k  (D, 16)  names of unseen levels, the 16 with the smallest keyed hash

All columns are counted in one ``bincount``; cells are found by ``edge_index.py``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from detectors import grid
from detectors.columns import OK, Columns
from detectors.edge_index import EdgeIndex
from detectors.layout import BELOW, Layout, name_hash
from detectors.tables import EMPTY_NAME, NAME, NAME_BYTES, Kind, Tables, TableSpec, make_tables

NAMES_KEPT = 16

NUMERIC = "cells.numeric"
SUMS = "cells.sums"
SQUARES = "cells.squares"
MINIMUM = "cells.minimum"
MAXIMUM = "cells.maximum"
CLIPPED = "cells.clipped"
OUTSIDE = "cells.outside"
CATEGORICAL = "cells.categorical"
UNSEEN = "cells.unseen"

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def hold_events(tables: Tables) -> bool:
    """Whether any event was counted."""
    return any(name in tables and bool(tables.ints(name).any()) for name in (NUMERIC, CATEGORICAL))


@dataclass(frozen=True, slots=True)
class CellTally:
    """Counts columns into cells; batches of at most ``grid.MAX_BATCH_ROWS`` rows."""

    name: str = "cells"
    counts: Literal["inferences"] = "inferences"

    def specs(self, layout: Layout) -> tuple[TableSpec, ...]:
        """The tables above; those without a column are left out."""
        return layout.derived(_specs)

    def count(self, batch: Columns, layout: Layout) -> Tables:
        """The tables of one batch."""
        arrays: list[NDArray[np.int64] | Floats | NDArray[np.void]] = []
        if layout.numeric:
            arrays += _count_numeric(batch, layout)
        if layout.categorical:
            arrays += _count_categorical(batch, layout)
        return make_tables(zip(self.specs(layout), arrays, strict=True))


@dataclass(frozen=True, slots=True, eq=False)
class ColumnGrids:
    """What a layout says of its numeric columns, as arrays of shape (C, 1)."""

    centre: Floats
    scale: Floats
    low: Floats
    high: Floats
    first: NDArray[np.intp]
    enveloped: bool

    @classmethod
    def of(cls, layout: Layout) -> ColumnGrids:
        def column(values: list[float]) -> Floats:
            return np.array(values).reshape(-1, 1)

        low = column([-np.inf if c.minimum is None else c.minimum for c in layout.numeric])
        high = column([np.inf if c.maximum is None else c.maximum for c in layout.numeric])
        return cls(
            centre=column([c.centre for c in layout.numeric]),
            scale=column([c.scale for c in layout.numeric]),
            low=low,
            high=high,
            first=layout.numeric_offsets[:-1].reshape(-1, 1),
            enveloped=bool(np.isfinite(low).any() or np.isfinite(high).any()),
        )


def _specs(layout: Layout) -> tuple[TableSpec, ...]:
    columns, cells = len(layout.numeric), int(layout.numeric_offsets[-1])
    numeric = (
        TableSpec(NUMERIC, Kind.COUNT, (cells,)),
        TableSpec(SUMS, Kind.LIMBS, (cells, 2)),
        TableSpec(SQUARES, Kind.LIMBS, (columns, 3)),
        TableSpec(MINIMUM, Kind.MINIMUM, (columns,)),
        TableSpec(MAXIMUM, Kind.MAXIMUM, (columns,)),
        TableSpec(CLIPPED, Kind.COUNT, (columns,)),
        TableSpec(OUTSIDE, Kind.COUNT, (columns,)),
    )
    categorical = (
        TableSpec(CATEGORICAL, Kind.COUNT, (int(layout.categorical_offsets[-1]),)),
        TableSpec(UNSEEN, Kind.BOTTOM_K, (len(layout.categorical), NAMES_KEPT)),
    )
    return (numeric if layout.numeric else ()) + (categorical if layout.categorical else ())


def _count_numeric(batch: Columns, layout: Layout) -> list[Ints | Floats]:
    grids = layout.derived(ColumnGrids.of)
    flawed = batch.flaws != OK
    cell = _cells(batch, layout, flawed)
    cell += grids.first
    k, clipped = grid.quantise(batch.numeric, grids.centre, grids.scale)
    lowest, highest = batch.numeric, batch.numeric
    if flawed.any():
        k[flawed] = 0
        clipped &= ~flawed
        lowest = np.where(flawed, np.inf, batch.numeric)
        highest = np.where(flawed, -np.inf, batch.numeric)
    total = int(layout.numeric_offsets[-1])
    flat = cell.ravel()
    return [
        np.bincount(flat, minlength=total).astype(np.int64, copy=False),
        grid.sum_by_cell(k.ravel(), flat, total),
        grid.square_limbs(k),
        lowest.min(axis=1, initial=np.inf),
        highest.max(axis=1, initial=-np.inf),
        np.count_nonzero(clipped, axis=1).astype(np.int64),
        _count_outside(lowest, highest, grids),
    ]


def _cells(batch: Columns, layout: Layout, flawed: NDArray[np.bool_]) -> NDArray[np.intp]:
    """(C, n) local cell of every value: 0 missing, 1 invalid, 2 below the edges, then the cells."""
    cell = layout.derived(_edge_index).count_below(batch.numeric)
    cell += BELOW
    return np.where(flawed, batch.flaws - np.uint8(1), cell) if flawed.any() else cell


def _edge_index(layout: Layout) -> EdgeIndex:
    return EdgeIndex(layout.edges)


def _count_outside(lowest: Floats, highest: Floats, grids: ColumnGrids) -> Ints:
    """Values outside the envelope; a flaw is +inf in ``lowest`` and -inf in ``highest``, so it is inside both bounds."""
    if not grids.enveloped:
        return np.zeros(len(lowest), dtype=np.int64)
    outside = (lowest < grids.low) | (highest > grids.high)
    counted: Ints = np.count_nonzero(outside, axis=1).astype(np.int64)
    return counted


def _count_categorical(batch: Columns, layout: Layout) -> list[Ints | NDArray[np.void]]:
    offsets = layout.categorical_offsets
    codes = (batch.codes + offsets[:-1].reshape(-1, 1)).ravel()
    counts = np.bincount(codes, minlength=int(offsets[-1])).astype(np.int64, copy=False)
    return [counts, np.stack([_smallest_names(names) for names in batch.unseen])]


def _smallest_names(names: tuple[str, ...]) -> NDArray[np.void]:
    """The names with the smallest hashes, padded with empty slots to (NAMES_KEPT,)."""
    kept = np.full(NAMES_KEPT, EMPTY_NAME, dtype=NAME)
    for slot, (hashed, name) in enumerate(sorted((name_hash(name), name) for name in names)[:NAMES_KEPT]):
        kept[slot] = (hashed, name.encode()[:NAME_BYTES])
    return kept
