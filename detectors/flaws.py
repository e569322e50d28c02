"""What is wrong with the values of the columns: counts of events by flaw, all columns at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detectors import cells
from detectors.layout import INVALID, MISSING, Layout
from detectors.tables import Tables

Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Flaws:
    """(R,) counts of events per column, numeric columns first.

    Attributes:
        n: events; missing, invalid: without a value, with one of the wrong type.
        unseen: levels that neither the settings nor the reference know; 0 for numbers.
        outside: numbers outside the declared range; 0 for categories.
        unusable: missing or invalid where the column is required, invalid where it is optional.
    """

    n: Ints
    missing: Ints
    invalid: Ints
    unseen: Ints
    outside: Ints
    unusable: Ints


@dataclass(frozen=True, slots=True, eq=False)
class FlawIndex:
    """What a layout says about the flaws of its columns.

    Attributes:
        names: of all columns, numeric first; required: (R,).
        categorical: (R,) categories; levelled: (R,) those that know a level, so that another can be unseen.
        enveloped: (R,) numbers with a declared range.
    """

    names: tuple[str, ...]
    required: Mask
    categorical: Mask
    levelled: Mask
    enveloped: Mask

    @classmethod
    def of(cls, layout: Layout) -> FlawIndex:
        numbers, categories = layout.numeric, layout.categorical
        return cls(
            names=(*(c.name for c in numbers), *(c.name for c in categories)),
            required=np.array([c.required for c in numbers] + [c.required for c in categories], dtype=np.bool_),
            categorical=np.arange(len(numbers) + len(categories)) >= len(numbers),
            levelled=np.array([False for _ in numbers] + [bool(c.levels) for c in categories], dtype=np.bool_),
            enveloped=np.array(
                [c.minimum is not None or c.maximum is not None for c in numbers] + [False for _ in categories],
                dtype=np.bool_,
            ),
        )


def flaws_of(tables: Tables, layout: Layout) -> Flaws:
    """The flaws of every column of a layout."""
    numeric = _numeric(tables, layout)
    categorical = _categorical(tables, layout)
    n, missing, invalid, unseen, outside = (np.concatenate(pair) for pair in zip(numeric, categorical, strict=True))
    required = layout.derived(FlawIndex.of).required
    return Flaws(n, missing, invalid, unseen, outside, np.where(required, missing + invalid, invalid))


def _numeric(tables: Tables, layout: Layout) -> tuple[Ints, ...]:
    if not layout.numeric:
        return _nothing()
    counts, first = tables.ints(cells.NUMERIC), layout.numeric_offsets[:-1]
    n = np.add.reduceat(counts, first)
    return n, counts[first + MISSING], counts[first + INVALID], np.zeros_like(n), tables.ints(cells.OUTSIDE)


def _categorical(tables: Tables, layout: Layout) -> tuple[Ints, ...]:
    if not layout.categorical:
        return _nothing()
    counts, first = tables.ints(cells.CATEGORICAL), layout.categorical_offsets[:-1]
    stop = layout.categorical_offsets[1:]
    running = np.concatenate(([0], np.cumsum(counts)))
    unseen = running[stop] - running[first + np.array([column.first_unseen for column in layout.categorical])]
    missing, invalid = counts[first + MISSING], counts[first + INVALID]
    return running[stop] - running[first], missing, invalid, unseen, np.zeros_like(unseen)


def _nothing() -> tuple[Ints, ...]:
    return tuple(np.zeros(0, dtype=np.int64) for _ in range(5))
