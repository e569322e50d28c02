"""Cells of a window's columns as they are exposed: numbers cumulatively below each edge, flaws by name.

Levels of a category are values of events and never become labels; of a categorical column only missing, invalid, other and
unseen are shown.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from detectors.cells import CATEGORICAL, NUMERIC
from detectors.layout import BELOW, INVALID, MISSING, CategoricalColumn, Layout, NumericColumn
from detectors.tables import Tables
from exporters.snapshot import ColumnCount

Ints = NDArray[np.int64]


def column_counts(layout: Layout, window: Tables) -> tuple[ColumnCount, ...]:
    """The cells of every column that the window's tables hold."""
    counts: list[ColumnCount] = []
    if NUMERIC in window:
        for number, cells in zip(layout.numeric, _split(window.ints(NUMERIC), layout.numeric_offsets), strict=True):
            counts += _of_number(number, cells)
    if CATEGORICAL in window:
        codes = _split(window.ints(CATEGORICAL), layout.categorical_offsets)
        for category, cells in zip(layout.categorical, codes, strict=True):
            counts += _of_category(category, cells)
    return tuple(counts)


def _split(flat: Ints, offsets: NDArray[np.intp]) -> list[Ints]:
    return np.split(flat, offsets[1:-1])


def _of_number(column: NumericColumn, cells: Ints) -> Iterator[ColumnCount]:
    yield ColumnCount(column.name, None, "missing", int(cells[MISSING]))
    yield ColumnCount(column.name, None, "invalid", int(cells[INVALID]))
    for below, count in zip((*column.edges, math.inf), np.cumsum(cells[BELOW:]), strict=True):
        yield ColumnCount(column.name, below, "", int(count))


def _of_category(column: CategoricalColumn, codes: Ints) -> Iterator[ColumnCount]:
    yield ColumnCount(column.name, None, "missing", int(codes[MISSING]))
    yield ColumnCount(column.name, None, "invalid", int(codes[INVALID]))
    yield ColumnCount(column.name, None, "other", int(codes[column.other]))
    yield ColumnCount(column.name, None, "unseen", int(codes[column.first_unseen :].sum()))
