"""Divergences between two rows of shares, with closed-form intervals.

With window shares p of n events, reference shares q of m, K cells, and D the divergence:

    psi        sum (p - q) ln(p / q)                              c = 1
    jsd        (sum p log2(p / r) + sum q log2(q / r)) / 2        c = 1 / (8 ln 2), r = (p + q) / 2, in bits
    hellinger2 sum (sqrt p - sqrt q)^2 / 2                        c = 1 / 8

Under no change each is c times a chi-square with K - 1 degrees of freedom times h = phi (1/n + 1/m), so it is not 0 but
b = c (K - 1) h on average. Under change its variance is that of the delta method on top:

    V = phi (Var_p(dD/dp) / n + Var_q(dD/dq) / m) + 2 (K - 1) (c h)^2
    [max(0, D - b - z sqrt V), max(0, D - b + z sqrt V)]

phi >= 1 inflates every variance where events are not independent. Sources: Siddiqi (2006) for PSI, Lin (1991) for the
Jensen-Shannon divergence, Pardo (2006), Statistical Inference Based on Divergence Measures, for the moments.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from detectors.comparison import Comparison, Floats, Ints
from detectors.estimates import Estimate

Pair = Callable[[Floats, Floats], Floats]


@dataclass(frozen=True, slots=True)
class Divergence:
    """A sum over cells, with its derivatives.

    Attributes:
        curvature: c, half of the second derivative at p = q times the share.
        terms: per cell; their sum is D.
        slope: dD/dp per cell up to a constant; every measure here is symmetric, so dD/dq is the same with sides changed.
    """

    curvature: float
    terms: Pair
    slope: Pair

    def value(self, pair: Comparison) -> Floats:
        """(R,) D of every column."""
        total: Floats = self.terms(pair.p, pair.q).sum(axis=1)
        return np.maximum(total, 0.0)

    def bias(self, pair: Comparison, h: Floats) -> Floats:
        """(R,) b = c (K - 1) h, the value expected of equal distributions, to first order."""
        return self.curvature * (pair.size - 1) * h

    def variance(self, pair: Comparison, phi: Floats) -> Floats:
        """(R,) V."""
        h = noise(pair, phi)
        window = _spread(pair.p, self.slope(pair.p, pair.q), pair) / pair.n
        reference = _spread(pair.q, self.slope(pair.q, pair.p), pair) / pair.m
        return phi * (window + reference) + 2.0 * (pair.size - 1) * np.square(self.curvature * h)

    def corrected(self, pair: Comparison, phi: Floats, z: float) -> Estimate:
        """D - b and its interval, none below 0."""
        centre = self.value(pair) - self.bias(pair, noise(pair, phi))
        half = z * np.sqrt(self.variance(pair, phi))
        return Estimate(*(np.maximum(part, 0.0) for part in (centre, centre - half, centre + half)))


def noise(pair: Comparison, phi: Floats) -> Floats:
    """(R,) h = phi (1/n + 1/m)."""
    return phi * (1.0 / pair.n + 1.0 / pair.m)


def smallest_decidable_root(divergence: Divergence, size: Ints, h: Floats, z: float) -> Floats:
    """The smallest tau of a root of a divergence such that a change of 2 tau cannot be missed.

    An effect of 2 tau is seen when 3 tau^2 >= z sqrt(16 c tau^2 h + 2 (K - 1) c^2 h^2); this is the tau of equality, the
    positive root of a quadratic in tau^2.
    """
    c = divergence.curvature
    linear = 16.0 * c * np.square(z) * h
    constant = 2.0 * (size - 1) * np.square(c * h * z)
    tau_squared = (linear + np.sqrt(np.square(linear) + 36.0 * constant)) / 18.0
    root: Floats = np.sqrt(tau_squared)
    return root


def _spread(weights: Floats, slope: Floats, pair: Comparison) -> Floats:
    """Variance of the slope over the cells, weighted by the shares."""
    weights = np.where(pair.inside, weights, 0.0)
    mean = (weights * slope).sum(axis=1, keepdims=True)
    variance: Floats = (weights * np.square(slope - mean)).sum(axis=1)
    return variance


def _psi_terms(p: Floats, q: Floats) -> Floats:
    return (p - q) * np.log(p / q)


def _psi_slope(p: Floats, q: Floats) -> Floats:
    return np.log(p / q) - q / p


def _jsd_terms(p: Floats, q: Floats) -> Floats:
    middle = (p + q) / 2
    terms: Floats = (p * np.log2(p / middle) + q * np.log2(q / middle)) / 2
    return terms


def _jsd_slope(p: Floats, q: Floats) -> Floats:
    slope: Floats = np.log2(2 * p / (p + q)) / 2
    return slope


def _hellinger2_terms(p: Floats, q: Floats) -> Floats:
    terms: Floats = np.square(np.sqrt(p) - np.sqrt(q)) / 2
    return terms


def _hellinger2_slope(p: Floats, q: Floats) -> Floats:
    slope: Floats = -np.sqrt(q / p) / 2
    return slope


PSI = Divergence(1.0, _psi_terms, _psi_slope)
JSD = Divergence(1.0 / (8.0 * np.log(2.0)), _jsd_terms, _jsd_slope)
HELLINGER2 = Divergence(1.0 / 8.0, _hellinger2_terms, _hellinger2_slope)
