"""Cells by mass: equal shares, atoms alone, edges midway, float32 survives."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from detectors.cutting import cut_edges, cut_levels, cut_scores, grid_of, power_of_two_near
from detectors.layout import name_hash

Floats = NDArray[np.float64]


def counts_of(values: Floats, edges: tuple[float, ...]) -> NDArray[np.int64]:
    """Rows below, in each cell and above, as the tally counts them."""
    return np.bincount(np.searchsorted(np.array(edges), values, side="right"), minlength=len(edges) + 1)


@pytest.mark.parametrize("draw", ["normal", "lognormal", "standard_cauchy", "random"])
def test_a_continuous_column_gets_32_cells_at_its_quantiles(draw: str) -> None:
    values = getattr(np.random.default_rng(1), draw)(size=64_000)
    edges = np.array(cut_edges(values))
    assert len(edges) == 33
    np.testing.assert_array_equal(counts_of(values, tuple(edges)), [0, *[2000] * 32, 0])
    ordered = np.sort(values)
    assert np.all((ordered[1999:-1:2000] < edges[1:-1]) & (edges[1:-1] <= ordered[2000::2000]))


def test_inner_edges_agree_with_numpy_quantiles() -> None:
    values = np.random.default_rng(2).normal(size=200_000)
    expected = np.quantile(values, np.arange(1, 32) / 32)
    np.testing.assert_allclose(cut_edges(values)[1:-1], expected, atol=1e-3)


def test_few_distinct_values_get_a_cell_each_with_edges_midway() -> None:
    edges = cut_edges(np.array([1.0, 2.0, 2.0, 4.0] * 50))
    assert edges[1:-1] == (1.5, 3.0)


def test_an_atom_gets_its_own_cell() -> None:
    rng = np.random.default_rng(3)
    values = np.where(rng.random(10_000) < 0.4, 0.1, rng.normal(size=10_000))
    edges = np.array(cut_edges(values))
    cell = np.searchsorted(edges, 0.1, side="right")
    inside = values[(values >= edges[cell - 1]) & (values < edges[cell])]
    assert set(inside) == {0.1}


def test_rare_values_between_atoms_keep_cells() -> None:
    values = np.array([0.0] * 500 + [0.5] * 3 + [1.0] * 500 + [7.0] * 2)
    np.testing.assert_array_equal(counts_of(values, cut_edges(values)), [0, 500, 3, 500, 2, 0])


def test_an_atom_survives_a_float32_producer_among_close_neighbours() -> None:
    rng = np.random.default_rng(4)
    close = 0.1 + rng.integers(-4, 5, 300) * 1e-9
    values = np.concatenate((np.full(500, 0.1), close, rng.normal(size=2000)))
    edges = np.array(cut_edges(values))
    as_sent = np.searchsorted(edges, float(np.float32(0.1)), side="right")
    assert as_sent == np.searchsorted(edges, 0.1, side="right")


def test_the_extremes_survive_a_float32_producer() -> None:
    values = np.array([0.1, 0.7, 1 / 3, -2 / 3])
    edges = cut_edges(values)
    counts = counts_of(values.astype(np.float32).astype(np.float64), edges)
    assert (counts[0], counts[-1]) == (0, 0)


@pytest.mark.parametrize(
    "values",
    [
        pytest.param([3.0] * 10, id="constant"),
        pytest.param([1e300, -1e300, 1e308], id="beyond float32"),
        pytest.param([5e-324, 1e-310, 0.0], id="subnormal"),
        pytest.param([1.0, np.nextafter(1.0, 2.0)], id="neighbouring floats"),
    ],
)
def test_degenerate_columns_lose_no_row(values: list[float]) -> None:
    edges = cut_edges(np.array(values))
    assert counts_of(np.array(values), edges)[1:-1].sum() == len(values)
    assert np.all(np.diff(edges) > 0)


def test_a_column_without_values_has_no_edges() -> None:
    assert cut_edges(np.empty(0)) == ()


@settings(max_examples=60, deadline=None)
@given(
    arrays(np.float64, st.integers(1, 300), elements=st.floats(-1e308, 1e308)),
    st.sampled_from([4, 32, 128]),
)
def test_any_column_is_cut_into_increasing_cells_that_hold_every_row(values: Floats, cells: int) -> None:
    edges = cut_edges(values, cells)
    counts = counts_of(values, edges)
    assert np.all(np.diff(edges) > 0)
    assert np.all(np.isfinite(edges))
    assert counts[0] == counts[-1] == 0
    assert np.all(counts[1:-1] > 0)
    assert len(edges) - 1 <= 2 * cells + 1


@settings(max_examples=30, deadline=None)
@given(st.permutations([0.1, 0.1, 0.2, 5.0, -3.0, 2.5, 2.5, 2.5]))
def test_the_order_of_rows_does_not_matter(values: list[float]) -> None:
    assert cut_edges(np.array(values), 3) == cut_edges(np.sort(values), 3)
    assert grid_of(np.array(values)) == grid_of(np.sort(values))


def test_score_cells_cover_zero_to_one_and_follow_the_mass() -> None:
    scores = np.random.default_rng(5).beta(0.3, 20, size=50_000)
    edges = cut_scores(scores)
    assert (edges[0], edges[-1]) == (0.0, math.nextafter(1.0, 2.0))
    assert len(edges) == 129
    assert counts_of(scores, edges)[1:-1].max() <= 2 * 50_000 / 128


def test_auc_from_score_cells_errs_by_less_than_the_stated_4e_4() -> None:
    sklearn_metrics = pytest.importorskip("sklearn.metrics")
    rng = np.random.default_rng(6)
    truth = rng.random(40_000) < 0.1
    scores = rng.beta(np.where(truth, 1.2, 0.5), 8)
    cell = np.searchsorted(cut_scores(scores), scores, side="right")
    exact, cut = (sklearn_metrics.roc_auc_score(truth, s) for s in (scores, cell))
    assert abs(exact - cut) < 4e-4


def test_levels_are_kept_by_mass_and_the_rest_as_hashes() -> None:
    counts = Counter({f"v{i:03d}": 1000 - i // 2 for i in range(300)})
    levels, rare = cut_levels(counts)
    assert levels[:3] == ("v000", "v001", "v002")
    assert len(levels) == 256
    assert rare == tuple(sorted(name_hash(f"v{i:03d}") for i in range(256, 300)))


@pytest.mark.parametrize(
    ("width", "power"), [(1.0, 1.0), (1.4, 1.0), (1.42, 2.0), (0.7, 0.5), (0.71, 1.0), (3e5, 262144)]
)
def test_the_scale_is_the_nearest_power_of_two(width: float, power: float) -> None:
    assert power_of_two_near(width) == power


def test_the_grid_is_median_and_iqr() -> None:
    values = np.random.default_rng(7).normal(50, 8, size=10_001)
    assert grid_of(values) == (np.median(values), 8.0)


@pytest.mark.parametrize(
    ("values", "declared", "scale"),
    [
        pytest.param([5.0] * 9 + [905.0], 30.0, 32.0, id="declared"),
        pytest.param([5.0] * 9 + [905.0], None, 256.0, id="standard deviation"),
        pytest.param([5.0] * 10, None, 4.0, id="size of the median"),
        pytest.param([0.0] * 10, None, 1.0, id="nothing to go by"),
    ],
)
def test_a_column_with_an_iqr_of_zero_has_a_defined_scale(
    values: list[float], declared: float | None, scale: float
) -> None:
    assert grid_of(np.array(values), declared) == (values[0], scale)
