"""Intervals against scipy, published examples, and by property."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from detectors.estimates import Estimate, corrected_z, difference, exactly, ratio, relative_rise, wilson


@pytest.mark.parametrize(("hits", "total"), [(0, 10), (10, 10), (3, 10), (81, 263), (1, 100000)])
def test_wilsons_interval_is_that_of_scipy(hits: int, total: int) -> None:
    z = 1.959963984540054
    expected = stats.binomtest(hits, total).proportion_ci(0.95, method="wilson")
    found = wilson(hits, total, z)
    assert float(found.lower) == pytest.approx(expected.low, abs=1e-12)
    assert float(found.upper) == pytest.approx(expected.high, abs=1e-12)


def test_a_proportion_of_nothing_is_nan_and_warns_nobody() -> None:
    assert np.isnan(wilson(np.array([0, 1]), np.array([0, 2]), 3.0).value).tolist() == [True, False]


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        ((56, 70), (48, 80), (0.0524, 0.3339)),  # Newcombe 1998, table II (a), method 10
        ((9, 10), (3, 10), (0.1705, 0.8090)),  # (b)
        ((10, 10), (0, 20), (0.6791, 1.0000)),  # (g)
        ((0, 10), (0, 10), (-0.2775, 0.2775)),  # (f)
    ],
)
def test_differences_have_newcombes_published_intervals(
    a: tuple[int, int], b: tuple[int, int], expected: tuple[float, float]
) -> None:
    gap = difference(wilson(*a, 1.959964), wilson(*b, 1.959964))
    assert (float(gap.lower), float(gap.upper)) == pytest.approx(expected, abs=6e-5)


def test_a_known_baseline_adds_no_width() -> None:
    value = wilson(30, 100, 2.0)
    gap = difference(exactly(0.5), value)
    assert float(gap.upper) == pytest.approx(0.5 - float(value.lower))


rates = st.tuples(st.integers(1, 400), st.integers(0, 400)).map(lambda pair: (min(pair), max(*pair, 1)))


@given(rates, rates)
def test_the_ratios_upper_limit_is_below_four_fifths_where_the_weighted_differences_is_below_zero(
    a: tuple[int, int], b: tuple[int, int]
) -> None:
    worse, better = wilson(*a, 3.0), wilson(*b, 3.0)
    upper, limit = float(ratio(worse, better).upper), float(difference(worse, better, 0.8).upper)
    if abs(limit) > 1e-9:
        assert (upper < 0.8) == (limit < 0)


@given(rates, rates)
def test_a_ratio_lies_within_its_limits(a: tuple[int, int], b: tuple[int, int]) -> None:
    found = ratio(wilson(*a, 3.0), wilson(*b, 3.0))
    if not np.isnan(found.value):
        assert found.lower - 1e-9 <= found.value <= found.upper + 1e-9


def test_a_ratio_to_a_rate_that_may_be_zero_has_no_upper_limit() -> None:
    assert np.isinf(ratio(wilson(5, 10, 3.0), wilson(0, 10, 3.0)).upper)


def test_a_relative_rise_joins_the_widths_on_the_logarithm() -> None:
    a, b = Estimate(*map(np.asarray, (12.0, 11.0, 13.0))), Estimate(*map(np.asarray, (10.0, 9.5, 10.5)))
    rise = relative_rise(a, b)
    assert float(rise.value) == pytest.approx(0.2)
    half = np.hypot(np.log(12 / 11), np.log(10.5 / 10))
    assert float(rise.lower) == pytest.approx(1.2 * np.exp(-half) - 1)


def test_the_corrected_quantile_shares_the_tail_among_the_comparisons() -> None:
    assert corrected_z(3.0, 1) == pytest.approx(3.0)
    assert stats.norm.sf(corrected_z(3.0, 90)) == pytest.approx(stats.norm.sf(3.0) / 90)
