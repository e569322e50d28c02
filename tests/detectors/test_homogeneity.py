from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.stats.contingency import association

from detectors.comparison import Comparison
from detectors.homogeneity import MIN_EXPECTED, chi_square, cramers_v, pearson
from tests.detectors.populations import compare

ONE = np.ones(1)
TABLES = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 200)), min_size=2, max_size=30)


def _pair(rows: list[tuple[int, int]]) -> Comparison | None:
    x, y = np.array([[row[0] for row in rows]]), np.array([row[1] for row in rows])
    return compare(x, y) if x.sum() and y.sum() else None


def _oracle(x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    kept = x + y > 0
    if kept.sum() < 2:
        return 0.0, 1.0
    found = stats.chi2_contingency(np.stack((x[kept], y[kept])), correction=False)
    return float(found.statistic), float(found.pvalue)


def _neighbours(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Pooling as a person would write it: go on until the smaller side expects 5, give the remainder to the last."""
    share = min(x.sum(), y.sum()) / (x.sum() + y.sum())
    groups: list[list[int]] = [[0, 0]]
    for a, b in zip(x.tolist(), y.tolist(), strict=True):
        if share * sum(groups[-1]) >= MIN_EXPECTED:
            groups.append([0, 0])
        groups[-1][0] += a
        groups[-1][1] += b
    if len(groups) > 1 and share * sum(groups[-1]) < MIN_EXPECTED:
        a, b = groups.pop()
        groups[-1][0] += a
        groups[-1][1] += b
    pooled = np.array(groups)
    return pooled[:, 0], pooled[:, 1]


@settings(max_examples=40, deadline=None)
@given(TABLES)
def test_numbers_are_tested_as_scipy_does_after_pooling_neighbours(rows: list[tuple[int, int]]) -> None:
    pair = _pair(rows)
    if pair is None:
        return
    found = chi_square(pair, 1, ONE)
    statistic, p_value = _oracle(*_neighbours(pair.x[0], pair.y[0]))
    assert found.statistic[0] == pytest.approx(statistic, rel=1e-9, abs=1e-9)
    assert found.p_value[0] == pytest.approx(p_value, rel=1e-9, abs=1e-12)


@settings(max_examples=40, deadline=None)
@given(TABLES)
def test_the_two_sample_statistic_equals_scipys(rows: list[tuple[int, int]]) -> None:
    pair = _pair(rows)
    if pair is None:
        return
    assert pearson(pair.x, pair.y)[0] == pytest.approx(_oracle(pair.x[0], pair.y[0])[0], rel=1e-9, abs=1e-9)


def test_categories_below_five_are_pooled_into_one_rest_cell() -> None:
    x, y = np.array([50, 2, 40, 1, 3, 2]), np.array([60, 2, 30, 3, 1, 3])
    found = chi_square(compare(x.reshape(1, -1), y), 0, ONE)
    statistic, p_value = _oracle(np.array([50, 40, 8]), np.array([60, 30, 9]))
    assert found.statistic[0] == pytest.approx(statistic, rel=1e-12)
    assert found.p_value[0] == pytest.approx(p_value, rel=1e-12)
    assert found.freedom.tolist() == [2]


def test_a_rest_cell_below_five_takes_in_the_smallest_other_cell() -> None:
    x, y = np.array([50, 20, 1]), np.array([60, 30, 1])
    found = chi_square(compare(x.reshape(1, -1), y), 0, ONE)
    assert found.statistic[0] == pytest.approx(_oracle(np.array([50, 21]), np.array([60, 31]))[0], rel=1e-12)


def test_one_remaining_group_has_no_test() -> None:
    found = chi_square(compare(np.array([[2, 1]]), np.array([1, 2])), 1, ONE)
    assert found.freedom.tolist() == [0]
    assert found.p_value.tolist() == [1.0]


def test_phi_divides_the_statistic_before_it_is_looked_up() -> None:
    pair = compare(np.array([[100, 150]]), np.array([150, 100]))
    found = chi_square(pair, 1, np.array([4.0]))
    assert found.p_value[0] == pytest.approx(stats.chi2.sf(found.statistic[0] / 4, 1), rel=1e-12)


def test_cramers_v_equals_scipys_association() -> None:
    x, y = np.array([30, 20, 50]), np.array([300, 400, 300])
    expected = association(np.stack((x, y)), method="cramer", correction=False)
    assert cramers_v(compare(x.reshape(1, -1), y))[0] == pytest.approx(expected, rel=1e-12)


def test_the_p_value_is_uniform_when_nothing_changed() -> None:
    rng = np.random.default_rng(31)
    shares = np.full(20, 1 / 20)
    pair = compare(rng.multinomial(2_000, shares, size=2_000), rng.multinomial(50_000, shares))
    for numeric in (0, 2_000):
        p_value = chi_square(pair, numeric, np.ones(2_000)).p_value
        assert stats.kstest(p_value, "uniform").statistic < 0.06
