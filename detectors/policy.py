"""Policy: how one metric of one model becomes a verdict.

A family ships a ``Rule`` per deciding metric. The settings override parts of it, the reference may raise its tolerance;
the result is a ``Policy``, fixed when the settings load.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

import msgspec
from scipy.special import ndtri

from detectors.measurement import Rule, Stage, Track

MIN_Z = 3.0
DAYS_30_US = 30 * 86_400_000_000


class Override(Protocol):
    """What the settings may say about a metric; ``None`` leaves the rule's own value."""

    @property
    def tolerance(self) -> float | None: ...
    @property
    def open_after(self) -> int | None: ...
    @property
    def clear_after(self) -> int | None: ...
    @property
    def minimum_n(self) -> int | None: ...
    @property
    def track(self) -> str | None: ...
    @property
    def enabled(self) -> bool | None: ...


class Policy(msgspec.Struct, frozen=True):
    """A rule as it holds for one metric and subject of one model.

    Attributes:
        tolerance: tolerated effect (tau), in the effect's units.
        open_after, clear_after: non-overlapping windows until a finding is confirmed, until it is cleared.
        minimum_n: below it the verdict is ``insufficient_data: too_few_events``.
        track: who is called.
        stage: whether the window's end or the end of its label horizon decides.
        enabled: a disabled metric is measured but never judged.
    """

    metric: str
    family: str
    track: Track
    tolerance: float
    open_after: int
    clear_after: int
    minimum_n: int
    stage: Stage = Stage.WINDOW
    enabled: bool = True


def make_policy(rule: Rule, overrides: Iterable[Override] = (), auto: float | None = None) -> Policy:
    """The rule with the settings' overrides, later ones first, and the reference's tolerance.

    Args:
        rule: the shipped default.
        overrides: from general to special (all models, this model).
        auto: largest lower limit of the effect among the reference's chunks. It raises the shipped tolerance where the
            rule allows it, never lowers it, and never touches a tolerance that the settings state.
    """
    policy = Policy(
        metric=rule.metric,
        family=rule.family,
        track=rule.track,
        tolerance=_raised(rule, auto),
        open_after=rule.open_after,
        clear_after=rule.clear_after,
        minimum_n=rule.minimum_n,
        stage=rule.stage,
    )
    for override in overrides:
        policy = _overridden(policy, override)
    return policy


def critical_z(budget: float, evaluations_per_30_days: float) -> float:
    """z = max(3, Phi^-1(1 - B / T)): the normal quantile of all intervals of a stream.

    Args:
        budget: B, false alarms per 30 days and stream, above 0.
        evaluations_per_30_days: T, see ``evaluations_per_30_days``.
    """
    if evaluations_per_30_days <= 2 * budget:
        return MIN_Z
    return max(MIN_Z, -float(ndtri(budget / evaluations_per_30_days)))


def evaluations_per_30_days(deciding: int, window_length_us: int) -> float:
    """T: deciding measurements per window, times the windows that count (they do not overlap) in 30 days."""
    return deciding * DAYS_30_US / window_length_us


def _raised(rule: Rule, auto: float | None) -> float:
    return max(rule.tolerance, auto) if rule.auto and auto is not None else rule.tolerance


def _overridden(policy: Policy, override: Override) -> Policy:
    return msgspec.structs.replace(
        policy,
        tolerance=policy.tolerance if override.tolerance is None else override.tolerance,
        open_after=policy.open_after if override.open_after is None else override.open_after,
        clear_after=policy.clear_after if override.clear_after is None else override.clear_after,
        minimum_n=policy.minimum_n if override.minimum_n is None else override.minimum_n,
        track=policy.track if override.track is None else Track(override.track),
        enabled=policy.enabled if override.enabled is None else override.enabled,
    )
