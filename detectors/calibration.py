"""Do scores mean what they say? Calibration from score cells.

Cells are (..., 2, C): counts of negatives and of positives; ``score_sums`` (..., C): sum of the scores in the cell. In a
cell of n events let y be the share of positives, s the mean score and w = n / N.
"""

from __future__ import annotations

import numpy as np

from detectors.estimates import Floats, divide


def squared_error(cells: Floats, score_sums: Floats) -> Floats:
    """Debiased mean squared calibration error, sum w [(y - s)^2 - y (1 - y) / (n - 1)], (...).

    The plug-in sum counts the noise of y as miscalibration, more the more cells there are; the second term takes it out
    (Kumar, Liang & Ma 2019). Cells of one event have no noise to see and are left out. May be below 0 by chance.
    """
    n, share, gap = _by_cell(cells, score_sums)
    terms = np.where(n > 1, n * (np.square(gap) - share * (1 - share) / np.maximum(n - 1, 1)), 0.0)
    return divide(terms.sum(axis=-1), np.where(n > 1, n, 0.0).sum(axis=-1))


def squared_error_variance(cells: Floats, score_sums: Floats) -> Floats:
    """Variance of ``squared_error``, (...).

    With the true error d of a cell and the variance e = y (1 - y) / (n - 1) of its share it is sum w^2 (4 d^2 e + 2 e^2);
    d^2 is estimated by (y - s)^2 - e, and the whole is at least what it is at d = 0, so it is too wide there rather than
    too narrow.
    """
    n, share, gap = _by_cell(cells, score_sums)
    noise = share * (1 - share) / np.maximum(n - 1, 1)
    used = np.where(n > 1, n, 0.0)
    least = 2 * np.square(used * noise)
    terms = least + 4 * np.square(used) * (np.square(gap) - noise) * noise
    return divide(np.maximum(terms.sum(axis=-1), least.sum(axis=-1)), np.square(used.sum(axis=-1)))


def expected_calibration_error(cells: Floats, score_sums: Floats) -> Floats:
    """Plain ECE, sum w |y - s| (Naeini et al. 2015), (...); biased upwards."""
    n, _, gap = _by_cell(cells, score_sums)
    return divide((n * np.abs(gap)).sum(axis=-1), n.sum(axis=-1))


def expected_under_calibration(cells: Floats, score_sums: Floats) -> Floats:
    """ECE of a perfectly calibrated model with these scores: sum w sqrt(2 s (1 - s) / (pi n)), (...)."""
    n, _, _ = _by_cell(cells, score_sums)
    mean = np.divide(score_sums, n, out=np.zeros_like(score_sums), where=n > 0)
    noise = np.sqrt(2 * np.clip(mean * (1 - mean), 0.0, None) * n / np.pi)
    return divide(noise.sum(axis=-1), n.sum(axis=-1))


def _by_cell(cells: Floats, score_sums: Floats) -> tuple[Floats, Floats, Floats]:
    """n, y and y - s of each cell; 0 in empty cells."""
    n = cells.sum(axis=-2)
    share = np.divide(cells[..., 1, :], n, out=np.zeros_like(n), where=n > 0)
    mean = np.divide(score_sums, n, out=np.zeros_like(n), where=n > 0)
    return n, share, share - mean
