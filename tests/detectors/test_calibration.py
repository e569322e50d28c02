"""Calibration errors: against the definition on raw rows, and without bias where scores are true."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from detectors import calibration


def cells_of(
    score: NDArray[np.float64], truth: NDArray[np.int64], cells: int = 20
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    cell = (score * cells).astype(int)
    table = np.stack([np.bincount(cell[truth == k], minlength=cells) for k in (0, 1)]).astype(np.float64)
    return table, np.bincount(cell, weights=score, minlength=cells)


def simulated(seed: int, n: int, shift: float = 0.0) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    random = np.random.default_rng(seed)
    score = random.random(n) * (1 - 2 * abs(shift)) + abs(shift)
    return cells_of(score, (random.random(n) < score + shift).astype(np.int64))


def test_the_plain_error_is_that_of_the_raw_rows() -> None:
    random = np.random.default_rng(1)
    score, truth = random.random(900), random.integers(0, 2, 900)
    cell = (score * 20).astype(int)
    expected = sum((cell == c).sum() / 900 * abs(truth[cell == c].mean() - score[cell == c].mean()) for c in range(20))
    assert float(calibration.expected_calibration_error(*cells_of(score, truth))) == pytest.approx(expected, abs=1e-12)


def test_the_debiased_error_of_true_scores_is_zero_on_average() -> None:
    found = [float(calibration.squared_error(*simulated(seed, 300))) for seed in range(300)]
    assert abs(np.mean(found)) < 3 * np.std(found) / np.sqrt(300)


def test_the_debiased_error_of_shifted_scores_is_the_shift() -> None:
    found = [float(calibration.squared_error(*simulated(seed, 300, 0.1))) for seed in range(300)]
    assert np.mean(found) == pytest.approx(0.01, abs=3 * np.std(found) / np.sqrt(300))


@pytest.mark.parametrize(("shift", "at_most"), [(0.0, 1.8), (0.1, 1.2)])
def test_its_closed_variance_is_that_of_repetitions_or_a_little_more(shift: float, at_most: float) -> None:
    tables = [simulated(seed, 2000, shift) for seed in range(300)]
    values = [float(calibration.squared_error(*table)) for table in tables]
    stated = np.mean([float(calibration.squared_error_variance(*table)) for table in tables])
    assert 0.8 <= stated / np.var(values) <= at_most


def test_the_expected_error_is_that_of_true_scores() -> None:
    tables = [simulated(seed, 1000) for seed in range(200)]
    values = [float(calibration.expected_calibration_error(*table)) for table in tables]
    stated = np.mean([float(calibration.expected_under_calibration(*table)) for table in tables])
    assert stated == pytest.approx(np.mean(values), rel=0.05)


def test_no_rows_have_no_calibration() -> None:
    assert np.isnan(calibration.squared_error(np.zeros((2, 5)), np.zeros(5)))
    assert np.isnan(calibration.expected_calibration_error(np.zeros((2, 5)), np.zeros(5)))
