"""Family "bias": are the groups treated alike?

Parity of the predictions is due at the window's end, what needs labels at the end of their horizon. A gap is judged by its
own size, whatever the reference was: the largest over all pairs of groups, or against a named group, with an interval that
holds for the worst pair (gaps.py). Where the reference itself breaks the bound that is a ticket of its own
(``bias_in_reference``), and the harm verdict also asks for a gap that is worse than the reference's by 0.05.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from detectors.bias_gaps import DIFFERENCES, RATIO, GroupsOfSet, outcome_gaps, outcomes, parity_gaps, selection
from detectors.bias_moments import calibration_errors, mean_residuals
from detectors.coverage import blocking, coverages
from detectors.estimates import Estimate
from detectors.family import Frame, InferenceTally, LabelTally
from detectors.gaps import NO_GAP, Gap, worse_than_reference
from detectors.group_rates import GroupRate
from detectors.groups import GroupOutcomes, Groups
from detectors.measurement import Measurement, Rule, Stage, Track
from detectors.outcomes import Outcomes
from detectors.performance import number, with_effect
from detectors.reasons import PROVISIONAL, SMALL_CELL, TOO_FEW_PER_GROUP
from detectors.tables import Tables

__all__ = ["DIFFERENCES", "RATIO", "Bias"]

FOUR_FIFTHS = 0.8
MAX_GAP = 0.1
REFERENCE_MARGIN = 0.05

JUDGED = ("demographic_parity_difference", RATIO, "equal_opportunity_difference", "equalized_odds_difference")
MEASURES = (
    RATIO, *DIFFERENCES, "equalized_odds_difference", "mean_error_difference", "bias_in_reference",
    "group_selection_rate", "group_true_positive_rate", "group_false_positive_rate", "group_false_negative_rate",
    "group_precision", "group_accuracy", "group_calibration_error", "group_mean_error",
)  # fmt: skip


def _harm(metric: str, tolerance: float, stage: Stage) -> Rule:
    return Rule(metric, "bias", Track.HARM, tolerance, 1, 2, 0, stage=stage)


class Bias:
    """Measures gaps between protected groups; a model without declared groups yields nothing."""

    name = "bias"
    tallies: tuple[InferenceTally | LabelTally, ...] = (Groups(), Outcomes(), GroupOutcomes())
    measures: tuple[str, ...] = MEASURES
    rules: tuple[Rule, ...] = (
        _harm("demographic_parity_difference", MAX_GAP, Stage.WINDOW),
        _harm(RATIO, FOUR_FIFTHS, Stage.WINDOW),
        _harm("equal_opportunity_difference", MAX_GAP, Stage.LABELS),
        _harm("equalized_odds_difference", MAX_GAP, Stage.LABELS),
        Rule("bias_in_reference", "bias", Track.HEALTH, MAX_GAP, 1, 2, 0),
    )

    def measure(self, window: Tables, frame: Frame) -> Iterator[Measurement]:
        found = coverages(window, frame)
        for index in range(len(frame.layout.groups)):
            groups = GroupsOfSet(frame, index)
            if frame.stage is Stage.WINDOW:
                yield from _measure_predictions(window, groups)
                continue
            selective = blocking(found, groups.declared.name)
            yield from _measure_outcomes(window, groups, PROVISIONAL if frame.provisional else selective)


def _measure_predictions(window: Tables, groups: GroupsOfSet) -> Iterator[Measurement]:
    """Demographic parity: the difference and the ratio of the selection rates."""
    of_reference = parity_gaps(selection(groups.frame.reference, groups), groups)
    yield from _broken_in_reference(of_reference, groups)
    rate = selection(window, groups)
    if rate is None:
        return
    for metric, gap in parity_gaps(rate, groups).items():
        yield _measurement(metric, gap, of_reference.get(metric, NO_GAP), rate, groups, None)
    yield from _per_group("selection_rate", rate, groups, None)


def _measure_outcomes(window: Tables, groups: GroupsOfSet, blocked: str | None) -> Iterator[Measurement]:
    """What needs labels: opportunity, odds, predictive and accuracy parity, calibration; residuals of a regression."""
    frame = groups.frame
    if "group_outcomes.rows" in window:
        yield from mean_residuals(window, frame, groups.index, groups.names, groups.best)
    rates = outcomes(window, groups)
    of_reference = outcome_gaps(outcomes(frame.reference, groups), groups)
    for metric, gap in outcome_gaps(rates, groups).items():
        rate = rates[DIFFERENCES.get(metric, "true_positive_rate")]
        yield _measurement(metric, gap, of_reference.get(metric, NO_GAP), rate, groups, blocked)
    for name, rate in rates.items():
        yield from _per_group(name, rate, groups, blocked)
    if "group_outcomes.scores" in window:
        yield from calibration_errors(window, frame, groups.index, groups.names)


def _broken_in_reference(parity: dict[str, Gap], groups: GroupsOfSet) -> Iterator[Measurement]:
    """The ticket that tells of a bound already broken in the trusted period; it does not depend on the window."""
    gaps = parity | outcome_gaps(outcomes(groups.frame.reference, groups), groups, JUDGED)
    for metric in JUDGED:
        gap = gaps.get(metric, NO_GAP)
        effect, tolerance = _effect(metric, gap), _tolerance(metric, groups.frame)
        if not effect.lower > tolerance:
            continue
        found = Measurement(
            metric="bias_in_reference",
            subject=f"{groups.declared.name}: {metric}",
            value=number(gap.value),
            n=gap.n,
            lower=number(gap.lower),
            upper=number(gap.upper),
            tolerance=tolerance,
            direction=_direction(metric),
        )
        yield with_effect(found, effect)


def _measurement(
    metric: str, gap: Gap, of_reference: Gap, rate: GroupRate, groups: GroupsOfSet, blocked: str | None
) -> Measurement:
    found = Measurement(
        metric=metric,
        subject=groups.declared.name,
        value=number(gap.value),
        reason=TOO_FEW_PER_GROUP if np.isnan(gap.value) else None,
        n=gap.n,
        lower=number(gap.lower),
        upper=number(gap.upper),
        baseline=number(of_reference.value),
        direction=_direction(metric),
        detail=_between(gap, rate, groups),
    )
    if metric not in JUDGED or found.value is None:
        return found
    tolerance = _tolerance(metric, groups.frame)
    effect, expected = _effect(metric, gap), _effect(metric, of_reference)
    if expected.lower > tolerance:
        effect = worse_than_reference(effect, expected, tolerance, REFERENCE_MARGIN)
    return with_effect(replace(found, tolerance=tolerance, blocked=blocked), effect)


def _direction(metric: str) -> str:
    return "lower_is_worse" if metric == RATIO else "higher_is_worse"


def _tolerance(metric: str, frame: Frame) -> float:
    """On the scale of the effect: the ratio's is what it lacks to 1."""
    if metric == RATIO:
        return 1 - frame.tolerances.get(metric, FOUR_FIFTHS)
    return frame.tolerances.get(metric, MAX_GAP)


def _effect(metric: str, gap: Gap) -> Estimate:
    """What is judged: the difference itself; 1 - ratio, whose lower limit exceeds 0.2 exactly where the MOVER upper limit of
    p_min - 0.8 p_max is below 0."""
    if metric != RATIO:
        return gap.estimate
    return Estimate(*(np.asarray(1 - part) for part in (gap.value, gap.upper, gap.lower)))


def _between(gap: Gap, rate: GroupRate, groups: GroupsOfSet) -> tuple[tuple[str, str], ...]:
    """Which groups are farthest apart, and which were left out as too small."""
    small = [name for name, n in zip(groups.names, rate.n, strict=True) if n < groups.frame.min_decide]
    left_out = (("left_out", "; ".join(small)),) if small else ()
    if gap.worst is None:
        return left_out
    high, low = (groups.names[i] for i in gap.worst)
    return (("higher", high), ("lower", low), *left_out)


def _per_group(name: str, rate: GroupRate, groups: GroupsOfSet, blocked: str | None) -> Iterator[Measurement]:
    """``group_<rate>`` of each group; they inform. Small cells and their complement are not shown."""
    estimate = rate.estimate(groups.scale(), groups.frame.inflation(f"group_{name}", groups.declared.name))
    shown = rate.published(groups.frame.min_publish)
    for i, group in enumerate(groups.names):
        found = Measurement(metric=f"group_{name}", subject=group, reason=SMALL_CELL, direction="none")
        if shown[i]:
            value, lower, upper = (number(part[i]) for part in estimate)
            n = int(rate.n[i])
            found = replace(found, value=value, lower=lower, upper=upper, n=n, reason=None, blocked=blocked)
        yield found
