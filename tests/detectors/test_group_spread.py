"""The spread of gaps between groups is that of the rates they compare."""

from __future__ import annotations

import pytest

from detectors.group_spread import pool_groups
from detectors.layout import GroupSet, Layout, Task

LAYOUT = Layout(
    task=Task.BINARY,
    numeric=(),
    categorical=(),
    groups=(GroupSet(attributes=("sex",), groups=(("F",), ("M",))), GroupSet(attributes=("age",), groups=(("old",),))),
)
RATIOS = {
    ("group_selection_rate", "sex=F"): 2.0,
    ("group_selection_rate", "sex=M"): 4.0,
    ("group_true_positive_rate", "sex=F"): 1.5,
    ("group_false_positive_rate", "sex=F"): 2.5,
    ("group_selection_rate", "age=old"): 7.0,
    ("accuracy", ""): 9.0,
}


def test_the_ratio_of_a_group_set_is_the_mean_over_its_groups() -> None:
    pooled = pool_groups(RATIOS, LAYOUT)
    assert pooled["group_selection_rate", "sex"] == pytest.approx(3.0)
    assert pooled["group_selection_rate", "age"] == 7.0


def test_gaps_take_the_ratio_of_their_rate() -> None:
    pooled = pool_groups(RATIOS, LAYOUT)
    assert pooled["demographic_parity_difference", "sex"] == pooled["demographic_parity_ratio", "sex"] == 3.0
    assert pooled["equal_opportunity_difference", "sex"] == 1.5


def test_equalised_odds_take_the_larger_of_their_two_rates() -> None:
    assert pool_groups(RATIOS, LAYOUT)["equalized_odds_difference", "sex"] == 2.5


def test_rates_that_were_not_measured_give_nothing() -> None:
    assert ("accuracy_difference", "sex") not in pool_groups(RATIOS, LAYOUT)
    assert pool_groups({}, LAYOUT) == {}
