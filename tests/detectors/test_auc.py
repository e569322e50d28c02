"""Areas against scikit-learn, DeLong's variance against its definition on raw rows, bounds by property."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score, precision_recall_curve, roc_auc_score

from detectors import auc


def raw(seed: int, n: int = 500, cells: int = 40) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Labels, cell of each row's score, and the cells' table."""
    random = np.random.default_rng(seed)
    truth = random.integers(0, 2, n)
    cell = np.clip(random.normal(cells / 2 + 4 * truth, cells / 6), 0, cells - 1).astype(np.int64)
    table = np.stack([np.bincount(cell[truth == k], minlength=cells) for k in (0, 1)]).astype(np.float64)
    return truth, cell, table


def test_areas_of_cell_numbers_are_those_of_scikit_learn() -> None:
    truth, cell, table = raw(1)
    assert float(auc.roc_area(table)) == pytest.approx(roc_auc_score(truth, cell), abs=1e-12)
    assert float(auc.average_precision(table)) == pytest.approx(average_precision_score(truth, cell), abs=1e-12)


def test_the_variance_is_delongs_on_the_raw_rows() -> None:
    truth, cell, table = raw(2)
    positives, negatives = cell[truth == 1], cell[truth == 0]
    wins = (positives[:, None] > negatives) + 0.5 * (positives[:, None] == negatives)
    expected = wins.mean(axis=1).var(ddof=1) / len(positives) + wins.mean(axis=0).var(ddof=1) / len(negatives)
    assert float(auc.delong(table).variance) == pytest.approx(expected, rel=1e-12)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6), st.integers(2, 60))
def test_raw_scores_have_their_areas_within_the_stated_bounds(seed: int, cells: int) -> None:
    random = np.random.default_rng(seed)
    truth = np.append(random.integers(0, 2, 80), [0, 1])
    score = np.round(np.clip(random.normal(0.4 + 0.2 * truth, 0.2), 0, 0.99), 2)
    cell = (score * cells).astype(int)
    table = np.stack([np.bincount(cell[truth == k], minlength=cells) for k in (0, 1)]).astype(np.float64)
    assert abs(auc.roc_area(table) - roc_auc_score(truth, score)) <= auc.half_bound(table) + 1e-12
    low, high = auc.precision_bounds(table)
    assert low - 1e-12 <= average_precision_score(truth, score) <= high + 1e-12


def test_average_precision_at_a_prevalence_is_that_of_rows_weighted_to_it() -> None:
    truth, cell, table = raw(3)
    weight = np.where(truth == 1, 0.05 / (truth == 1).mean(), 0.95 / (truth == 0).mean())
    expected = average_precision_score(truth, cell, sample_weight=weight)
    assert float(auc.average_precision(table, 0.05)) == pytest.approx(expected, abs=1e-12)
    precision, recall, _ = precision_recall_curve(truth, cell, sample_weight=weight)
    assert float(auc.average_precision(table, 0.05)) == pytest.approx(-(np.diff(recall) * precision[:-1]).sum())


def test_one_class_alone_has_no_area() -> None:
    table = np.zeros((2, 5))
    table[1] = 3
    assert np.isnan(auc.roc_area(table))
    assert np.isnan(auc.average_precision(table))
    assert all(np.isnan(part) for part in auc.delong_estimate(table, 3.0))


def test_a_perfect_separation_keeps_an_interval_with_width() -> None:
    table = np.zeros((2, 4))
    table[0, 0], table[1, 3] = 50, 40
    estimate = auc.delong_estimate(table, 3.0)
    assert float(estimate.value) == 1.0
    assert 0.7 < float(estimate.lower) < 0.9


def test_the_interval_lies_within_zero_and_one() -> None:
    _, _, table = raw(4, n=12)
    estimate = auc.delong_estimate(table, 3.0)
    assert 0 < float(estimate.lower) < float(estimate.value) < float(estimate.upper) < 1


def test_dependence_widens_the_interval_on_the_logit_by_its_root() -> None:
    _, _, table = raw(5)
    one, four = (auc.delong_estimate(table, 3.0, phi) for phi in (1.0, 4.0))
    logit = lambda p: np.log(p / (1 - p))  # noqa: E731
    assert logit(four.value) - logit(four.lower) == pytest.approx(2 * (logit(one.value) - logit(one.lower)))
