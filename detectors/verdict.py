"""Verdicts: one measurement against its policy, without any history.

tau is the tolerated effect, [L, U] the effect's interval at the stream's z:

    breach              L > tau: critical on the harm track, warning on the others
    insufficient_data   no breach, and an effect of 2 tau could have been missed
    ok                  everything else; it is ``clear`` if the point lies below 0.8 tau

so a verdict does not depend on sample size.
"""

from __future__ import annotations

import msgspec

from detectors.measurement import Measurement, Status, Track
from detectors.policy import Policy
from detectors.reasons import INTERVAL_TOO_WIDE, NOT_MEASURED, TOO_FEW_EVENTS

CLEAR_SHARE = 0.8

ABOVE_TOLERANCE = "above_tolerance"
WITHIN_TOLERANCE = "within_tolerance"
NEAR_TOLERANCE = "near_tolerance"


class Verdict(msgspec.Struct, frozen=True):
    """A status, its named reason, and whether it counts towards closing a finding."""

    status: Status
    reason: str
    clear: bool = False


def tolerance_of(measurement: Measurement, policy: Policy) -> float:
    """tau: the measurement's own where it has one, else the policy's."""
    return policy.tolerance if measurement.tolerance is None else measurement.tolerance


def judge_alone(measurement: Measurement, policy: Policy) -> Verdict:
    """The verdict of one measurement, without any history."""
    effect, lower = measurement.effect, measurement.effect_lower
    if measurement.blocked is not None:
        return Verdict(Status.INSUFFICIENT_DATA, measurement.blocked)
    if effect is None or lower is None:
        return Verdict(Status.INSUFFICIENT_DATA, measurement.reason or NOT_MEASURED)
    if measurement.n < policy.minimum_n:
        return Verdict(Status.INSUFFICIENT_DATA, TOO_FEW_EVENTS)
    tau = tolerance_of(measurement, policy)
    if lower > tau:
        return Verdict(_bad(policy.track), ABOVE_TOLERANCE)
    if _could_miss_twice(tau, measurement, lower):
        return Verdict(Status.INSUFFICIENT_DATA, INTERVAL_TOO_WIDE)
    clear = effect < CLEAR_SHARE * tau
    return Verdict(Status.OK, WITHIN_TOLERANCE if clear else NEAR_TOLERANCE, clear)


def _could_miss_twice(tau: float, measurement: Measurement, lower: float) -> bool:
    """An effect of 2 tau could have been missed. Against a tolerance of 0 there is no such size: the minimum decides."""
    if tau <= 0:
        return False
    if measurement.resolution is not None:
        return measurement.resolution > tau
    return measurement.effect_upper is not None and (measurement.effect_upper - lower) / 2 > tau


def _bad(track: Track) -> Status:
    return Status.CRITICAL if track is Track.HARM else Status.WARNING
