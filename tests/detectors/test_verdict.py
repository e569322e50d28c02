from __future__ import annotations

import pytest

from detectors.measurement import Measurement, Status, Track
from detectors.verdict import judge_alone
from tests.detectors.judging import auc_policy, drop

POLICY = auc_policy()


def test_a_lower_limit_above_the_tolerance_is_critical_on_the_harm_track() -> None:
    assert judge_alone(drop(0.06), POLICY).status is Status.CRITICAL


def test_the_same_is_a_warning_on_the_health_track() -> None:
    assert judge_alone(drop(0.06), auc_policy(track=Track.HEALTH)).status is Status.WARNING


def test_a_point_above_the_tolerance_is_no_breach_while_the_interval_reaches_below_it() -> None:
    assert judge_alone(drop(0.024, half_width=0.006), POLICY).status is Status.OK


def test_a_lower_limit_equal_to_the_tolerance_is_no_breach() -> None:
    assert judge_alone(drop(0.03, effect_lower=0.02), POLICY).status is Status.OK


def test_an_interval_that_could_hide_twice_the_tolerance_is_insufficient() -> None:
    verdict = judge_alone(drop(0.0, half_width=0.021), POLICY)
    assert (verdict.status, verdict.reason) == (Status.INSUFFICIENT_DATA, "interval_too_wide")


def test_a_breach_counts_however_wide_its_interval() -> None:
    assert judge_alone(drop(0.3, half_width=0.2), POLICY).status is Status.CRITICAL


def test_the_measurements_own_resolution_goes_before_the_half_width() -> None:
    assert judge_alone(drop(0.0, half_width=0.2, resolution=0.01), POLICY).status is Status.OK


def test_too_few_events_are_insufficient_even_for_a_breach() -> None:
    verdict = judge_alone(drop(0.3, n=59), POLICY)
    assert (verdict.status, verdict.reason) == (Status.INSUFFICIENT_DATA, "too_few_events")


def test_a_blocked_measurement_names_what_blocks_it() -> None:
    assert judge_alone(drop(0.3, blocked="labels_selective"), POLICY).reason == "labels_selective"


def test_what_blocks_is_named_even_where_there_is_no_effect() -> None:
    blocked = Measurement("roc_auc", value=0.7, blocked="no_reference")
    assert judge_alone(blocked, POLICY).reason == "no_reference"


def test_a_missing_value_hands_on_its_reason() -> None:
    assert judge_alone(Measurement("roc_auc", reason="no_reference"), POLICY).reason == "no_reference"


def test_only_a_point_below_four_fifths_of_the_tolerance_is_clear() -> None:
    assert (judge_alone(drop(0.0159), POLICY).clear, judge_alone(drop(0.0161), POLICY).clear) == (True, False)


def test_a_tolerance_of_the_measurement_replaces_the_policys() -> None:
    assert judge_alone(drop(0.06, tolerance=0.1), POLICY).status is Status.OK


@pytest.mark.parametrize(("point", "status"), [(0.04, Status.CRITICAL), (-0.1, Status.OK)])
def test_against_a_tolerance_of_zero_the_sign_decides(point: float, status: Status) -> None:
    assert judge_alone(drop(point, half_width=0.03, tolerance=0.0), POLICY).status is status
