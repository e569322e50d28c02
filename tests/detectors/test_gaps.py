"""The largest gap between groups: against brute force over the pairs, and how often it is wrong."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.estimates import difference, exactly, ratio, wilson
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

ALL = np.ones(4, dtype=bool)
HITS, TOTALS = np.array([30, 50, 80, 20]), np.array([100, 200, 160, 120])


def test_every_ordered_pair_of_eligible_groups_is_compared() -> None:
    assert compared_pairs(ALL, None).sum() == 12
    assert compared_pairs(np.array([True, False, True, True]), None).sum() == 6
    assert compared_pairs(np.array([True, False, False, False]), None).sum() == 0


def test_a_named_group_is_compared_with_all_others_and_no_others_with_each_other() -> None:
    pairs = compared_pairs(ALL, 2)
    assert pairs.sum() == 6
    assert not pairs[0, 1]
    assert compared_pairs(np.array([True, True, False, True]), 2).sum() == 0


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 100), st.integers(100, 500)), min_size=2, max_size=6))
def test_the_gap_is_the_largest_over_the_pairs_by_brute_force(groups: list[tuple[int, int]]) -> None:
    hits, totals = (np.array(part) for part in zip(*groups, strict=True))
    pairs = compared_pairs(np.ones(len(groups), dtype=bool), None)
    z = pair_z(3.0, pairs)
    gap = largest_difference(wilson(hits, totals, z), pairs)
    each = [
        difference(wilson(*groups[i], z), wilson(*groups[j], z))
        for i in range(len(groups))
        for j in range(len(groups))
        if i != j
    ]
    assert gap.value == pytest.approx(max(float(one.value) for one in each))
    assert gap.lower == pytest.approx(max(0.0, *(float(one.lower) for one in each)))
    assert gap.upper == pytest.approx(max(float(one.upper) for one in each))


def test_the_gap_names_the_two_groups_the_higher_first() -> None:
    rates = wilson(HITS, TOTALS, 3.0)
    assert largest_difference(rates, compared_pairs(ALL, None)).worst == (2, 3)
    assert smallest_ratio(rates, compared_pairs(ALL, None)).worst == (2, 3)


def test_the_smallest_ratio_is_that_of_the_lowest_to_the_highest_rate() -> None:
    rates = wilson(HITS, TOTALS, 3.0)
    gap = smallest_ratio(rates, compared_pairs(ALL, None))
    assert gap.value == pytest.approx((20 / 120) / 0.5)
    one = ratio(wilson(20, 120, 3.0), wilson(80, 160, 3.0))
    assert gap.upper == pytest.approx(min(1.0, float(one.upper)))


def test_groups_that_all_have_a_rate_of_zero_have_no_ratio() -> None:
    assert smallest_ratio(wilson(np.zeros(4), TOTALS, 3.0), compared_pairs(ALL, None)) == NO_GAP


def test_the_larger_of_two_gaps_ignores_an_absent_one() -> None:
    a, b = Gap(0.1, 0.05, 0.2, (0, 1)), Gap(0.12, 0.01, 0.18, (1, 0))
    assert larger(a, b) == Gap(0.12, 0.05, 0.2, (1, 0))
    assert larger(a, NO_GAP) == a
    assert larger(NO_GAP, NO_GAP) == NO_GAP


def test_a_bound_broken_in_the_reference_asks_for_a_gap_that_rose_by_the_margin() -> None:
    same = worse_than_reference(exactly(0.20), exactly(0.19), 0.1, 0.05)
    worse = worse_than_reference(exactly(0.26), exactly(0.19), 0.1, 0.05)
    assert float(same.lower) < 0.1
    assert float(worse.lower) == pytest.approx(0.12)


def test_ten_equal_groups_of_fifty_seldom_show_a_gap() -> None:
    random = np.random.default_rng(5)
    eligible = np.ones(10, dtype=bool)
    pairs = compared_pairs(eligible, None)
    totals, z = np.full(10, 50), 1.96
    corrected, uncorrected = 0, 0
    for _ in range(400):
        hits = random.binomial(50, 0.5, 10)
        corrected += largest_difference(wilson(hits, totals, pair_z(z, pairs)), pairs).lower > 0
        uncorrected += largest_difference(wilson(hits, totals, z), pairs).lower > 0
    assert corrected / 400 < 0.05
    assert uncorrected / 400 > 0.5
