from __future__ import annotations

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.measurement import Measurement, Status
from detectors.thresholds import MAX_RUN, Carry, Judgement, decide, unexpired
from tests.detectors.judging import DAY_US, auc_policy, day, drop

POLICY = auc_policy()
WIDE = drop(0.0, half_width=0.05)


def never(run: tuple[int, ...]) -> Measurement | None:
    raise AssertionError(f"no run should be measured: {run}")


def wide(run: tuple[int, ...]) -> Measurement | None:
    return WIDE


def run_of(windows: int, measured: Measurement, whole: Measurement) -> tuple[list[Judgement], Carry]:
    carry, judgements = Carry(), []
    for number in range(windows):
        judgement, carry = decide(carry, day(number), measured, POLICY, lambda run: whole)
        judgements.append(judgement)
    return judgements, carry


def test_a_decided_window_needs_no_run() -> None:
    judgement, carry = decide(Carry(), day(0), drop(0.06), POLICY, never)
    assert (judgement.status, judgement.run, carry) == (Status.CRITICAL, (), Carry())


def test_an_undecided_window_is_carried() -> None:
    judgement, carry = decide(Carry(), day(3), WIDE, POLICY, never)
    assert judgement.status is Status.INSUFFICIENT_DATA
    assert carry == Carry(run=(3 * DAY_US,), end_us=4 * DAY_US)


def test_undecided_windows_are_judged_as_one() -> None:
    judgements, carry = run_of(2, WIDE, drop(0.05, n=400))
    assert judgements[-1].status is Status.CRITICAL
    assert judgements[-1].run == (0, DAY_US)
    assert judgements[-1].measurement.n == 400
    assert carry == Carry()


def test_a_window_that_decides_alone_ends_the_run() -> None:
    _, carry = run_of(3, WIDE, WIDE)
    judgement, carry = decide(carry, day(3), drop(0.0), POLICY, never)
    assert (judgement.status, carry) == (Status.OK, Carry())


def test_the_eighth_undecided_window_with_a_small_point_is_weak_evidence_that_clears() -> None:
    judgements, carry = run_of(MAX_RUN, WIDE, WIDE)
    assert (judgements[-1].status, judgements[-1].reason) == (Status.INSUFFICIENT_DATA, "weak_evidence")
    assert [judgement.clear for judgement in judgements] == [False] * 7 + [True]
    assert (carry.run, carry.undecided_runs) == ((), 1)


def test_the_eighth_undecided_window_with_a_large_point_clears_nothing() -> None:
    judgements, _ = run_of(MAX_RUN, WIDE, drop(0.03, half_width=0.05))
    assert (judgements[-1].clear, judgements[-1].reason) == (False, "interval_too_wide")


def test_undecided_runs_are_counted_until_a_verdict() -> None:
    judgements, carry = run_of(3 * MAX_RUN, WIDE, WIDE)
    assert (judgements[-2].undecided_runs, judgements[-1].undecided_runs) == (2, 3)
    judgement, carry = decide(carry, day(24), drop(0.0), POLICY, never)
    assert (judgement.undecided_runs, carry.undecided_runs) == (0, 0)


def test_a_partial_window_never_decides_and_leaves_the_run_alone() -> None:
    _, before = run_of(2, WIDE, WIDE)
    judgement, carry = decide(before, day(2, partial=True), drop(0.3), POLICY, never)
    assert (judgement.reason, judgement.counts, carry) == ("partial_window", False, before)


def test_an_overlapping_window_is_judged_alone_and_does_not_count() -> None:
    _, before = run_of(2, WIDE, WIDE)
    judgement, carry = decide(before, day(2, carries=False), drop(0.3), POLICY, never)
    assert (judgement.status, judgement.counts, carry) == (Status.CRITICAL, False, before)


def test_a_window_that_overlaps_the_run_begins_a_new_one() -> None:
    _, carry = run_of(2, WIDE, WIDE)
    _, carry = decide(carry, day(1, start_us=DAY_US + 1), WIDE, POLICY, never)
    assert carry.run == (DAY_US + 1,)


def test_where_the_tables_of_a_run_are_gone_it_begins_anew() -> None:
    _, carry = run_of(2, WIDE, WIDE)
    judgement, carry = decide(carry, day(2), WIDE, POLICY, lambda run: None)
    assert (judgement.run, carry.run) == ((), (2 * DAY_US,))


def test_a_run_is_given_up_when_its_first_window_is_long_ago() -> None:
    old = Carry(run=(0,), end_us=DAY_US, undecided_runs=1)
    assert unexpired(old, day(32)) == old
    assert unexpired(old, day(33)) == Carry(undecided_runs=1)
    assert decide(old, day(33), WIDE, POLICY, never)[1].run == (33 * DAY_US,)


@pytest.mark.parametrize("reason", ["no_reference", "labels_selective"])
def test_what_more_events_cannot_cure_is_not_carried(reason: str) -> None:
    _, carry = decide(Carry(), day(0), Measurement("roc_auc", reason=reason), POLICY, never)
    assert carry == Carry()


def test_a_disabled_metric_is_never_judged() -> None:
    judgement, carry = decide(Carry((0,), DAY_US, 2), day(1), drop(0.3), auc_policy(enabled=False), never)
    assert (judgement.status, judgement.reason, carry) == (Status.INSUFFICIENT_DATA, "disabled", Carry())


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.floats(-0.1, 0.1), st.floats(0.001, 0.1), st.booleans()), max_size=40))
def test_no_run_is_longer_than_eight_or_holds_a_window_twice(windows: list[tuple[float, float, bool]]) -> None:
    carry, seen = Carry(), set[int]()
    for number, (point, half_width, partial) in enumerate(windows):
        judgement, carry = decide(carry, day(number, partial=partial), drop(point, half_width), POLICY, wide)
        assert len(carry.run) < MAX_RUN
        assert len(judgement.run) <= MAX_RUN
        assert list(judgement.run) == sorted(set(judgement.run))
        if judgement.status is not Status.INSUFFICIENT_DATA or judgement.reason == "weak_evidence":
            assert not seen & set(judgement.run), "a window decides once"
            seen |= set(judgement.run)


@settings(max_examples=40, deadline=None)
@given(st.floats(-0.5, 0.5), st.floats(0.0, 0.5), st.integers(0, 200))
def test_judgement_and_carry_survive_json(point: float, half_width: float, n: int) -> None:
    judgement, carry = decide(Carry((0,), DAY_US), day(1), drop(point, half_width, n), POLICY, wide)
    assert msgspec.json.decode(msgspec.json.encode(judgement), type=Judgement) == judgement
    assert msgspec.json.decode(msgspec.json.encode(carry), type=Carry) == carry
