"""Where the values of a number lie: mean, median, and the work to turn one distribution into the other.

    mean_shift      (mean - reference mean) / reference standard deviation
    quantile_shift  (median - reference median) / reference interquartile range; medians and quartiles by linear
                    interpolation within cells
    wasserstein     integral of |F - G|, each cell's mass at its own mean, / reference standard deviation; it differs from
                    that of the rows by no more than the mean absolute deviation within cells

All of it happens in grid units, z = (value - centre) / scale with |z| <= 4096, so sums are exact, no column is too large or
too small, and a value farther than 4096 scales from the centre counts as lying there.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from detectors import cells, grid
from detectors.cells import ColumnGrids
from detectors.comparison import Comparison, Floats, Ints, Mask
from detectors.estimates import Estimate, difference, divide
from detectors.layout import BELOW, Layout
from detectors.tables import Tables


@dataclass(frozen=True, slots=True, eq=False)
class Moments:
    """(C,) mean and variance of each numeric column's values in grid units; NaN where it has none."""

    mean: Floats
    variance: Floats

    @classmethod
    def of(cls, tables: Tables, layout: Layout, n: Ints) -> Moments:
        sums = np.add.reduceat(tables.ints(cells.SUMS), layout.numeric_offsets[:-1], axis=0)
        z = divide(grid.to_float(sums) / grid.GRID, n)
        square = divide(grid.to_float(tables.ints(cells.SQUARES)) / grid.GRID**2, n)
        return cls(z, np.maximum(square - np.square(z), 0.0))

    def select(self, rows: Mask) -> Moments:
        """The same for some of the columns."""
        return Moments(self.mean[rows], self.variance[rows])


@dataclass(frozen=True, slots=True, eq=False)
class Positions:
    """Where every cell lies, (C, K), in grid units: ``low`` and ``high`` bounds, and the means of both sides."""

    low: Floats
    high: Floats
    mean_window: Floats
    mean_reference: Floats

    def select(self, rows: Mask) -> Positions:
        """The same for some of the columns."""
        return Positions(self.low[rows], self.high[rows], self.mean_window[rows], self.mean_reference[rows])


def mean_shift(window: Moments, reference: Moments, pair: Comparison, phi: Floats, z: float) -> Estimate:
    """(C,) difference of means in reference standard deviations; NaN where the reference does not vary."""
    error = np.sqrt(phi * (window.variance / pair.n + reference.variance / pair.m))
    shift = window.mean - reference.mean
    unit = np.sqrt(reference.variance)
    return Estimate(divide(shift, unit), divide(shift - z * error, unit), divide(shift + z * error, unit))


def quantile_shift(pair: Comparison, at: Positions, phi: Floats, z: float) -> Estimate:
    """(C,) difference of medians in reference interquartile ranges.

    NaN where both quartiles of the reference lie in one cell: half of its mass is one value, or nearly so.
    """
    reference = _median(pair.y, pair.m, at, phi, z)
    first, third = np.full(len(pair.n), 0.25), np.full(len(pair.n), 0.75)
    apart = _cell_of(pair.y, third) > _cell_of(pair.y, first)
    spread = np.where(apart, _quantile(pair.y, at, third) - _quantile(pair.y, at, first), 0.0)
    shift = difference(_median(pair.x, pair.n, at, phi, z), reference)
    return Estimate(*(divide(part, spread) for part in shift))


def wasserstein(pair: Comparison, at: Positions, reference: Moments) -> Floats:
    """(C,) distance in reference standard deviations; NaN where the reference does not vary."""
    rows, width = pair.x.shape
    place = np.stack((at.mean_window, at.mean_reference), axis=2)
    mass = np.stack((pair.x / pair.n.reshape(-1, 1), -pair.y / pair.m.reshape(-1, 1)), axis=2)
    place = np.where(np.isnan(place), place[:, :, ::-1], place)
    order = np.argsort(place, axis=2)
    place = np.take_along_axis(place, order, axis=2).reshape(rows, 2 * width)
    apart = np.abs(np.cumsum(np.take_along_axis(mass, order, axis=2).reshape(rows, 2 * width), axis=1))
    place = np.fmax.accumulate(place, axis=1)
    steps = np.diff(place, axis=1)
    work = (apart[:, :-1] * np.where(np.isnan(steps), 0.0, steps)).sum(axis=1)
    return divide(work, np.sqrt(reference.variance))


def positions(window: Tables, reference: Tables, pair: Comparison, layout: Layout) -> Positions:
    """Where the cells of the numeric columns lie; the open cells end at the extremes of both sides."""
    return Positions(
        *_bounds(window, reference, pair, layout),
        _cell_means(window, pair.x, layout),
        _cell_means(reference, pair.y, layout),
    )


def _cell_means(tables: Tables, counts: Ints, layout: Layout) -> Floats:
    """(C, K) mean of each cell, NaN where it is empty."""
    sums = grid.to_float(tables.ints(cells.SUMS)) / grid.GRID
    return divide(np.append(sums, 0.0)[_numeric_take(layout, counts.shape[1])], counts)


def _numeric_take(layout: Layout, width: int) -> Ints:
    """(C, width) place of each cell in the flat tables; the padding points behind their end."""
    offsets = layout.numeric_offsets
    take = offsets[:-1].reshape(-1, 1) + BELOW + np.arange(width)
    return np.where(take < offsets[1:].reshape(-1, 1), take, offsets[-1])


def _bounds(window: Tables, reference: Tables, pair: Comparison, layout: Layout) -> tuple[Floats, Floats]:
    """Edges as bounds; the lowest cell begins at the smallest value of both sides, the highest ends at the largest."""
    least = np.minimum(window.floats(cells.MINIMUM), reference.floats(cells.MINIMUM))
    most = np.maximum(window.floats(cells.MAXIMUM), reference.floats(cells.MAXIMUM))
    low, high = np.zeros(pair.x.shape), np.zeros(pair.x.shape)
    for row, edges in enumerate(layout.edges):
        stop = len(edges) + 1
        low[row, 0] = min([least[row], *edges[:1]])
        high[row, stop - 1] = max([most[row], *edges[-1:]])
        low[row, 1:stop], high[row, : stop - 1] = edges, edges
    return _in_grid_units(low, layout), _in_grid_units(high, layout)


def _in_grid_units(values: Floats, layout: Layout) -> Floats:
    grids = layout.derived(ColumnGrids.of)
    with np.errstate(over="ignore"):
        z = (values - grids.centre) / grids.scale
    return np.clip(z, -grid.Z_LIMIT, grid.Z_LIMIT)


def _median(counts: Ints, total: Ints, at: Positions, phi: Floats, z: float) -> Estimate:
    """Median with the interval of its order statistics: quantiles 1/2 -+ z sqrt(phi / n) / 2."""
    half = np.full(len(total), 0.5)
    reach = np.minimum(z * np.sqrt(phi / total) / 2, 0.5)
    return Estimate(*(_quantile(counts, at, share) for share in (half, half - reach, half + reach)))


def _quantile(counts: Ints, at: Positions, share: Floats) -> Floats:
    """(C,) quantile of each column by linear interpolation within the cell that holds it."""
    running = np.cumsum(counts, axis=1)
    pick = (np.arange(len(counts)), _cell_of(counts, share))
    inside = (share * running[:, -1] - (running[pick] - counts[pick])) / np.maximum(counts[pick], 1)
    found: Floats = at.low[pick] + np.clip(inside, 0.0, 1.0) * (at.high[pick] - at.low[pick])
    return found


def _cell_of(counts: Ints, share: Floats) -> Ints:
    """(C,) the cell that holds a quantile."""
    running = np.cumsum(counts, axis=1)
    wanted = (share * running[:, -1]).reshape(-1, 1)
    cell: Ints = np.argmax((running >= wanted) & (running > 0), axis=1)
    return cell
