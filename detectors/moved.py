"""Which cells of a column moved most, in words: the first thing a responder asks of a drifted column."""

from __future__ import annotations

import numpy as np

from detectors.comparison import Comparison
from detectors.layout import CategoricalColumn, Layout, NumericColumn

SHOWN = 3
SMALLEST_SHOWN = 0.005
"""Changes of a share below half a point are not worth a word."""


def most_moved(pair: Comparison, rows: tuple[int, ...], layout: Layout) -> tuple[str, ...]:
    """Per column the cells whose share changed most, e.g. ``[10, 20): 12 % to 31 %; below 10: 5 % to 0 %``.

    Args:
        pair: the compared columns; rows: the place of each among the layout's columns, numeric first.
    """
    columns: tuple[NumericColumn | CategoricalColumn, ...] = (*layout.numeric, *layout.categorical)
    before, after = pair.y / pair.m.reshape(-1, 1), pair.x / pair.n.reshape(-1, 1)
    change = np.abs(after - before)
    first = np.argsort(-change, axis=1, kind="stable")[:, :SHOWN]
    texts = []
    for i, row in enumerate(rows):
        shown = [cell for cell in first[i].tolist() if change[i, cell] >= SMALLEST_SHOWN]
        parts = (
            f"{cell_name(columns[row], c)}: {100 * before[i, c]:.1f} % to {100 * after[i, c]:.1f} %" for c in shown
        )
        texts.append("; ".join(parts))
    return tuple(texts)


def cell_name(column: NumericColumn | CategoricalColumn, cell: int) -> str:
    """A cell of a comparison row in words."""
    if isinstance(column, NumericColumn):
        return _range_name(column.edges, cell)
    if cell < len(column.levels):
        return column.levels[cell]
    return "other levels" if column.rare and cell == len(column.levels) else "unseen levels"


def _range_name(edges: tuple[float, ...], cell: int) -> str:
    if not edges:
        return "any value"
    if cell == 0:
        return f"below {edges[0]:.4g}"
    if cell == len(edges):
        return f"{edges[-1]:.4g} and above"
    return f"[{edges[cell - 1]:.4g}, {edges[cell]:.4g})"
