from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial import distance

from detectors.comparison import Comparison
from detectors.divergence import HELLINGER2, JSD, PSI, Divergence, noise, smallest_decidable_root
from tests.detectors.populations import NAMES, clustered, compare, most_allowed, moved_by, population

Z = 3.0
MISS_AT_Z = 0.00135
MEASURES = (PSI, JSD, HELLINGER2)
ONE = np.ones(1)


def _pair(x: list[int], y: list[int]) -> Comparison:
    return compare(np.array([x], dtype=np.int64), np.array(y, dtype=np.int64))


def _shares(x: list[int]) -> np.ndarray:
    return (np.array(x) + 0.5) / (sum(x) + len(x) / 2)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 500), st.integers(0, 5000)), min_size=2, max_size=40))
def test_values_equal_their_definitions_on_smoothed_shares(rows: list[tuple[int, int]]) -> None:
    x, y = [row[0] for row in rows], [row[1] for row in rows]
    if not sum(x) or not sum(y):
        return
    pair = _pair(x, y)
    p, q = _shares(x), _shares(y)
    assert JSD.value(pair)[0] == pytest.approx(distance.jensenshannon(p, q, base=2) ** 2, rel=1e-9, abs=1e-12)
    assert PSI.value(pair)[0] == pytest.approx(np.sum((p - q) * np.log(p / q)), rel=1e-9, abs=1e-12)
    assert HELLINGER2.value(pair)[0] == pytest.approx(1 - np.sum(np.sqrt(p * q)), rel=1e-9, abs=1e-12)


def test_padding_changes_nothing() -> None:
    x, y = np.array([[3, 5, 9, 0, 0]]), np.array([[30, 20, 9, 0, 0]])
    inside = np.array([[True, True, True, False, False]])
    padded = Comparison.between(x, y, inside)
    plain = _pair([3, 5, 9], [30, 20, 9])
    for measure in MEASURES:
        assert measure.value(padded)[0] == pytest.approx(measure.value(plain)[0], rel=1e-12)
        assert measure.corrected(padded, ONE, Z)[1][0] == pytest.approx(
            measure.corrected(plain, ONE, Z)[1][0], rel=1e-12
        )
        assert measure.variance(padded, ONE)[0] == pytest.approx(measure.variance(plain, ONE)[0], rel=1e-12)


@pytest.mark.parametrize("measure", MEASURES)
def test_slopes_are_derivatives_up_to_a_constant(measure: Divergence) -> None:
    p, q = np.array([0.2, 0.3, 0.5]), np.array([0.4, 0.4, 0.2])
    step = 1e-6
    numeric = []
    for k in range(3):
        up, down = p.copy(), p.copy()
        up[k] += step
        down[k] -= step
        numeric.append((measure.terms(up, q).sum() - measure.terms(down, q).sum()) / (2 * step))
    apart = np.array(numeric) - measure.slope(p, q)
    assert np.ptp(apart) < 1e-7


@pytest.mark.parametrize("measure", MEASURES)
def test_measures_are_symmetric_and_zero_for_equal_shares(measure: Divergence) -> None:
    p, q = np.array([0.2, 0.3, 0.5]), np.array([0.4, 0.4, 0.2])
    assert measure.terms(p, q).sum() == pytest.approx(measure.terms(q, p).sum(), rel=1e-12)
    assert measure.terms(p, p).sum() == 0.0


def test_psi_of_a_vanished_level_grows_with_the_sample_and_js_distance_does_not() -> None:
    psi, js = [], []
    for n in (1_000, 1_000_000):
        x, y = [n // 2, n // 2 - 0, 0], [48 * n // 100, 48 * n // 100, 4 * n // 100]
        psi.append(PSI.value(_pair(x, y))[0])
        js.append(np.sqrt(JSD.value(_pair(x, y))[0]))
    assert psi[1] > 2 * psi[0]
    assert js[1] == pytest.approx(js[0], rel=0.05)


def test_the_smallest_decidable_tolerance_solves_its_equation() -> None:
    size, h = np.array([34]), np.array([1 / 800 + 1 / 50_000])
    tau = smallest_decidable_root(JSD, size, h, 3.2)
    c = JSD.curvature
    noise_of_twice = 3.2 * np.sqrt(16 * c * tau**2 * h + 2 * (size - 1) * c**2 * h**2)
    assert 3 * tau**2 == pytest.approx(noise_of_twice, rel=1e-12)


def test_phi_widens_the_interval_and_lowers_its_lower_end() -> None:
    pair = _pair([200, 300, 500], [4000, 3000, 3000])
    plain, inflated = (JSD.corrected(pair, np.array([phi]), Z) for phi in (1.0, 3.0))
    assert inflated.lower[0] < plain.lower[0]
    assert inflated.upper[0] - inflated.lower[0] > plain.upper[0] - plain.lower[0]


def _windows(name: str, distance_: float, n: int, m: int, runs: int, seed: int, measure: Divergence) -> Comparison:
    rng = np.random.default_rng(seed)
    q, other = population(name)
    p = moved_by(distance_, q, other, measure) if distance_ else q
    return compare(rng.multinomial(n, p, size=runs), rng.multinomial(m, q, size=runs))


def _breaches(pair: Comparison, tau: float, phi: float, measure: Divergence) -> int:
    lower = np.sqrt(measure.corrected(pair, np.full(len(pair.n), phi), Z).lower)
    return int(np.count_nonzero(lower > tau))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("n", [300, 5_000])
def test_js_distance_breaches_at_the_tolerance_no_more_often_than_nominal(name: str, n: int) -> None:
    pair = _windows(name, 0.1, n, 20_000, 3_000, 11, JSD)
    assert _breaches(pair, 0.1, 1.0, JSD) <= most_allowed(3_000, MISS_AT_Z)


@pytest.mark.parametrize("name", NAMES)
def test_js_distance_never_breaches_when_nothing_changed(name: str) -> None:
    assert _breaches(_windows(name, 0.0, 500, 20_000, 3_000, 12, JSD), 0.1, 1.0, JSD) == 0


@pytest.mark.parametrize("name", NAMES)
def test_js_distance_sees_twice_the_tolerance_where_it_says_it_can(name: str) -> None:
    pair = _windows(name, 0.2, 1_000, 20_000, 1_000, 13, JSD)
    smallest = smallest_decidable_root(JSD, pair.size, noise(pair, np.ones(1_000)), Z)
    assert smallest.max() < 0.1
    assert _breaches(pair, 0.1, 1.0, JSD) > 950


def test_clustered_events_breach_too_often_without_phi_and_not_with_it() -> None:
    rng = np.random.default_rng(14)
    q, other = population("normal")
    p = moved_by(0.1, q, other, JSD)
    again = np.sqrt(0.3)
    x = clustered(rng, p, 100, 10, again, 1_500)
    pair = compare(x, rng.multinomial(100_000, q))
    naive, inflated = _breaches(pair, 0.1, 1.0, JSD), _breaches(pair, 0.1, 1 + 9 * 0.3, JSD)
    assert inflated <= most_allowed(1_500, MISS_AT_Z) < naive


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("n", [100, 1_000, 10_000, 100_000, 1_000_000])
def test_js_distance_keeps_its_level_over_sample_sizes(name: str, n: int) -> None:
    runs = 20_000
    at_tolerance = _windows(name, 0.1, n, 50_000, runs, 21, JSD)
    unchanged = _windows(name, 0.0, n, 50_000, runs, 22, JSD)
    assert _breaches(at_tolerance, 0.1, 1.0, JSD) <= most_allowed(runs, MISS_AT_Z)
    assert _breaches(unchanged, 0.1, 1.0, JSD) == 0


@pytest.mark.parametrize("measure", [JSD, HELLINGER2])
def test_the_interval_of_a_divergence_misses_low_as_rarely_as_it_says(measure: Divergence) -> None:
    pair = _windows("normal", 0.15, 2_000, 50_000, 3_000, 15, measure)
    interval = measure.corrected(pair, np.ones(3_000), 1.96)
    assert np.mean(np.sqrt(interval.lower) > 0.15) < 0.035
    assert np.mean(np.sqrt(interval.upper) < 0.15) < 0.035
