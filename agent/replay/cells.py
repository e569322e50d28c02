"""Histograms of measured windows, as ``wachter replay --cells`` writes them: what every measure of a column rests on.

One JSON object per window and column, in the order of due time, stream and the layout's columns. A number has ``edges``
and ``counts``, one more than edges: below the first, between each two [a, b), at or above the last. A category has
``levels`` with their counts, ``other`` (rare levels of the reference together) and ``unseen``.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import numpy as np
from numpy.typing import NDArray

from agent.clock import iso
from agent.flow.contexts import Context
from agent.flow.windowing import Due
from detectors.cells import CATEGORICAL, NUMERIC
from detectors.layout import BELOW, FIRST_LEVEL, INVALID, MISSING, CategoricalColumn, NumericColumn
from detectors.tables import Tables

Ints = NDArray[np.int64]
Record = dict[str, object]
ENCODER = msgspec.json.Encoder()


def cell_lines(due: Due, context: Context, window: Tables) -> Iterator[bytes]:
    """The lines of one window."""
    head: Record = {
        "due": iso(due.due_us),
        **{name: value for name, value in due.stream._asdict().items() if value},
        "window_start": iso(due.start_us),
        "window_end": iso(due.end_us),
    }
    for record in _columns(context, window):
        yield ENCODER.encode(head | record)


def _columns(context: Context, window: Tables) -> Iterator[Record]:
    layout = context.layout
    if NUMERIC in window:
        for number, cells in zip(layout.numeric, _split(window.ints(NUMERIC), layout.numeric_offsets), strict=True):
            yield _number(number, cells)
    if CATEGORICAL in window:
        codes = _split(window.ints(CATEGORICAL), layout.categorical_offsets)
        for category, cells in zip(layout.categorical, codes, strict=True):
            yield _category(category, cells)


def _split(flat: Ints, offsets: NDArray[np.intp]) -> list[Ints]:
    return np.split(flat, offsets[1:-1])


def _number(column: NumericColumn, cells: Ints) -> Record:
    return {
        "column": column.name,
        "role": column.role.value,
        "edges": column.edges,
        "counts": cells[BELOW:].tolist(),
        "missing": int(cells[MISSING]),
        "invalid": int(cells[INVALID]),
    }


def _category(column: CategoricalColumn, cells: Ints) -> Record:
    return {
        "column": column.name,
        "role": column.role.value,
        "levels": dict(zip(column.levels, cells[FIRST_LEVEL : column.other].tolist(), strict=True)),
        "other": int(cells[column.other]),
        "unseen": int(cells[column.first_unseen :].sum()),
        "missing": int(cells[MISSING]),
        "invalid": int(cells[INVALID]),
    }
