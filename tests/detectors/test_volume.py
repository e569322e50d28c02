from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from detectors.families import RULES
from detectors.measurement import Measurement, Status
from detectors.policy import make_policy
from detectors.reasons import SHORT_HISTORY
from detectors.verdict import judge_alone
from detectors.volume import METRIC, MIN_WEEKS, measure_volume

POLICY = make_policy(RULES[METRIC])
COUNTS = st.integers(0, 10**7)
WEEKS = st.lists(COUNTS, min_size=MIN_WEEKS, max_size=8)


def verdict(measured: Measurement) -> Status:
    return judge_alone(measured, POLICY).status


def test_fewer_than_four_weeks_are_no_comparison() -> None:
    measured = measure_volume(100, [100, 100, 100], 3.0)
    assert (measured.value, measured.reason, measured.effect) == (100.0, SHORT_HISTORY, None)


def test_the_effect_is_the_doublings_between_the_window_and_a_usual_week() -> None:
    measured = measure_volume(8_000, [1_000, 1_010, 990, 1_000], 3.0)
    assert measured.baseline == 1_000
    assert measured.effect == pytest.approx(3.0, abs=0.01)
    assert verdict(measured) is Status.WARNING


@pytest.mark.parametrize("events", [0, 200, 420, 2_400, 50_000])
def test_far_below_half_and_far_above_double_breach(events: int) -> None:
    assert verdict(measure_volume(events, [1_010, 1_000, 990, 1_000], 3.0)) is Status.WARNING


@pytest.mark.parametrize("events", [560, 1_000, 1_800])
def test_within_half_and_double_is_ok(events: int) -> None:
    assert verdict(measure_volume(events, [1_010, 1_000, 990, 1_000], 3.0)) is Status.OK


def test_a_week_in_which_the_model_stood_still_does_not_hide_the_next_one() -> None:
    assert verdict(measure_volume(0, [1_010, 1_000, 0, 990, 1_000], 3.0)) is Status.WARNING


def test_a_handful_of_events_is_not_enough_to_tell_a_half() -> None:
    assert verdict(measure_volume(1, [4, 3, 4, 5], 3.0)) is Status.INSUFFICIENT_DATA


def test_weeks_that_differ_much_among_each_other_widen_the_interval() -> None:
    calm, wild = measure_volume(400, [1_000] * 6, 3.0), measure_volume(400, [300, 2_000, 1_000, 700, 1_600, 1_000], 3.0)
    assert verdict(calm) is Status.WARNING
    assert verdict(wild) is Status.INSUFFICIENT_DATA


def test_limits_are_those_of_jeffreys_where_the_weeks_agree() -> None:
    measured = measure_volume(50, [50] * 4, 2.0)
    tail = float(stats.norm.sf(2.0))
    assert (measured.lower, measured.upper) == pytest.approx(stats.gamma(50.5).ppf([tail, 1 - tail]))


@given(COUNTS, WEEKS)
def test_limits_hold_the_effect_and_are_finite(events: int, weeks: list[int]) -> None:
    measured = measure_volume(events, weeks, 3.0)
    assert measured.effect_lower is not None
    assert measured.effect is not None
    assert measured.effect_upper is not None
    assert 0 <= measured.effect_lower <= measured.effect <= measured.effect_upper < math.inf


@given(COUNTS, WEEKS, st.randoms())
def test_the_order_of_the_weeks_does_not_matter(events: int, weeks: list[int], chance: object) -> None:
    mixed = sorted(weeks, key=lambda _: chance.random())  # type: ignore[attr-defined]
    assert measure_volume(events, mixed, 3.0) == measure_volume(events, weeks, 3.0)


@pytest.mark.parametrize("spread", [0.0, 0.1, 0.2, 0.3])
@pytest.mark.parametrize("typical", [20, 2_000])
def test_under_no_change_it_hardly_ever_breaches(spread: float, typical: int) -> None:
    assert breaches(typical, 1.0, spread, seed=1) <= 0.01


@pytest.mark.parametrize(("spread", "power"), [(0.0, 1.0), (0.1, 0.98), (0.2, 0.95), (0.3, 0.75)])
def test_a_silence_is_found(spread: float, power: float) -> None:
    assert breaches(500, 0.0, spread, seed=2) >= power


def breaches(typical: int, factor: float, spread: float, seed: int, trials: int = 300) -> float:
    """Share of breaching windows; weeks are Poisson counts whose rates vary by a coefficient of variation (gamma)."""
    random = np.random.default_rng(seed)
    rates = random.gamma(spread**-2, spread**2, (trials, 7)) if spread else np.ones((trials, 7))
    counts = random.poisson(rates * typical * np.array([factor] + [1.0] * 6)).tolist()
    found = [verdict(measure_volume(now, before, 3.0)) for now, *before in counts]
    return found.count(Status.WARNING) / trials
