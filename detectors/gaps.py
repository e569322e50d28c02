"""The largest gap between groups, with an interval that holds for the worst of all pairs.

The worst pair is chosen after looking, so each of the k ordered pairs is given a k-th of the error: the lower limit of the
largest gap is the largest lower limit over the pairs, each at the corrected quantile. Uncorrected, ten equal groups of 50
show a "gap" in two thirds of all windows.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detectors.estimates import Estimate, Floats, corrected_z, difference, ratio


@dataclass(frozen=True, slots=True)
class Gap:
    """A gap between two groups.

    Attributes:
        value, lower, upper: of the largest gap; NaN where fewer than two groups can be compared.
        worst: indices of the two groups, the one with the larger rate first; ``None`` without a gap.
        n: events that the compared rates rest on.
    """

    value: float
    lower: float
    upper: float
    worst: tuple[int, int] | None = None
    n: int = 0

    @property
    def estimate(self) -> Estimate:
        return Estimate(*(np.asarray(part) for part in (self.value, self.lower, self.upper)))


NO_GAP = Gap(np.nan, np.nan, np.nan)


def compared_pairs(eligible: NDArray[np.bool_], best: int | None) -> NDArray[np.bool_]:
    """(G, G) ordered pairs of different eligible groups; only those with the named group where one is named."""
    pairs = np.logical_and.outer(eligible, eligible) & ~np.eye(len(eligible), dtype=bool)
    if best is None:
        return pairs
    named = np.arange(len(eligible)) == best
    return np.asarray(pairs & np.logical_or.outer(named, named))


def pair_z(z: float, pairs: NDArray[np.bool_], families: int = 1) -> float:
    """The quantile for one pair, if the largest of several gaps over these pairs is looked for."""
    return corrected_z(z, int(pairs.sum()) * families)


def largest_difference(rates: Estimate, pairs: NDArray[np.bool_]) -> Gap:
    """Largest rate_i - rate_j over the ordered pairs; rates (G,) with intervals at ``pair_z``."""
    if not pairs.any():
        return NO_GAP
    gap = difference(_rows(rates), _columns(rates))
    value, lower, upper = (np.where(pairs & ~np.isnan(part), part, -np.inf) for part in gap)
    return Gap(*_finite(value.max(), max(float(lower.max()), 0.0), upper.max()), _where(value))


def smallest_ratio(rates: Estimate, pairs: NDArray[np.bool_]) -> Gap:
    """Smallest rate_i / rate_j over the ordered pairs with rate_j > 0; ``worst`` names the larger rate first."""
    usable = pairs & (rates.value > 0)[None, :]
    if not usable.any():
        return NO_GAP
    ratios = ratio(_rows(rates), _columns(rates))
    value, lower, upper = (np.where(usable & ~np.isnan(part), part, np.inf) for part in ratios)
    smaller, larger = _where(-value)
    return Gap(*_finite(value.min(), lower.min(), min(float(upper.min()), 1.0)), (larger, smaller))


def larger(a: Gap, b: Gap) -> Gap:
    """The larger of two gaps; an absent one does not count. Its limits are the larger limits of both."""
    gaps = [gap for gap in (a, b) if not np.isnan(gap.value)]
    if not gaps:
        return NO_GAP
    top = max(gaps, key=lambda gap: gap.value)
    return Gap(top.value, max(gap.lower for gap in gaps), max(gap.upper for gap in gaps), top.worst, top.n)


def worse_than_reference(window: Estimate, reference: Estimate, tolerance: float, margin: float) -> Estimate:
    """The effect where the reference itself breaks the bound: a breach must also be worse than it by the margin.

    min(gap, gap - reference gap - margin + tolerance) exceeds the tolerance exactly where the gap does and its rise exceeds
    the margin; the same holds for the lower limits.
    """
    rise = difference(window, reference)
    return Estimate(*(np.minimum(a, b - margin + tolerance) for a, b in zip(window, rise, strict=True)))


def _rows(rates: Estimate) -> Estimate:
    return Estimate(*(part[:, None] for part in rates))


def _columns(rates: Estimate) -> Estimate:
    return Estimate(*(part[None, :] for part in rates))


def _where(value: Floats) -> tuple[int, int]:
    row, column = np.unravel_index(int(np.argmax(value)), value.shape)
    return int(row), int(column)


def _finite(*parts: float) -> tuple[float, float, float]:
    value, lower, upper = (float(part) if np.isfinite(part) else float("nan") for part in parts)
    return value, lower, upper
