"""The vocabulary of results: measurement, rule, verdict."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from enum import StrEnum
from operator import attrgetter
from typing import Any


class Track(StrEnum):
    """Which incident a finding belongs to, and so who is called."""

    HARM = "harm"
    HEALTH = "health"
    AGENT = "agent"


class Status(StrEnum):
    OK = "ok"
    WARNING = "warning"
    CRITICAL = "critical"
    INSUFFICIENT_DATA = "insufficient_data"


class Stage(StrEnum):
    """When a measurement can be final: at the window's end, or at the end of its label horizon."""

    WINDOW = "window"
    LABELS = "labels"


@dataclass(frozen=True, slots=True)
class Measurement:
    """One number about one window of one stream, with everything that is needed to judge it.

    Attributes:
        metric: name of the measure, as in docs/statistics.md.
        subject: column, class or protected attribute; empty for the whole stream.
        value, lower, upper: the measure and its interval at the stream's z; ``None`` where it cannot be computed, then
            ``reason`` names why.
        n: events (or labels) the value rests on.
        baseline: the same measure on the reference.
        effect, effect_lower, effect_upper: what is compared with the tolerance, larger is worse (for a drift measure
            the value itself, for AUC the drop below the reference). ``None`` for measures that only inform.
        resolution: the smallest tolerance this window is able to decide; a smaller one is ``insufficient_data``.
        tolerance: set where the tolerance does not come from the rule (the four-fifths effect is against 0).
        expected: the value expected under no change, given n.
        p_value: where a test exists; it informs, it never decides.
        direction: "higher_is_worse", "lower_is_worse" or "none".
        blocked: a named reason why the value must not decide, though it exists (``labels_selective``).
        detail: further facts as (name, text) pairs, e.g. which two groups are farthest apart.
    """

    metric: str
    subject: str = ""
    value: float | None = None
    reason: str | None = None
    n: int = 0
    lower: float | None = None
    upper: float | None = None
    baseline: float | None = None
    effect: float | None = None
    effect_lower: float | None = None
    effect_upper: float | None = None
    resolution: float | None = None
    tolerance: float | None = None
    expected: float | None = None
    p_value: float | None = None
    direction: str = "higher_is_worse"
    blocked: str | None = None
    detail: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Rule:
    """How a metric's effect becomes a verdict; the shipped default, overridable by name in the settings.

    Attributes:
        tolerance: tolerated effect (tau), in the effect's units; infinite where the metric informs until the settings
            state one.
        open_after, clear_after: non-overlapping windows.
        minimum_n: below it the verdict is ``insufficient_data: too_few_events``.
        auto: the tolerance may be raised to the largest lower limit among the reference's chunks.
    """

    metric: str
    family: str
    track: Track
    tolerance: float
    open_after: int
    clear_after: int
    minimum_n: int
    auto: bool = False
    stage: Stage = Stage.WINDOW


def on_demand(metric: str, family: str, minimum_n: int = 200) -> Rule:
    """The rule of a metric that makes a ticket once the settings state a tolerance; until then it informs."""
    return Rule(metric, family, Track.HEALTH, math.inf, 2, 2, minimum_n)


SIGNIFICANT_DIGITS = 10
_ALL_FIELDS = attrgetter(*(field.name for field in fields(Measurement)))


def rounded(measurement: Measurement) -> Measurement:
    """The measurement with every float rounded to 10 significant digits.

    Transcendental functions differ in their last bits between vector units; what is judged, shown and compared must not.
    """
    return Measurement(*map(_rounded, _ALL_FIELDS(measurement)))


def _rounded(value: Any) -> Any:
    return float(f"{value:.{SIGNIFICANT_DIGITS}g}") if isinstance(value, float) else value
