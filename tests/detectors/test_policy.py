from __future__ import annotations

from dataclasses import dataclass

import pytest
from scipy import stats

from config.settings.thresholds import Threshold
from detectors.measurement import Rule, Track
from detectors.policy import critical_z, evaluations_per_30_days, make_policy

RULE = Rule("js_distance", "drift", Track.HEALTH, 0.1, 2, 2, 500, auto=True)


@dataclass(frozen=True)
class Stated:
    tolerance: float | None = None
    open_after: int | None = None
    clear_after: int | None = None
    minimum_n: int | None = None
    track: str | None = None
    enabled: bool | None = None


@pytest.mark.parametrize(("budget", "evaluations"), [(0.1, 600.0), (0.1, 14_400.0), (0.01, 1e6)])
def test_z_is_the_normal_quantile_that_spends_the_budget(budget: float, evaluations: float) -> None:
    assert critical_z(budget, evaluations) == pytest.approx(stats.norm.ppf(1 - budget / evaluations), rel=1e-9)


@pytest.mark.parametrize("evaluations", [0.0, 0.05, 0.15, 30.0, 70.0])
def test_z_is_never_below_three(evaluations: float) -> None:
    assert critical_z(0.1, evaluations) == 3.0


def test_evaluations_are_the_deciding_measurements_of_thirty_days() -> None:
    assert evaluations_per_30_days(deciding=20, window_length_us=86_400_000_000) == 600.0


def test_a_rule_without_overrides_is_its_own_policy() -> None:
    policy = make_policy(RULE)
    assert (policy.tolerance, policy.open_after, policy.minimum_n, policy.enabled) == (0.1, 2, 500, True)


def test_the_special_override_wins_over_the_general_one_and_leaves_the_rest() -> None:
    policy = make_policy(RULE, (Stated(tolerance=0.2, minimum_n=50), Stated(tolerance=0.3, track="harm")))
    assert (policy.tolerance, policy.minimum_n, policy.track, policy.clear_after) == (0.3, 50, Track.HARM, 2)


def test_the_reference_raises_a_shipped_tolerance() -> None:
    assert make_policy(RULE, auto=0.17).tolerance == 0.17


def test_the_reference_never_lowers_a_tolerance() -> None:
    assert make_policy(RULE, auto=0.02).tolerance == 0.1


def test_the_reference_does_not_touch_a_tolerance_that_the_settings_state() -> None:
    assert make_policy(RULE, (Stated(tolerance=0.12),), auto=0.17).tolerance == 0.12


def test_the_reference_raises_nothing_where_the_rule_does_not_allow_it() -> None:
    rule = Rule("roc_auc", "performance", Track.HARM, 0.02, 1, 2, 60)
    assert make_policy(rule, auto=0.5).tolerance == 0.02


def test_a_switched_off_metric_is_a_disabled_policy() -> None:
    assert not make_policy(RULE, (Stated(enabled=False),)).enabled


def test_thresholds_of_the_settings_are_overrides() -> None:
    policy = make_policy(RULE, (Threshold(tolerance=0.2, track="harm"), Threshold(open_after=5)))
    assert (policy.tolerance, policy.track, policy.open_after, policy.minimum_n) == (0.2, Track.HARM, 5, 500)
