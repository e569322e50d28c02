"""Measures of a regression's errors e = prediction - truth, from their sums; formulas in docs/statistics.md."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from detectors import grid
from detectors.classification import Ints
from detectors.error_sums import CLIPPED, FOURTH_BITS, RELATIVE_ROWS, ROWS
from detectors.estimates import Floats, divide
from detectors.jackknife import Jackknife
from detectors.layout import Layout
from detectors.readings import Detail, Reading, Scale, single
from detectors.reasons import BEYOND_THE_CELLS, NO_LABELS, NO_SPREAD
from detectors.scores import mean_of_sums
from detectors.tables import Tables

QUANTILES = (0.5, 0.9, 0.95)


def read_errors(tables: Tables, layout: Layout, scale: Scale) -> Iterator[Reading]:
    """Every measure of one side."""
    rows = tables.ints("outcomes.rows")
    jackknife = Jackknife.over(rows[:, ROWS], scale.z)
    yield _mean_error(tables, layout, scale, jackknife)
    yield _mae(tables, layout, scale, jackknife)
    yield _rmse(tables, layout, scale, jackknife)
    yield from _relative(tables, scale, jackknife)
    yield from _explained(tables, scale, jackknife)
    if "outcomes.cells" in tables:
        yield from _quantiles(tables.ints("outcomes.cells"), layout, scale, jackknife)


def _mean_error(tables: Tables, layout: Layout, scale: Scale, jackknife: Jackknife) -> Reading:
    """Bias, mean(prediction - truth)."""
    n = jackknife.stack(tables.ints("outcomes.rows"))[:, ROWS]
    means = divide(_sums(tables, "errors", jackknife), n) * layout.target_scale
    estimate = jackknife.estimate(means, scale.inflation("mean_error", ""))
    return single("mean_error", estimate, int(n[0]), reason=NO_LABELS)


def _mae(tables: Tables, layout: Layout, scale: Scale, jackknife: Jackknife) -> Reading:
    rows = tables.ints("outcomes.rows")
    sums, squares = tables.ints("outcomes.absolute"), tables.ints("outcomes.squares")
    return mean_of_sums("mae", sums, squares, rows[:, ROWS], scale, jackknife, layout.target_scale)


def _rmse(tables: Tables, layout: Layout, scale: Scale, jackknife: Jackknife) -> Reading:
    """sqrt(mean e^2); the design effect is that of the mean of e^2."""
    n = jackknife.stack(tables.ints("outcomes.rows"))[:, ROWS]
    means = divide(_sums(tables, "squares", jackknife), n)
    fourth = divide(grid.to_float(tables.ints("outcomes.fourths").sum(axis=0)) / float(1 << 2 * FOURTH_BITS), n[0])
    effect = divide(jackknife.variance(means), divide(fourth - np.square(means[0]), n[0]))
    estimate = jackknife.positive(np.sqrt(means) * layout.target_scale, scale.inflation("rmse", ""))
    detail: Detail = () if np.isnan(effect) else (("design_effect", f"{float(effect):.3g}"),)
    clipped = int(tables.ints("outcomes.rows")[:, CLIPPED].sum())
    if clipped:
        detail += (("clipped", str(clipped)),)
    return single("rmse", estimate, int(n[0]), reason=NO_LABELS, detail=detail)


def _relative(tables: Tables, scale: Scale, jackknife: Jackknife) -> Iterator[Reading]:
    """MAPE over the rows with y != 0, and sMAPE in [0, 2]."""
    rows = jackknife.stack(tables.ints("outcomes.rows"))
    for metric, name, n in (("mape", "relative", rows[:, RELATIVE_ROWS]), ("smape", "symmetric", rows[:, ROWS])):
        means = divide(_sums(tables, name, jackknife), n)
        yield single(metric, jackknife.positive(means, scale.inflation(metric, "")), int(n[0]), reason=NO_LABELS)


def _explained(tables: Tables, scale: Scale, jackknife: Jackknife) -> Iterator[Reading]:
    """R2 = 1 - sum e^2 / sum (y - mean y)^2, and Pearson's correlation of prediction and truth."""
    n = jackknife.stack(tables.ints("outcomes.rows"))[:, ROWS]
    e, y = (divide(_sums(tables, name, jackknife), n) for name in ("errors", "targets"))
    ee, yy, ey = (divide(_sums(tables, name, jackknife), n) for name in ("squares", "target_squares", "products"))
    spread = _positive(yy - np.square(y))
    predicted = _positive(spread + (ee - np.square(e)) + 2 * (ey - e * y))
    r2 = 1 - divide(ee, spread)
    correlation = divide(spread + ey - e * y, np.sqrt(spread * predicted))
    for metric, values in (("r2", r2), ("correlation", correlation)):
        low = -1.0 if metric == "correlation" else -np.inf
        estimate = jackknife.estimate(values, scale.inflation(metric, ""), low, 1.0)
        yield single(metric, estimate, int(n[0]), reason=NO_SPREAD)


def _quantiles(cells: Ints, layout: Layout, scale: Scale, jackknife: Jackknife) -> Iterator[Reading]:
    """Quantiles of |e|, linear within their cell, whose ends the detail gives; none in a cell without an end."""
    stacked = jackknife.stack(cells)
    edges = np.array((0.0, *layout.error_edges)) if layout.error_edges[0] > 0 else np.array(layout.error_edges)
    closed = stacked[:, :-1] if layout.error_edges[0] > 0 else stacked[:, 1:-1]
    below = np.concatenate((np.zeros((len(closed), 1)), np.cumsum(closed, axis=1)), axis=1)
    total = stacked.sum(axis=1)
    for share in QUANTILES:
        metric = f"absolute_error_p{round(share * 100)}"
        values = np.array([_invert(share * n, row, edges) for n, row in zip(total, below, strict=True)])
        estimate = jackknife.positive(values, scale.inflation(metric, ""))
        within = _cell_ends(float(values[0]), edges)
        yield single(metric, estimate, int(total[0]), reason=BEYOND_THE_CELLS, detail=within)


def _invert(rank: float, below: Floats, edges: Floats) -> float:
    """The value below which ``rank`` events lie; NaN beyond the last edge."""
    if rank > below[-1] or below[-1] == 0:
        return float("nan")
    cell = max(int(np.searchsorted(below, rank, side="left")) - 1, 0)
    inside = (rank - below[cell]) / (below[cell + 1] - below[cell])
    return float(edges[cell] + inside * (edges[cell + 1] - edges[cell]))


def _cell_ends(value: float, edges: Floats) -> Detail:
    if np.isnan(value):
        return ()
    cell = int(np.clip(np.searchsorted(edges, value, side="left") - 1, 0, len(edges) - 2))
    return (("cell_lower", f"{edges[cell]:.6g}"), ("cell_upper", f"{edges[cell + 1]:.6g}"))


def _sums(tables: Tables, name: str, jackknife: Jackknife) -> Floats:
    """Sums in units of the scale, for all rows and without each sub-table."""
    limbs = tables.ints(f"outcomes.{name}")
    bits = grid.GRID if limbs.shape[-1] == 2 else grid.GRID**2
    return grid.to_float(jackknife.stack(limbs)) / bits


def _positive(values: Floats) -> Floats:
    """0 for what rounding left at or below 0."""
    return np.where(values > 1e-12, values, 0.0)
