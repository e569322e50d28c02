"""The gaps of one group set: which rates are compared, over which groups, at which quantile."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from detectors.coverage import group_name
from detectors.estimates import Estimate
from detectors.family import Frame
from detectors.gaps import Gap, compared_pairs, larger, largest_difference, pair_z, smallest_ratio
from detectors.group_rates import GroupRate, outcome_rates, selection_rate
from detectors.layout import GroupSet, Task
from detectors.readings import Scale
from detectors.tables import Tables

RATIO = "demographic_parity_ratio"
DIFFERENCES = {
    "demographic_parity_difference": "selection_rate",
    "equal_opportunity_difference": "true_positive_rate",
    "false_positive_rate_difference": "false_positive_rate",
    "false_negative_rate_difference": "false_negative_rate",
    "predictive_parity_difference": "precision",
    "accuracy_difference": "accuracy",
}
"""The rate that each gap compares."""

Comparer: TypeAlias = Callable[[Estimate, NDArray[np.bool_]], Gap]


@dataclass(frozen=True, slots=True)
class GroupsOfSet:
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


def selection(side: Tables | None, groups: GroupsOfSet) -> GroupRate | None:
    """Selection rates of one side; ``None`` for a regression, and where no class is the favourable one."""
    if side is None or groups.favourable is None or "groups.predictions" not in side:
        return None
    if groups.frame.layout.task is Task.REGRESSION:
        return None
    return selection_rate(side, groups.frame.layout, groups.index, groups.favourable)


def outcomes(side: Tables | None, groups: GroupsOfSet) -> dict[str, GroupRate]:
    """Rates of one side that need labels, by name."""
    if side is None or "group_outcomes.margins" not in side:
        return {}
    return outcome_rates(side, groups.frame.layout, groups.index, groups.favourable)


def parity_gaps(rate: GroupRate | None, groups: GroupsOfSet) -> dict[str, Gap]:
    """Demographic parity, as difference and as ratio; empty where there is no rate."""
    if rate is None:
        return {}
    difference = "demographic_parity_difference"
    return {
        difference: groups.gap(difference, rate, largest_difference),
        RATIO: groups.gap(RATIO, rate, smallest_ratio),
    }


def outcome_gaps(
    rates: dict[str, GroupRate], groups: GroupsOfSet, metrics: Collection[str] = DIFFERENCES
) -> dict[str, Gap]:
    """Gaps of the chosen metrics, and of the odds: the larger of the gaps in true and in false positive rate."""
    gaps = {
        metric: groups.gap(metric, rates[rate], largest_difference)
        for metric, rate in DIFFERENCES.items()
        if rate in rates and metric in metrics
    }
    odds = "equalized_odds_difference"
    if "true_positive_rate" in rates:
        both = (groups.gap(odds, rates[f"{side}_positive_rate"], largest_difference, 2) for side in ("true", "false"))
        gaps[odds] = larger(*both)
    return gaps
