"""Variance inflation of gaps between groups: that of the rates they compare, pooled over the groups.

A gap is never negative and its interval is that of the worst pair, so its own spread over chunks says nothing. Each group's
rate does: all groups of a set have the same degrees of freedom, so the pooled ratio is the mean of theirs.
"""

from __future__ import annotations

from collections.abc import Mapping

from detectors.bias import DIFFERENCES, RATIO
from detectors.coverage import group_name
from detectors.layout import Layout

Key = tuple[str, str]

PREFIX = "group_"
RATES_OF_GAP: dict[str, tuple[str, ...]] = {
    **{gap: (rate,) for gap, rate in DIFFERENCES.items()},
    RATIO: ("selection_rate",),
    "equalized_odds_difference": ("true_positive_rate", "false_positive_rate"),
}


def pool_groups(ratios: Mapping[Key, float], layout: Layout) -> dict[Key, float]:
    """X^2 / df of group rates and of the gaps between them, by (metric, group set).

    Args:
        ratios: by (metric, subject) of every measure; those of single groups are ("group_<rate>", "sex=F").
    """
    pooled: dict[Key, float] = {}
    for group_set in layout.groups:
        subjects = {group_name(group_set, code) for code in range(1, group_set.codes)}
        of_metric: dict[str, list[float]] = {}
        for (metric, subject), ratio in ratios.items():
            if metric.startswith(PREFIX) and subject in subjects:
                of_metric.setdefault(metric, []).append(ratio)
        means = {metric: sum(found) / len(found) for metric, found in of_metric.items()}
        pooled |= {(metric, group_set.name): mean for metric, mean in means.items()}
        for gap, rates in RATES_OF_GAP.items():
            found = [means[PREFIX + rate] for rate in rates if PREFIX + rate in means]
            if found:
                pooled[gap, group_set.name] = max(found)
    return pooled
