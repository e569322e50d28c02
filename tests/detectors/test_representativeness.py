from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from detectors.family import Frame
from detectors.groups import Groups
from detectors.layout import GroupSet, Layout, Task
from detectors.measurement import Measurement, Stage, Status
from detectors.policy import make_policy
from detectors.representativeness import SHIFT, Representativeness
from detectors.tables import Tables, make_tables
from detectors.verdict import judge_alone

FAMILY = Representativeness()
SEX = GroupSet(attributes=("sex",), groups=(("F",), ("M",)))
LAYOUT = Layout(task=Task.REGRESSION, numeric=(), categorical=(), groups=(SEX,))


def tables(unknown: int, *groups: int, layout: Layout = LAYOUT) -> Tables:
    """Predictions of those that name no group, and of each group; spread over the sub-tables where there are any."""
    (spec,) = Groups().specs(layout)
    counts = np.zeros(spec.shape, dtype=np.int64)
    counts[:, :, 0] = np.array([unknown, *groups]) // len(counts)
    return make_tables([(spec, counts)])


def measure(window: Tables, reference: Tables | None, layout: Layout = LAYOUT, **frame: object) -> list[Measurement]:
    whole = Frame(layout=layout, reference=reference, z=3.0, stage=Stage.WINDOW)
    return list(FAMILY.measure(window, replace(whole, **frame)))  # type: ignore[arg-type]


def one(*found: Measurement) -> Measurement:
    (only,) = found
    return only


def test_the_shift_is_the_largest_change_of_a_groups_share_among_those_that_name_one() -> None:
    found = one(*measure(tables(500, 300, 700), tables(0, 5_000, 5_000)))
    assert (found.metric, found.subject, found.n) == (SHIFT, "sex", 1_000)
    assert found.value == pytest.approx(0.2)
    assert found.detail == (("group", "F: 0.500 to 0.300"),)


def test_limits_are_newcombes_of_two_wilson_intervals_at_the_shared_quantile() -> None:
    found = one(*measure(tables(0, 300, 700), tables(0, 5_000, 5_000)))
    level = 1 - 2 * float(stats.norm.sf(3.0)) / 2
    now = stats.binomtest(300, 1_000).proportion_ci(level, "wilson")
    before = stats.binomtest(5_000, 10_000).proportion_ci(level, "wilson")
    lower = 0.2 - np.hypot(now.high - 0.3, 0.5 - before.low)
    upper = 0.2 + np.hypot(0.3 - now.low, before.high - 0.5)
    assert (found.effect_lower, found.effect_upper) == pytest.approx((lower, upper), abs=1e-9)


def test_ten_points_beyond_doubt_are_a_ticket_and_few_events_decide_nothing() -> None:
    policy, reference = make_policy(FAMILY.rules[0]), tables(0, 5_000, 5_000)
    verdicts = [
        judge_alone(one(*measure(tables(0, *groups), reference)), policy).status
        for groups in ((300, 700), (480, 520), (30, 70))
    ]
    assert verdicts == [Status.WARNING, Status.OK, Status.INSUFFICIENT_DATA]


def test_an_attribute_that_goes_missing_is_no_shift() -> None:
    found = one(*measure(tables(9_000, 500, 500), tables(0, 5_000, 5_000)))
    assert (found.value, found.effect_lower) == (0.0, 0.0)


@pytest.mark.parametrize(("reference", "reason"), [(None, "no_reference"), (tables(100, 0, 0), "no_declared_groups")])
def test_without_groups_to_compare_with_there_is_a_reason(reference: Tables | None, reason: str) -> None:
    assert one(*measure(tables(0, 10, 10), reference)).reason == reason


def test_it_is_asked_once_at_the_end_of_the_window_and_of_named_groups_only() -> None:
    assert measure(tables(0, 10, 10), None, stage=Stage.LABELS) == []
    assert measure(tables(10, 0, 0), tables(0, 10, 10)) == []


def test_subjects_give_a_jackknife_or_the_reason_why_not() -> None:
    layout = Layout(task=Task.REGRESSION, numeric=(), categorical=(), groups=(SEX,), subjects=True)
    window, reference = tables(0, 320, 640, layout=layout), tables(0, 4_800, 4_800, layout=layout)
    found = one(*measure(window, reference, layout))
    assert found.effect == pytest.approx(1 / 6)
    assert found.effect_lower is not None
    assert one(*measure(window - tables(0, 320, 640, layout=layout) + _in_one(layout), reference, layout)).reason == (
        "too_few_subjects"
    )


def _in_one(layout: Layout) -> Tables:
    (spec,) = Groups().specs(layout)
    counts = np.zeros(spec.shape, dtype=np.int64)
    counts[0, 1:, 0] = 50
    return make_tables([(spec, counts)])


@given(st.lists(st.integers(0, 10**6), min_size=2, max_size=2), st.lists(st.integers(0, 10**6), min_size=2, max_size=2))
def test_limits_hold_the_effect_and_shares_lie_within_one(now: list[int], before: list[int]) -> None:
    for found in measure(tables(0, *now), tables(0, *before)):
        if found.effect is None:
            continue
        assert found.effect_lower is not None
        assert found.effect_upper is not None
        assert 0 <= found.effect_lower <= found.effect <= found.effect_upper <= 1 + 1e-12


def test_under_no_change_it_never_breaches_and_at_the_tolerance_hardly_ever() -> None:
    random, policy, reference = np.random.default_rng(3), make_policy(FAMILY.rules[0]), tables(0, 5_000, 5_000)
    for share, most in ((0.5, 0), (0.6, 4)):
        counts = random.binomial(400, share, 400).tolist()
        found = (one(*measure(tables(0, count, 400 - count), reference)) for count in counts)
        assert sum(judge_alone(m, policy).status is Status.WARNING for m in found) <= most
