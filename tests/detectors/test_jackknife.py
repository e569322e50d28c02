"""The delete-a-group jackknife against brute force on raw rows, and the effective size of alike events."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from detectors.estimates import divide, wilson
from detectors.jackknife import Jackknife

RANDOM = np.random.default_rng(7)
VALUE = RANDOM.integers(0, 2, 900)
BUCKET = RANDOM.integers(0, 16, 900)
SUB = np.stack([np.bincount(BUCKET, weights=VALUE, minlength=16), np.bincount(BUCKET, minlength=16)], 1).astype(
    np.int64
)


def test_the_variance_is_that_of_leaving_out_each_group_of_rows() -> None:
    jackknife = Jackknife.over(SUB[:, 1], 3.0)
    stacked = jackknife.stack(SUB)
    found = jackknife.variance(divide(stacked[:, 0], stacked[:, 1]))
    left_out = np.array([VALUE[group != BUCKET].mean() for group in range(16)])
    assert float(found) == pytest.approx(15 / 16 * np.square(left_out - left_out.mean()).sum(), rel=1e-12)


def test_the_quantile_is_students_with_one_degree_of_freedom_less_than_groups() -> None:
    assert Jackknife.over(SUB[:, 1], 3.0).t == pytest.approx(stats.t.isf(stats.norm.sf(3.0), 15))
    assert Jackknife.over(SUB[:10, 1], 3.0).t == pytest.approx(stats.t.isf(stats.norm.sf(3.0), 9))


def test_sub_tables_without_events_take_no_part() -> None:
    rows = SUB[:, 1].copy()
    rows[[3, 9]] = 0
    assert Jackknife.over(rows, 3.0).stack(rows).tolist()[0] == rows.sum()
    assert len(Jackknife.over(rows, 3.0).stack(rows)) == 15


def test_too_few_groups_give_a_value_without_an_interval() -> None:
    jackknife = Jackknife.over(SUB[:7, 1], 3.0)
    stacked = jackknife.stack(SUB[:7])
    estimate = jackknife.estimate(divide(stacked[:, 0], stacked[:, 1]))
    assert np.isfinite(estimate.value)
    assert np.isnan(estimate.lower)


def test_independent_events_have_about_their_own_number_as_effective_size() -> None:
    jackknife = Jackknife.over(SUB[:, 1], 3.0)
    found, plain = jackknife.rate(SUB[:, 0], SUB[:, 1]), wilson(VALUE.sum(), 900, jackknife.t)
    assert found.upper - found.lower == pytest.approx(plain.upper - plain.lower, rel=0.5)
    assert found.upper - found.lower >= plain.upper - plain.lower - 1e-12


def test_ten_equal_events_per_subject_widen_the_interval_by_the_root_of_ten() -> None:
    random = np.random.default_rng(1)
    subjects, bucket = random.integers(0, 2, 4000), random.integers(0, 16, 4000)
    sub = np.stack([np.bincount(bucket, weights=subjects, minlength=16), np.bincount(bucket, minlength=16)], 1)
    once, ten = (sub * copies for copies in (1, 10))
    jackknife = Jackknife.over(once[:, 1].astype(np.int64), 3.0)
    found = jackknife.rate(ten[:, 0].astype(np.int64), ten[:, 1].astype(np.int64))
    plain = wilson(ten[:, 0].sum(), ten[:, 1].sum(), jackknife.t)
    assert (found.upper - found.lower) / (plain.upper - plain.lower) == pytest.approx(np.sqrt(10), rel=0.4)


def test_a_rate_whose_events_come_from_few_subjects_has_no_interval() -> None:
    totals = np.zeros(16, dtype=np.int64)
    totals[:3] = 200
    jackknife = Jackknife.over(SUB[:, 1], 3.0)
    found = jackknife.rate(totals // 2, totals)
    assert float(found.value) == 0.5
    assert np.isnan(found.lower)


def test_a_positive_statistic_stays_positive_and_zero_stays_zero() -> None:
    jackknife = Jackknife.over(SUB[:, 1], 3.0)
    wild = np.exp(np.linspace(-3, 3, 17))[:, None]
    assert jackknife.positive(wild).lower > 0
    assert jackknife.positive(np.zeros((17, 1))).upper == 0.0
