from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from detectors.intervals import (
    kolmogorov_smirnov,
    largest_share_change,
    noise_of_total_variation,
    total_variation,
)
from tests.detectors.populations import NAMES, compare, most_allowed, population

RUNS = 2_000
ONES = np.ones(RUNS)


def _windows(name: str, weight: float, n: int, seed: int) -> tuple[object, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    q, other = population(name)
    p = (1 - weight) * q + weight * other
    return compare(rng.multinomial(n, p, size=RUNS), rng.multinomial(50_000, q, size=RUNS)), p, q


def test_values_equal_their_definitions() -> None:
    x, y = np.array([[3, 5, 9]]), np.array([30, 20, 9])
    p, q = (x[0] + 0.5) / 18.5, (y + 0.5) / 60.5
    pair = compare(x, y)
    one = np.ones(1)
    assert total_variation(pair, one, 3.0).value[0] == pytest.approx(np.abs(p - q).sum() / 2, rel=1e-12)
    assert kolmogorov_smirnov(pair, one, 3.0).value[0] == pytest.approx(np.abs(np.cumsum(p - q)).max(), rel=1e-12)
    assert largest_share_change(pair)[0] == pytest.approx(np.abs(p - q).max(), rel=1e-12)


def test_ks_on_cells_is_close_to_ks_on_rows() -> None:
    rng = np.random.default_rng(51)
    a, b = rng.normal(0.3, 1, 20_000), rng.normal(0, 1, 50_000)
    edges = np.quantile(b, np.linspace(0, 1, 33))
    x, y = (np.bincount(np.searchsorted(edges, rows, side="right"), minlength=34) for rows in (a, b))
    found = kolmogorov_smirnov(compare(x.reshape(1, -1), y), np.ones(1), 3.0).value[0]
    assert found == pytest.approx(stats.ks_2samp(a, b).statistic, abs=0.01)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("n", [300, 5_000])
def test_total_variation_breaches_its_true_value_no_more_often_than_nominal(name: str, n: int) -> None:
    pair, p, q = _windows(name, 0.4, n, 52)
    found = total_variation(pair, ONES, 3.0)
    true = np.abs(p - q).sum() / 2
    assert np.count_nonzero(found.lower > true) <= most_allowed(RUNS, 0.00135)
    assert np.count_nonzero(found.upper < true) <= most_allowed(RUNS, 0.00135)


@pytest.mark.parametrize("name", ["normal", "lognormal", "heavy_tailed", "ties"])
@pytest.mark.parametrize("n", [300, 5_000])
def test_ks_breaches_its_true_value_no_more_often_than_nominal(name: str, n: int) -> None:
    pair, p, q = _windows(name, 0.4, n, 53)
    found = kolmogorov_smirnov(pair, ONES, 3.0)
    true = np.abs(np.cumsum(p - q)).max()
    assert np.count_nonzero(found.lower > true) <= most_allowed(RUNS, 0.00135)
    assert np.count_nonzero(found.upper < true) <= most_allowed(RUNS, 0.00135)


def test_the_noise_of_total_variation_is_what_equal_samples_show() -> None:
    pair, _, _ = _windows("normal", 0.0, 2_000, 54)
    shown = total_variation(pair, ONES, 3.0).value
    assert shown.mean() == pytest.approx(noise_of_total_variation(pair, ONES).mean(), rel=0.05)
    assert np.count_nonzero(total_variation(pair, ONES, 3.0).lower > 0.0) <= most_allowed(RUNS, 0.00135)


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("n", [100, 1_000, 10_000, 100_000, 1_000_000])
def test_distances_keep_their_level_over_sample_sizes(name: str, n: int) -> None:
    for weight in (0.0, 0.1, 0.5):
        pair, p, q = _windows(name, weight, n, 55)
        variation, largest = total_variation(pair, ONES, 3.0), kolmogorov_smirnov(pair, ONES, 3.0)
        allowed = most_allowed(RUNS, 0.00135)
        assert np.count_nonzero(variation.lower > np.abs(p - q).sum() / 2) <= allowed
        assert np.count_nonzero(largest.lower > np.abs(np.cumsum(p - q)).max()) <= allowed
