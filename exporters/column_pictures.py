"""Columns of a window beside their reference, cell by cell, for people to look at."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from detectors.cells import CATEGORICAL, NUMERIC
from detectors.layout import FIRST_LEVEL, CategoricalColumn, Layout, NumericColumn
from detectors.names import number
from detectors.tables import Tables
from exporters.dossier import ColumnPicture

Ints = NDArray[np.int64]
FLAWS = ("missing", "invalid")
TINY = 1e-30
"""An edge midway between 0 and its neighbour in float32 is 0 to people."""
MOST_LEVELS = 20
"""Levels beyond these are shown together; levels of a layout are sorted by their mass in the reference."""


def column_pictures(
    layout: Layout, window: Tables, reference: Tables | None, names: Iterable[str]
) -> tuple[ColumnPicture, ...]:
    """The named columns, in this order; names of no column are passed over."""
    found = {picture.column: picture for picture in _all(layout, window, reference, frozenset(names))}
    return tuple(found[name] for name in dict.fromkeys(names) if name in found)


def columns_by_change(layout: Layout, window: Tables, reference: Tables | None) -> list[ColumnPicture]:
    """All columns by the total variation distance of their cells' shares from the reference, the greatest first."""
    names = frozenset((*(column.name for column in layout.numeric), *(column.name for column in layout.categorical)))
    return sorted(_all(layout, window, reference, names), key=lambda one: (-total_variation(one), one.column))


def total_variation(picture: ColumnPicture) -> float:
    """Half the sum of the differences between the shares of the cells, 0 to 1; 0 where one side has no events."""
    now, then = (np.array(counts, dtype=float) for counts in (picture.current, picture.reference))
    if not now.sum() or not then.sum():
        return 0.0
    return float(np.abs(now / now.sum() - then / then.sum()).sum() / 2)


def _all(layout: Layout, window: Tables, reference: Tables | None, wanted: frozenset[str]) -> Iterator[ColumnPicture]:
    for at, number_column in enumerate(layout.numeric):
        if number_column.name in wanted and NUMERIC in window:
            yield _of_number(number_column, *_pair(NUMERIC, layout.numeric_offsets, at, window, reference))
    for at, category in enumerate(layout.categorical):
        if category.name in wanted and CATEGORICAL in window:
            yield _of_category(category, *_pair(CATEGORICAL, layout.categorical_offsets, at, window, reference))


def _pair(
    table: str, offsets: NDArray[np.intp], at: int, window: Tables, reference: Tables | None
) -> tuple[Ints, Ints | None]:
    part = slice(int(offsets[at]), int(offsets[at + 1]))
    known = reference is not None and table in reference
    return window.ints(table)[part], reference.ints(table)[part] if reference is not None and known else None


def _of_number(column: NumericColumn, current: Ints, reference: Ints | None) -> ColumnPicture:
    edges = [number(edge) if abs(edge) > TINY else "0" for edge in column.edges]
    ranges = [f"{low} to {high}" for low, high in pairwise(edges)]
    values = (f"below {edges[0]}", *ranges, f"{edges[-1]} or more") if edges else ("any value",)
    return ColumnPicture(column.name, True, (*FLAWS, *values), len(FLAWS), _counts(reference), _counts(current))


def _of_category(column: CategoricalColumn, current: Ints, reference: Ints | None) -> ColumnPicture:
    """Levels that are rare in the reference, and those that it never saw, are flaws only where the settings say so."""
    shown = column.levels[:MOST_LEVELS]
    names = (*FLAWS, *shown, "all other levels of the reference", "never seen in the reference")
    fold = [_folded(counts, column, len(shown)) for counts in (reference, current)]
    return ColumnPicture(column.name, False, names, len(FLAWS), *fold)


def _folded(counts: Ints | None, column: CategoricalColumn, shown: int) -> tuple[int, ...]:
    if counts is None:
        return ()
    first, unseen = FIRST_LEVEL + shown, column.first_unseen
    return (*_counts(counts[:first]), int(counts[first:unseen].sum()), int(counts[unseen:].sum()))


def _counts(counts: Ints | None) -> tuple[int, ...]:
    return () if counts is None else tuple(int(count) for count in counts)
