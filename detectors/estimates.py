"""Values with intervals, and what can be said of two of them.

An ``Estimate`` holds arrays of one shape; NaN where a value or a limit does not exist. Intervals are two-sided at the normal
quantile z. Two estimates are combined by MOVER (method of variance estimates recovery, Zou & Donner 2008; Newcombe 1998 for
two proportions): each limit of the result takes the distance to the nearer limit of each part, so unsymmetric intervals stay
so.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

Floats = NDArray[np.float64]


class Estimate(NamedTuple):
    """``value`` with ``lower`` <= value <= ``upper``, arrays of one shape."""

    value: Floats
    lower: Floats
    upper: Floats

    def at(self, index: int | tuple[int, ...]) -> Estimate:
        """The entry at an index of all three."""
        return Estimate(*(np.asarray(part[index]) for part in self))


def exactly(value: ArrayLike) -> Estimate:
    """A known value: its interval has no width."""
    array = np.asarray(value, dtype=np.float64)
    return Estimate(array, array, array)


def divide(numerator: ArrayLike, denominator: ArrayLike) -> Floats:
    """Numerator / denominator; NaN where the denominator is 0."""
    bottom = np.asarray(denominator, dtype=np.float64)
    return np.asarray(numerator / np.where(bottom == 0.0, np.nan, bottom))


def wilson(hits: ArrayLike, totals: ArrayLike, z: float | Floats, effective: ArrayLike | None = None) -> Estimate:
    """Wilson's score interval of hits / totals (Wilson 1927); NaN where the total is 0.

    Args:
        effective: the sample size to use for the width where events are not independent; the totals if absent.
    """
    p = divide(hits, totals)
    n = np.where(np.isnan(p), np.nan, totals if effective is None else effective)
    square = z * z
    centre = (p + square / (2 * n)) / (1 + square / n)
    half = z / (1 + square / n) * np.sqrt(p * (1 - p) / n + square / (4 * n * n))
    lower, upper = np.maximum(np.minimum(centre - half, p), 0.0), np.minimum(np.maximum(centre + half, p), 1.0)
    return Estimate(p, lower, upper)


def difference(a: Estimate, b: Estimate, weight: float = 1.0) -> Estimate:
    """a - weight b of two independent estimates, by MOVER."""
    value = a.value - weight * b.value
    lower = value - np.hypot(a.value - a.lower, weight * (b.upper - b.value))
    upper = value + np.hypot(a.upper - a.value, weight * (b.value - b.lower))
    return Estimate(value, lower, upper)


def relative_rise(a: Estimate, b: Estimate) -> Estimate:
    """a / b - 1 of two independent positive estimates, by MOVER of the logarithms.

    A limit at or below 0 gives the log of 0: the rise is then bounded by -1 below, and by nothing above.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        rise = difference(_logarithm(a), _logarithm(b))
    return Estimate(*(np.asarray(np.expm1(part)) for part in rise))


def _logarithm(estimate: Estimate) -> Estimate:
    return Estimate(*(np.asarray(np.log(np.maximum(part, 0.0))) for part in estimate))


def ratio(a: Estimate, b: Estimate) -> Estimate:
    """a / b of two independent estimates >= 0, by MOVER (Donner & Zou 2012); NaN where b is 0.

    A limit is the rho at which that limit of a - rho b is 0. The upper one is infinite where b may be 0.
    """
    product = a.value * b.value
    upper = _ratio_limit(product, a.upper * (2 * a.value - a.upper), b.lower * (2 * b.value - b.lower), 1.0, np.inf)
    lower = _ratio_limit(product, a.lower * (2 * a.value - a.lower), b.upper * (2 * b.value - b.upper), -1.0, 0.0)
    return Estimate(divide(a.value, b.value), lower, upper)


def _ratio_limit(product: Floats, above: Floats, below: Floats, sign: float, otherwise: float) -> Floats:
    """Root of rho^2 below - 2 rho product + above = 0."""
    root = np.sqrt(np.maximum(np.square(product) - above * below, 0.0))
    limit: Floats = np.divide(
        product + sign * root, below, out=np.full(np.shape(product), otherwise), where=below > 0.0
    )
    return limit


def corrected_z(z: float, comparisons: int) -> float:
    """The quantile whose one-sided tail is that of z shared by a number of comparisons (Bonferroni)."""
    return float(-special.ndtri(special.ndtr(-z) / max(comparisons, 1)))
