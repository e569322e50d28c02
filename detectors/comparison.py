"""Window and reference side by side: the counts of all columns in one matrix.

Row = column (numeric first, then categorical, in the layout's order); entries = its value cells, the two open cells of a
number, the levels, ``other`` where the reference has rare levels, and one cell for all unseen levels of a category. Missing
and invalid values are no part of it: they belong to data quality. Columns have different numbers of cells; the rows are
padded and ``inside`` says what is real.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from detectors import cells
from detectors.layout import BELOW, FIRST_LEVEL, Layout
from detectors.tables import Tables

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]

SMOOTHING = 0.5
"""Jeffreys prior: half an event per cell on both sides, so that no share is 0 and every logarithm exists."""


@dataclass(frozen=True, slots=True, eq=False)
class CellIndex:
    """Where each cell of each column stands in the flat tables.

    Attributes:
        names: the columns' names.
        numeric: the first so many rows are numbers, whose cells have an order.
        inside: (R, K) true for real cells; take: (R, K) their place in ``_flat``, that of a 0 for padding.
        size: (R,) number of real cells.
        unseen_from, unseen_to: (D,) the unseen cells of each categorical column.
    """

    names: tuple[str, ...]
    numeric: int
    inside: Mask
    take: NDArray[np.intp]
    size: Ints
    unseen_from: NDArray[np.intp]
    unseen_to: NDArray[np.intp]

    @classmethod
    def of(cls, layout: Layout) -> CellIndex:
        numeric, categorical = layout.numeric_offsets, layout.categorical_offsets
        rows = [np.arange(first + BELOW, stop) for first, stop in pairwise(numeric.tolist())]
        base, unseen = int(numeric[-1]), int(numeric[-1] + categorical[-1])
        for d, column in enumerate(layout.categorical):
            known = len(column.levels) + bool(column.rare)
            first = base + int(categorical[d]) + FIRST_LEVEL
            rows.append(np.append(np.arange(first, first + known), unseen + d))
        width = max((len(row) for row in rows), default=0)
        take = np.full((len(rows), width), unseen + len(layout.categorical), dtype=np.intp)
        for i, row in enumerate(rows):
            take[i, : len(row)] = row
        size = np.array([len(row) for row in rows], dtype=np.int64)
        first_unseen = np.array([column.first_unseen for column in layout.categorical], dtype=np.intp)
        return cls(
            names=(*(column.name for column in layout.numeric), *(column.name for column in layout.categorical)),
            numeric=len(layout.numeric),
            inside=np.arange(width) < size.reshape(-1, 1),
            take=take,
            size=size,
            unseen_from=categorical[:-1] + first_unseen,
            unseen_to=categorical[1:],
        )

    def counts(self, tables: Tables) -> Ints:
        """(R, K) events per cell; 0 in the padding."""
        numeric = tables.ints(cells.NUMERIC) if cells.NUMERIC in tables else np.zeros(0, dtype=np.int64)
        categorical = tables.ints(cells.CATEGORICAL) if cells.CATEGORICAL in tables else np.zeros(0, dtype=np.int64)
        running = np.concatenate(([0], np.cumsum(categorical)))
        unseen = running[self.unseen_to] - running[self.unseen_from]
        flat = np.concatenate((numeric, categorical, unseen, [0]))
        taken: Ints = flat[self.take]
        return taken


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """Counts and smoothed shares of R columns.

    Attributes:
        x, y: (R, K) window and reference counts; n, m: (R,) their sums.
        p, q: (R, K) smoothed shares, each row of which sums to 1; 1 in the padding of both, so that ratios and logarithms
            exist and every term of a difference is 0 there.
        inside: (R, K) real cells; size: (R,) how many.
    """

    x: Ints
    y: Ints
    n: Ints
    m: Ints
    p: Floats
    q: Floats
    inside: Mask
    size: Ints

    @classmethod
    def of(cls, index: CellIndex, window: Tables, reference: Tables) -> Comparison:
        return cls.between(index.counts(window), index.counts(reference), index.inside)

    @classmethod
    def between(cls, x: Ints, y: Ints, inside: Mask) -> Comparison:
        size = np.count_nonzero(inside, axis=1).astype(np.int64)
        n, m = x.sum(axis=1), y.sum(axis=1)
        return cls(x, y, n, m, smoothed(x, n, size, inside), smoothed(y, m, size, inside), inside, size)

    @property
    def usable(self) -> Mask:
        """(R,) both sides have values, and there is more than one cell."""
        return (self.n > 0) & (self.m > 0) & (self.size > 1)

    def select(self, rows: Mask | slice) -> Comparison:
        """The same for some of the columns."""
        return Comparison(
            self.x[rows],
            self.y[rows],
            self.n[rows],
            self.m[rows],
            self.p[rows],
            self.q[rows],
            self.inside[rows],
            self.size[rows],
        )


def smoothed(counts: Ints, n: Ints, size: Ints, inside: Mask) -> Floats:
    """(count + 1/2) / (n + K/2) per row; 1 in the padding."""
    total = n + SMOOTHING * size
    shares = (counts + SMOOTHING) / total.reshape(-1, 1)
    return np.where(inside, shares, 1.0)
