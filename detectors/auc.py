"""Areas under the ROC and the precision-recall curve, from score cells.

Cells are (..., 2, C): counts of negatives and of positives by score cell, scores rising. Events of one cell are
ties. Against the raw scores the ROC area is wrong by at most ``half_bound``, and the average precision lies between its
``precision_bounds``.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from detectors.estimates import Estimate, Floats, divide, wilson
from detectors.jackknife import on_logit


class RocArea(NamedTuple):
    """Area (...), its variance by DeLong, DeLong & Clarke-Pearson (1988), and the numbers of each class."""

    area: Floats
    variance: Floats
    negatives: Floats
    positives: Floats


def roc_area(cells: Floats) -> Floats:
    """P(score of a positive > score of a negative) + half P(equal), (..., 2, C) -> (...); NaN without both classes."""
    negatives, positives = cells[..., 0, :], cells[..., 1, :]
    below = np.cumsum(negatives, axis=-1) - negatives / 2
    return divide((positives * below).sum(axis=-1), positives.sum(axis=-1) * negatives.sum(axis=-1))


def delong(cells: Floats) -> RocArea:
    """ROC area with its variance.

    With V10 the share of negatives below (half: equal to) a positive, V01 the share of positives above a negative:
    var = Var(V10) / P + Var(V01) / N, sample variances over the P positives and the N negatives.
    """
    negatives, positives = cells[..., 0, :], cells[..., 1, :]
    n, p = negatives.sum(axis=-1), positives.sum(axis=-1)
    below = divide(np.cumsum(negatives, axis=-1) - negatives / 2, n[..., None])
    above = divide(p[..., None] - np.cumsum(positives, axis=-1) + positives / 2, p[..., None])
    area = divide((positives * below).sum(axis=-1), p)
    of_positives = divide((positives * np.square(below - area[..., None])).sum(axis=-1), p * (p - 1))
    of_negatives = divide((negatives * np.square(above - area[..., None])).sum(axis=-1), n * (n - 1))
    return RocArea(area, of_positives + of_negatives, n, p)


def delong_estimate(cells: Floats, z: float, inflation: float = 1.0) -> Estimate:
    """ROC area with DeLong's interval on the logit scale.

    At an area of 0 or 1 the variance is 0 and says nothing: there the interval is Wilson's for the smaller class.
    """
    roc = delong(cells)
    on_scale = on_logit(roc.area, z * np.sqrt(inflation * roc.variance))
    smaller = np.minimum(roc.negatives, roc.positives)
    at_end = wilson(np.rint(roc.area * smaller), smaller, z, smaller / inflation)
    ends = (roc.area == 0.0) | (roc.area == 1.0)
    return Estimate(
        roc.area, np.where(ends, at_end.lower, on_scale.lower), np.where(ends, at_end.upper, on_scale.upper)
    )


def half_bound(cells: Floats) -> Floats:
    """Largest possible error of the area from cells: half sum(pos neg) / (P N)."""
    ties = (cells[..., 0, :] * cells[..., 1, :]).sum(axis=-1)
    return divide(ties / 2, cells[..., 0, :].sum(axis=-1) * cells[..., 1, :].sum(axis=-1))


def average_precision(cells: Floats, prevalence: float | None = None) -> Floats:
    """Area under the precision-recall curve as average precision, sum (R_i - R_{i-1}) P_i, (..., 2, C) -> (...).

    Args:
        prevalence: share of positives to weight the classes to (Siblini et al. 2020); as observed if absent.
    """
    negatives, positives = cells[..., 0, ::-1], cells[..., 1, ::-1]
    n, p = negatives.sum(axis=-1, keepdims=True), positives.sum(axis=-1, keepdims=True)
    weights = (1.0, 1.0) if prevalence is None else (divide(prevalence, p), divide(1.0 - prevalence, n))
    hits, alarms = np.cumsum(positives, axis=-1) * weights[0], np.cumsum(negatives, axis=-1) * weights[1]
    precision = np.divide(hits, hits + alarms, out=np.zeros_like(hits), where=hits > 0)
    return divide((positives * precision).sum(axis=-1), np.where(n[..., 0] > 0, p[..., 0], 0.0))


def precision_bounds(cells: Floats) -> tuple[Floats, Floats]:
    """Limits of the raw scores' average precision: negatives of a cell all first, or its positives all first."""
    negatives, positives = cells[..., 0, ::-1], cells[..., 1, ::-1]
    hits, alarms = np.cumsum(positives, axis=-1), np.cumsum(negatives, axis=-1)
    total = positives.sum(axis=-1)
    worst = divide(hits - positives + 1, hits - positives + 1 + alarms)
    best = np.divide(hits, hits + alarms - negatives, out=np.zeros_like(hits), where=hits > 0)
    return divide((positives * worst).sum(axis=-1), total), divide((positives * best).sum(axis=-1), total)
