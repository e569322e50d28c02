"""Tables of a regression's errors e = prediction - truth, y = truth.

The first axis is the 16 sub-tables of the jackknife; sums are limbs (grid.py) in units of the layout's ``target_scale`` s:

    rows             (16, 3)      rows; rows with y != 0, which have a relative error; values clipped at 4096 s
    errors           (16, 2)      e / s                  absolute        (16, 2)  |e| / s
    squares          (16, 3)      (e / s)^2              fourths         (16, 3)  ((e / s)^2)^2, see FOURTH_BITS
    targets          (16, 2)      (y - c) / s            target_squares  (16, 3)  its square
    products         (16, 3)      (e / s) ((y - c) / s)
    relative         (16, 2)      |e / y|                symmetric       (16, 2)  2 |e| / (|y| + |prediction|), 0 / 0 = 0
    cells            (16, E + 2)  |e| below the first of the E + 1 ``error_edges``, between, at or above the last
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from detectors import grid
from detectors.columns import Labelled
from detectors.layout import SUB_TABLES, Layout
from detectors.tables import AnyArray, Kind, Tables, TableSpec, make_tables

ROWS, RELATIVE_ROWS, CLIPPED = 0, 1, 2
FOURTH_BITS = 18
"""(e / s)^2 is at most 2^24: rounded to 2^-18 it keeps to the 2^42 of the grid and can be squared in three limbs."""

_SUMS = ("errors", "absolute", "targets", "relative", "symmetric")
_SQUARES = ("squares", "fourths", "target_squares", "products")


def specs(tally: str, layout: Layout) -> tuple[TableSpec, ...]:
    """The tables of a regression under the tally's name."""
    tables = [TableSpec(f"{tally}.rows", Kind.COUNT, (SUB_TABLES, 3))]
    tables += [TableSpec(f"{tally}.{name}", Kind.LIMBS, (SUB_TABLES, 2)) for name in _SUMS]
    tables += [TableSpec(f"{tally}.{name}", Kind.LIMBS, (SUB_TABLES, 3)) for name in _SQUARES]
    if layout.error_edges:
        cells = len(layout.error_edges) + 1
        tables.append(TableSpec(f"{tally}.cells", Kind.COUNT, (SUB_TABLES, cells)))
    return tuple(tables)


def count(tally: str, batch: Labelled, layout: Layout) -> Tables:
    """Sum the errors of labelled predictions by sub-table."""
    bucket = batch.bucket.astype(np.intp)
    error = batch.prediction - batch.truth
    e, e_clipped = grid.quantise(error, 0.0, layout.target_scale)
    y, y_clipped = grid.quantise(batch.truth, layout.target_centre, layout.target_scale)
    relative, r_clipped, has_relative = _relative_errors(error, batch.truth)
    arrays: dict[str, AnyArray] = {
        "rows": _count_rows(bucket, has_relative, e_clipped | y_clipped | r_clipped),
        "errors": grid.sum_by_cell(e, bucket, SUB_TABLES),
        "absolute": grid.sum_by_cell(np.abs(e), bucket, SUB_TABLES),
        "targets": grid.sum_by_cell(y, bucket, SUB_TABLES),
        "relative": grid.sum_by_cell(relative, bucket, SUB_TABLES),
        "symmetric": grid.sum_by_cell(_symmetric_errors(error, batch), bucket, SUB_TABLES),
        "squares": grid.square_by_cell(e, bucket, SUB_TABLES),
        "fourths": grid.square_by_cell(_squares_on_grid(e), bucket, SUB_TABLES),
        "target_squares": grid.square_by_cell(y, bucket, SUB_TABLES),
        "products": grid.product_by_cell(e, y, bucket, SUB_TABLES),
    }
    if layout.error_edges:
        arrays["cells"] = _count_cells(np.abs(error), bucket, np.array(layout.error_edges))
    return make_tables((spec, arrays[spec.name.removeprefix(f"{tally}.")]) for spec in specs(tally, layout))


def _count_rows(
    bucket: NDArray[np.intp], has_relative: NDArray[np.bool_], clipped: NDArray[np.bool_]
) -> NDArray[np.int64]:
    rows = np.empty((SUB_TABLES, 3), dtype=np.int64)
    rows[:, ROWS] = np.bincount(bucket, minlength=SUB_TABLES)
    rows[:, RELATIVE_ROWS] = np.bincount(bucket[has_relative], minlength=SUB_TABLES)
    rows[:, CLIPPED] = np.bincount(bucket[clipped], minlength=SUB_TABLES)
    return rows


def _relative_errors(
    error: NDArray[np.float64], truth: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.bool_], NDArray[np.bool_]]:
    """|e / y| on the grid, 0 where y = 0; which were clipped; which exist."""
    exists = truth != 0.0
    with np.errstate(over="ignore"):
        ratio = np.divide(np.abs(error), np.abs(truth), out=np.zeros_like(error), where=exists)
    k, clipped = grid.quantise(ratio, 0.0, 1.0)
    return k, clipped, exists


def _symmetric_errors(error: NDArray[np.float64], batch: Labelled) -> NDArray[np.int64]:
    size = np.abs(batch.truth) + np.abs(batch.prediction)
    ratio = np.divide(2.0 * np.abs(error), size, out=np.zeros_like(error), where=size != 0.0)
    k, _ = grid.quantise(ratio, 0.0, 1.0)
    return k


def _squares_on_grid(e: NDArray[np.int64]) -> NDArray[np.int64]:
    z = e / grid.GRID
    return np.rint(z * z * float(1 << FOURTH_BITS)).astype(np.int64)


def _count_cells(size: NDArray[np.float64], bucket: NDArray[np.intp], edges: NDArray[np.float64]) -> NDArray[np.int64]:
    cells = len(edges) + 1
    cell = bucket * cells + np.searchsorted(edges, size, side="right")
    return np.bincount(cell, minlength=SUB_TABLES * cells).reshape(SUB_TABLES, cells).astype(np.int64, copy=False)
