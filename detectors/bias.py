"""Family "bias": are the groups treated alike?

Parity of the predictions is due at the window's end, what needs labels at the end of their horizon. A gap is judged by its
own size, whatever the reference was: the largest over all pairs of groups, or against a named group, with an interval that
holds for the worst pair (gaps.py). Where the reference itself breaks the bound that is a ticket of its own
(``bias_in_reference``), and the harm verdict also asks for a gap that is worse than the reference's by 0.05.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from detectors.bias_moments import calibration_errors, mean_residuals
from detectors.coverage import blocking, coverages, group_name
from detectors.estimates import Estimate
from detectors.family import Frame, InferenceTally, LabelTally
from detectors.gaps import (
    NO_GAP,
    Gap,
    compared_pairs,
    larger,
    largest_difference,
    pair_z,
    smallest_ratio,
    worse_than_reference,
)
from detectors.group_rates import GroupRate, outcome_rates, selection_rate
from detectors.groups import GroupOutcomes, Groups
from detectors.layout import GroupSet, Task
from detectors.measurement import Measurement, Rule, Stage, Track
from detectors.outcomes import Outcomes
from detectors.performance import PROVISIONAL, number, with_effect
from detectors.readings import Scale
from detectors.tables import Tables

RATIO = "demographic_parity_ratio"
FOUR_FIFTHS = 0.8
MAX_GAP = 0.1
REFERENCE_MARGIN = 0.05
TOO_FEW_PER_GROUP = "too_few_per_group"
SMALL_CELL = "small_cell"

DIFFERENCES = {
    "demographic_parity_difference": "selection_rate",
    "equal_opportunity_difference": "true_positive_rate",
    "false_positive_rate_difference": "false_positive_rate",
    "false_negative_rate_difference": "false_negative_rate",
    "predictive_parity_difference": "precision",
    "accuracy_difference": "accuracy",
}
"""The rate that each gap compares."""

JUDGED = ("demographic_parity_difference", RATIO, "equal_opportunity_difference", "equalized_odds_difference")

Comparer: TypeAlias = Callable[[Estimate, NDArray[np.bool_]], Gap]


def _harm(metric: str, tolerance: float, stage: Stage) -> Rule:
    return Rule(metric, "bias", Track.HARM, tolerance, 1, 2, 0, stage=stage)


class Bias:
    """Measures gaps between protected groups; a model without declared groups yields nothing."""

    name = "bias"
    tallies: tuple[InferenceTally | LabelTally, ...] = (Groups(), Outcomes(), GroupOutcomes())
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
            groups = _GroupSet(frame, index)
            if frame.stage is Stage.WINDOW:
                yield from _measure_predictions(window, groups)
                yield from _broken_in_reference(groups)
                continue
            selective = blocking(found, groups.declared.name)
            yield from _measure_outcomes(window, groups, PROVISIONAL if frame.provisional else selective)


@dataclass(frozen=True, slots=True)
class _GroupSet:
    """One protected attribute or intersection of the frame's layout."""

    frame: Frame
    index: int

    @property
    def declared(self) -> GroupSet:
        return self.frame.layout.groups[self.index]

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(group_name(self.declared, code) for code in range(1, self.declared.codes))

    @property
    def best(self) -> int | None:
        """Index of the group that the others are compared with, where one is named."""
        named = self.frame.best_group.get(self.declared.name)
        return None if named is None else self.declared.groups.index(named)

    @property
    def favourable(self) -> int | None:
        """Code of the good outcome; ``None`` for a multi-class model that names none."""
        name = self.frame.favourable or self.frame.layout.positive
        return None if name is None else self.frame.layout.class_codes[name]

    def scale(self, z: float | None = None) -> Scale:
        frame = self.frame
        return Scale(frame.z if z is None else z, frame.inflation, frame.layout.subjects)

    def gap(self, metric: str, rate: GroupRate, compare: Comparer, families: int = 1) -> Gap:
        """The gap over the groups whose denominator may decide."""
        phi = self.frame.inflation(metric, self.declared.name)
        usable = rate.n >= self.frame.min_decide
        if self.frame.layout.subjects:
            usable &= ~np.isnan(rate.estimate(self.scale(), phi).lower)
        pairs = compared_pairs(usable, self.best)
        gap = compare(rate.estimate(self.scale(pair_z(self.frame.z, pairs, families)), phi), pairs)
        return replace(gap, n=int(rate.n[usable].sum()))


def _measure_predictions(window: Tables, groups: _GroupSet) -> Iterator[Measurement]:
    """Demographic parity: the difference and the ratio of the selection rates."""
    rate = _selection(window, groups)
    if rate is None:
        return
    of_reference = _parity(_selection(groups.frame.reference, groups), groups)
    for metric, gap in _parity(rate, groups).items():
        yield _measurement(metric, gap, of_reference.get(metric, NO_GAP), rate, groups, None)
    yield from _per_group("selection_rate", rate, groups, None)


def _measure_outcomes(window: Tables, groups: _GroupSet, blocked: str | None) -> Iterator[Measurement]:
    """What needs labels: opportunity, odds, predictive and accuracy parity, calibration; residuals of a regression."""
    frame = groups.frame
    if "group_outcomes.rows" in window:
        yield from mean_residuals(window, frame, groups.index, groups.names, groups.best)
    rates = _outcomes(window, groups)
    of_reference = _outcome_gaps(_outcomes(frame.reference, groups), groups)
    for metric, gap in _outcome_gaps(rates, groups).items():
        rate = rates[DIFFERENCES.get(metric, "true_positive_rate")]
        yield _measurement(metric, gap, of_reference.get(metric, NO_GAP), rate, groups, blocked)
    for name, rate in rates.items():
        yield from _per_group(name, rate, groups, blocked)
    if "group_outcomes.scores" in window:
        yield from calibration_errors(window, frame, groups.index, groups.names)


def _broken_in_reference(groups: _GroupSet) -> Iterator[Measurement]:
    """The ticket that tells of a bound already broken in the trusted period; it does not depend on the window."""
    reference, frame = groups.frame.reference, groups.frame
    gaps = _parity(_selection(reference, groups), groups) | _outcome_gaps(_outcomes(reference, groups), groups)
    for metric in JUDGED:
        gap = gaps.get(metric, NO_GAP)
        effect, tolerance = _effect(metric, gap), _tolerance(metric, frame)
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


def _selection(side: Tables | None, groups: _GroupSet) -> GroupRate | None:
    if side is None or groups.favourable is None or "groups.predictions" not in side:
        return None
    if groups.frame.layout.task is Task.REGRESSION:
        return None
    return selection_rate(side, groups.frame.layout, groups.index, groups.favourable)


def _outcomes(side: Tables | None, groups: _GroupSet) -> dict[str, GroupRate]:
    if side is None or "group_outcomes.margins" not in side:
        return {}
    return outcome_rates(side, groups.frame.layout, groups.index, groups.favourable)


def _parity(rate: GroupRate | None, groups: _GroupSet) -> dict[str, Gap]:
    if rate is None:
        return {}
    difference = "demographic_parity_difference"
    return {
        difference: groups.gap(difference, rate, largest_difference),
        RATIO: groups.gap(RATIO, rate, smallest_ratio),
    }


def _outcome_gaps(rates: dict[str, GroupRate], groups: _GroupSet) -> dict[str, Gap]:
    gaps = {
        metric: groups.gap(metric, rates[rate], largest_difference)
        for metric, rate in DIFFERENCES.items()
        if rate in rates
    }
    odds = "equalized_odds_difference"
    if "true_positive_rate" in rates:
        both = (groups.gap(odds, rates[f"{side}_positive_rate"], largest_difference, 2) for side in ("true", "false"))
        gaps[odds] = larger(*both)
    return gaps


def _measurement(
    metric: str, gap: Gap, of_reference: Gap, rate: GroupRate, groups: _GroupSet, blocked: str | None
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


def _between(gap: Gap, rate: GroupRate, groups: _GroupSet) -> tuple[tuple[str, str], ...]:
    """Which groups are farthest apart, and which were left out as too small."""
    small = [name for name, n in zip(groups.names, rate.n, strict=True) if n < groups.frame.min_decide]
    left_out = (("left_out", "; ".join(small)),) if small else ()
    if gap.worst is None:
        return left_out
    high, low = (groups.names[i] for i in gap.worst)
    return (("higher", high), ("lower", low), *left_out)


def _per_group(name: str, rate: GroupRate, groups: _GroupSet, blocked: str | None) -> Iterator[Measurement]:
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
