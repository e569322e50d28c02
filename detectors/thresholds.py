"""Thresholds: from the measurement of a window to a judgement.

A window is judged alone (verdict.py). One that cannot decide is judged together with the undecided windows before it, up to
eight: a small stream decides later, not never.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from detectors.columns import StreamKey
from detectors.measurement import Measurement, Stage, Status, Track
from detectors.policy import Policy
from detectors.reasons import CURED_BY_MORE_EVENTS
from detectors.verdict import CLEAR_SHARE, Verdict, judge_alone, tolerance_of

MAX_RUN = 8
MAX_RUN_AGE = 32
"""A run is given up when its first window lies this many window lengths back: a column that stays empty after seven
undecided windows would hold their tables for ever."""
NEVER_DECIDES_RUNS = 3

PARTIAL_WINDOW = "partial_window"
DISABLED = "disabled"
WEAK_EVIDENCE = "weak_evidence"

Remeasure = Callable[[tuple[int, ...]], Measurement | None]
"""Measures the sum of the windows that start at these times; ``None`` where their tables are gone."""


class WindowRef(msgspec.Struct, frozen=True):
    """Which window of which stream is judged.

    Attributes:
        start_us, end_us: the half-open event-time interval.
        due_us: when its verdict is due: the window's end, plus the label horizon where labels decide.
        partial: cut by the first position read or by a gap; measured, never deciding.
        carries: it overlaps no other counting window; of sliding windows those that end on a multiple of the length.
    """

    stream: StreamKey
    start_us: int
    end_us: int
    due_us: int
    partial: bool = False
    carries: bool = True


class Carry(msgspec.Struct, frozen=True):
    """What one (stream, metric, subject) remembers between windows.

    Attributes:
        run: starts of the undecided windows so far; their tables must be kept.
        end_us: end of the last of them; no pane is counted twice.
        undecided_runs: runs in a row that ended at the eighth window without a verdict.
    """

    run: tuple[int, ...] = ()
    end_us: int = 0
    undecided_runs: int = 0


class Judgement(msgspec.Struct, frozen=True):
    """A verdict with all that the incidents need to know about it.

    Attributes:
        measurement: what was judged: the window, or the whole run.
        tolerance: tau as it was applied.
        run: starts of the windows that were judged as one, this one last; empty where the window stood alone.
        counts: it may open, extend or clear; false for partial and overlapping windows.
        undecided_runs: from 3 on it is a finding of its own, ``never_decides``.
    """

    stream: StreamKey
    metric: str
    subject: str
    family: str
    track: Track
    stage: Stage
    window_start_us: int
    window_end_us: int
    due_us: int
    status: Status
    reason: str
    measurement: Measurement
    tolerance: float
    open_after: int
    clear_after: int
    clear: bool = False
    counts: bool = True
    run: tuple[int, ...] = ()
    undecided_runs: int = 0

    @property
    def breach(self) -> bool:
        return self.status in (Status.WARNING, Status.CRITICAL)


def decide(
    carry: Carry, window: WindowRef, measurement: Measurement, policy: Policy, remeasure: Remeasure
) -> tuple[Judgement, Carry]:
    """Judge a window alone and, if it is undecided, the run of undecided windows that ends with it.

    A run ends with a verdict, or at the eighth window; there a point below 0.8 tau counts as clear (``weak_evidence``),
    though it stays ``insufficient_data``.
    """
    if not policy.enabled:
        return _judgement(window, measurement, policy, Verdict(Status.INSUFFICIENT_DATA, DISABLED)), Carry()
    if window.partial:
        verdict = Verdict(Status.INSUFFICIENT_DATA, PARTIAL_WINDOW)
        return _judgement(window, measurement, policy, verdict, carry.undecided_runs), carry
    alone = judge_alone(measurement, policy)
    carry = unexpired(carry, window)
    if not window.carries:
        return _judgement(window, measurement, policy, alone, carry.undecided_runs), carry
    if alone.status is not Status.INSUFFICIENT_DATA:
        return _judgement(window, measurement, policy, alone), Carry()
    if alone.reason not in CURED_BY_MORE_EVENTS:
        return _judgement(window, measurement, policy, alone, carry.undecided_runs), carry
    return _decide_run(carry, window, measurement, policy, remeasure)


def unexpired(carry: Carry, window: WindowRef) -> Carry:
    """The carry without a run that is too old. For a subject that is not measured any more nobody else would end it."""
    oldest_us = window.start_us - MAX_RUN_AGE * (window.end_us - window.start_us)
    if not carry.run or carry.run[0] >= oldest_us:
        return carry
    return Carry(undecided_runs=carry.undecided_runs)


def _decide_run(
    carry: Carry, window: WindowRef, measurement: Measurement, policy: Policy, remeasure: Remeasure
) -> tuple[Judgement, Carry]:
    run, whole = _run_with(carry, window, measurement, remeasure)
    verdict = judge_alone(whole, policy)
    if verdict.status is not Status.INSUFFICIENT_DATA:
        return _judgement(window, whole, policy, verdict, run=run), Carry()
    if len(run) < MAX_RUN:
        judgement = _judgement(window, whole, policy, verdict, carry.undecided_runs, run)
        return judgement, Carry(run, window.end_us, carry.undecided_runs)
    runs = carry.undecided_runs + 1
    if whole.effect is not None and whole.blocked is None and whole.effect < CLEAR_SHARE * tolerance_of(whole, policy):
        verdict = Verdict(Status.INSUFFICIENT_DATA, WEAK_EVIDENCE, clear=True)
    return _judgement(window, whole, policy, verdict, runs, run), Carry((), window.end_us, runs)


def _run_with(
    carry: Carry, window: WindowRef, measurement: Measurement, remeasure: Remeasure
) -> tuple[tuple[int, ...], Measurement]:
    """The run that ends with this window, and its measurement; the window alone where the run cannot be summed."""
    alone = (window.start_us,)
    if not carry.run or window.start_us < carry.end_us:
        return alone, measurement
    run = (*carry.run, window.start_us)
    whole = remeasure(run)
    return (alone, measurement) if whole is None else (run, whole)


def _judgement(
    window: WindowRef,
    measurement: Measurement,
    policy: Policy,
    verdict: Verdict,
    undecided_runs: int = 0,
    run: tuple[int, ...] = (),
) -> Judgement:
    return Judgement(
        stream=window.stream,
        metric=measurement.metric,
        subject=measurement.subject,
        family=policy.family,
        track=policy.track,
        stage=policy.stage,
        window_start_us=window.start_us,
        window_end_us=window.end_us,
        due_us=window.due_us,
        status=verdict.status,
        reason=verdict.reason,
        measurement=measurement,
        tolerance=tolerance_of(measurement, policy),
        open_after=policy.open_after,
        clear_after=policy.clear_after,
        clear=verdict.clear,
        counts=window.carries and not window.partial,
        run=run if len(run) > 1 else (),
        undecided_runs=undecided_runs,
    )
