from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from detectors.comparison import Comparison
from detectors.divergence import HELLINGER2, JSD, PSI
from detectors.expectation import MAX_SIZE, _means, expected, expected_kolmogorov_smirnov, rounded_shares, rounded_size
from detectors.intervals import kolmogorov_smirnov
from tests.detectors.populations import NAMES, compare, population


def test_means_equal_the_sum_over_every_possible_count() -> None:
    q, size = np.array([0.5, 0.3, 0.15, 0.05]), 40
    x = np.arange(size + 1)
    weight = np.stack([stats.binom.pmf(x, size, share) for share in q])
    p = np.broadcast_to((x + 0.5) / (size + 2), weight.shape)
    found = _means(q.tobytes(), size, 4).sum(axis=1)
    for value, measure in zip(found, (PSI, JSD, HELLINGER2), strict=False):
        assert value == pytest.approx((weight * measure.terms(p, q.reshape(-1, 1))).sum(), rel=1e-9)
    assert found[3] == pytest.approx((weight * np.abs(p - q.reshape(-1, 1))).sum() / 2, rel=1e-9)


@pytest.mark.parametrize("name", NAMES)
def test_the_expectation_is_what_samples_of_one_population_give_on_average(name: str) -> None:
    rng = np.random.default_rng(41)
    q, _ = population(name)
    pair = compare(rng.multinomial(2_000, q, size=800), rng.multinomial(20_000, q, size=800))
    usual = expected(pair, np.ones(800))
    assert np.sqrt(JSD.value(pair)).mean() == pytest.approx(usual.js_distance.mean(), rel=0.04)
    assert np.sqrt(HELLINGER2.value(pair)).mean() == pytest.approx(usual.hellinger.mean(), rel=0.04)
    assert PSI.value(pair).mean() == pytest.approx(usual.psi.mean(), rel=0.06)
    assert (np.abs(pair.p - pair.q).sum(axis=1) / 2).mean() == pytest.approx(usual.total_variation.mean(), rel=0.04)


def test_scaling_beyond_the_largest_size_follows_the_law() -> None:
    rng = np.random.default_rng(42)
    q, _ = population("normal")
    small, large = (
        expected(compare(rng.multinomial(n, q, size=1), rng.multinomial(10 * n, q)), np.ones(1))
        for n in (2 * MAX_SIZE, 200 * MAX_SIZE)
    )
    assert small.js_distance[0] / large.js_distance[0] == pytest.approx(10.0, rel=0.02)
    assert small.total_variation[0] / large.total_variation[0] == pytest.approx(10.0, rel=0.02)


@pytest.mark.parametrize(
    ("effective", "size"), [(0.3, 1), (7.4, 7), (99.0, 99), (123.0, 120), (1234.5, 1200), (4999.9, 5000), (1e9, 5000)]
)
def test_sizes_are_rounded_to_two_digits(effective: float, size: int) -> None:
    assert rounded_size(effective) == size


def test_shares_are_rounded_to_three_digits() -> None:
    assert rounded_shares(np.array([0.031257, 1.0, 0.99999, 4.4449e-6])).tolist() == pytest.approx(
        [0.0313, 1.0, 1.0, 4.44e-6], rel=1e-12
    )


def test_columns_of_other_sizes_and_cells_do_not_disturb_each_other() -> None:
    rng = np.random.default_rng(44)
    x, y = rng.integers(1, 200, (5, 12)), rng.integers(1, 900, (5, 12))
    x[1:3] //= 3
    inside = np.arange(12) < np.array([[12], [12], [7], [7], [12]])
    x, y = np.where(inside, x, 0), np.where(inside, y, 0)
    together = expected(Comparison.between(x, y, inside), np.ones(5))
    for row in range(5):
        cells = int(inside[row].sum())
        alone = expected(compare(x[row : row + 1, :cells], y[row, :cells]), np.ones(1))
        assert [part[row] for part in together] == pytest.approx([part[0] for part in alone], rel=1e-12)


def test_the_expected_ks_bounds_what_cells_show() -> None:
    rng = np.random.default_rng(43)
    q, _ = population("normal")
    pair = compare(rng.multinomial(1_000, q, size=1_000), rng.multinomial(10_000, q, size=1_000))
    shown = kolmogorov_smirnov(pair, np.ones(1_000), 3.0).value.mean()
    bound = expected_kolmogorov_smirnov(pair, np.ones(1_000))[0]
    assert 0.8 * bound < shown <= bound
