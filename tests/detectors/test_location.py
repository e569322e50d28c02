from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from detectors.cells import CellTally
from detectors.comparison import CellIndex, Comparison
from detectors.cutting import cut_edges
from detectors.encode import encode
from detectors.layout import BELOW, Layout
from detectors.location import Moments, Positions, mean_shift, positions, quantile_shift, wasserstein
from detectors.tables import Tables
from tests.detectors.events import batch, feature_layout, number

ONE = np.ones(1)


class _Sides:
    """Two samples of one number, counted under the layout that the second fixes."""

    def __init__(self, window: np.ndarray, reference: np.ndarray, scale: float = 1.0) -> None:
        self.edges = np.array(cut_edges(reference))
        self.centre = float(np.median(reference))
        self.layout = feature_layout(number("x", self.edges.tolist(), centre=self.centre, scale=scale))
        self.window, self.reference = (_count(self.layout, rows) for rows in (window, reference))
        self.pair = Comparison.of(CellIndex.of(self.layout), self.window, self.reference)
        self.at: Positions = positions(self.window, self.reference, self.pair, self.layout)
        self.here = Moments.of(self.window, self.layout, self.pair.n)
        self.there = Moments.of(self.reference, self.layout, self.pair.m)

    def cell_means(self, rows: np.ndarray) -> np.ndarray:
        cell = np.searchsorted(self.edges, rows, side="right")
        return np.array([rows[cell == k].mean() for k in np.unique(cell)])[np.searchsorted(np.unique(cell), cell)]


def _count(layout: Layout, rows: np.ndarray) -> Tables:
    return CellTally().count(encode(batch(len(rows), {"features.x": rows.tolist()}), None, layout), layout)


def _samples(name: str) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(61)
    match name:
        case "normal":
            return rng.normal(0.3, 1.2, 3_000), rng.normal(0, 1, 20_000)
        case "lognormal":
            return rng.lognormal(0.2, 1, 3_000), rng.lognormal(0, 1, 20_000)
        case "ties":
            return rng.poisson(4, 3_000).astype(float), rng.poisson(3, 20_000).astype(float)
        case "far_out":
            return rng.normal(9, 1, 3_000), rng.normal(0, 1, 20_000)
        case _:
            return np.full(3_000, 2.0), rng.normal(0, 1, 20_000)


NAMES = ("normal", "lognormal", "ties", "far_out", "constant_window")


@pytest.mark.parametrize("name", NAMES)
def test_moments_equal_numpys_in_grid_units(name: str) -> None:
    window, reference = _samples(name)
    sides = _Sides(window, reference, scale=4.0)
    for found, rows in ((sides.here, window), (sides.there, reference)):
        assert found.mean[0] == pytest.approx((rows.mean() - sides.centre) / 4.0, rel=1e-9, abs=1e-9)
        assert found.variance[0] == pytest.approx(rows.var() / 16.0, rel=1e-7, abs=1e-8)


@pytest.mark.parametrize("name", NAMES)
def test_mean_shift_is_the_difference_of_means_in_reference_deviations(name: str) -> None:
    window, reference = _samples(name)
    sides = _Sides(window, reference)
    found = mean_shift(sides.here, sides.there, sides.pair, ONE, 2.0)
    error = np.sqrt(window.var() / len(window) + reference.var() / len(reference)) / reference.std()
    shift = (window.mean() - reference.mean()) / reference.std()
    assert found.value[0] == pytest.approx(shift, rel=1e-8)
    assert found.upper[0] - found.lower[0] == pytest.approx(4 * error, rel=1e-6)


@pytest.mark.parametrize("name", NAMES)
def test_wasserstein_equals_scipys_on_rows_moved_to_the_mean_of_their_cell(name: str) -> None:
    window, reference = _samples(name)
    sides = _Sides(window, reference)
    oracle = stats.wasserstein_distance(sides.cell_means(window), sides.cell_means(reference)) / reference.std()
    assert wasserstein(sides.pair, sides.at, sides.there)[0] == pytest.approx(oracle, rel=1e-7)


@pytest.mark.parametrize("name", NAMES)
def test_wasserstein_of_cells_is_close_to_that_of_rows_on_either_side(name: str) -> None:
    window, reference = _samples(name)
    sides = _Sides(window, reference)
    exact = stats.wasserstein_distance(window, reference) / reference.std()
    found = wasserstein(sides.pair, sides.at, sides.there)[0]
    within = [np.abs(rows - sides.cell_means(rows)).mean() for rows in (window, reference)]
    assert abs(found - exact) <= sum(within) / reference.std()
    assert found == pytest.approx(exact, rel=0.02)


def test_quantile_shift_is_the_move_of_the_median_in_reference_interquartile_ranges() -> None:
    window, reference = _samples("normal")
    sides = _Sides(window, reference)
    found = quantile_shift(sides.pair, sides.at, ONE, 3.0)
    first, third = np.quantile(reference, (0.25, 0.75))
    assert found.value[0] == pytest.approx((np.median(window) - np.median(reference)) / (third - first), abs=0.02)
    assert found.lower[0] < found.value[0] < found.upper[0]


def test_the_interval_of_the_median_misses_as_rarely_as_it_says() -> None:
    rng = np.random.default_rng(62)
    reference = rng.normal(0, 1, 50_000)
    true = 0.2 / np.ptp(np.quantile(reference, (0.25, 0.75)))
    misses = 0
    for _ in range(200):
        sides = _Sides(rng.normal(0.2, 1, 400), reference[:2_000])
        found = quantile_shift(sides.pair, sides.at, ONE, 1.96)
        misses += not found.lower[0] <= true <= found.upper[0]
    assert misses <= 20


def test_a_reference_that_does_not_vary_gives_no_shift() -> None:
    sides = _Sides(np.array([1.0, 2.0, 3.0]), np.full(100, 2.0))
    assert np.isnan(mean_shift(sides.here, sides.there, sides.pair, ONE, 3.0).value).all()
    assert np.isnan(wasserstein(sides.pair, sides.at, sides.there)).all()


def test_bounds_of_open_cells_are_the_extremes_of_both_sides() -> None:
    sides = _Sides(np.array([-9.0, 0.5]), np.arange(10.0))
    assert sides.at.low[0, 0] == -9.0 - sides.centre
    assert sides.at.high[0, len(sides.edges)] == sides.edges[-1] - sides.centre


def test_columns_at_the_ends_of_float64_are_measured_without_overflow() -> None:
    sides = _Sides(np.array([-1.7e308, 1.7e308]), np.arange(-25.0, 25.0) * 4e306)
    assert np.isfinite(quantile_shift(sides.pair, sides.at, ONE, 3.0).value).all()
    assert np.isfinite(wasserstein(sides.pair, sides.at, sides.there)).all()
    assert sides.layout.numeric[0].cells == sides.pair.x.shape[1] + BELOW
