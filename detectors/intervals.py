"""Distances whose interval does not come from a delta method: total variation, L-infinity, Kolmogorov-Smirnov.

    total variation   D = sum |p - q| / 2          [D - sum sqrt(2 r (1 - r) h / pi) / 2 - z sqrt(h) / 2, D + z sqrt(h) / 2]
    KS                D = max |P - Q| at the edges  D +- sqrt(h ln(2 / alpha) / 2), alpha = 1 - Phi(z)

with r the pooled share and h = phi (1/n + 1/m). The first subtracts what noise alone adds on average, the second is the
Dvoretzky-Kiefer-Wolfowitz bound (Massart 1990), which holds for any distribution; on cells it is conservative.
"""

from __future__ import annotations

import numpy as np
from scipy import special

from detectors.comparison import Comparison, Floats
from detectors.divergence import noise
from detectors.estimates import Estimate


def total_variation(pair: Comparison, phi: Floats, z: float) -> Estimate:
    """(R,) half the sum of |p - q|, with its interval."""
    value = np.abs(pair.p - pair.q).sum(axis=1) / 2
    half = z * np.sqrt(noise(pair, phi)) / 2
    return _bounded(value, value - noise_of_total_variation(pair, phi) - half, value + half)


def noise_of_total_variation(pair: Comparison, phi: Floats) -> Floats:
    """(R,) what chance alone adds on average: half the sum of sqrt(2 r (1 - r) h / pi)."""
    total = (pair.n + pair.m).reshape(-1, 1)
    pooled = np.where(pair.inside, (pair.x + pair.y) / total, 0.0)
    added: Floats = np.sqrt(2.0 * pooled * (1.0 - pooled) * noise(pair, phi).reshape(-1, 1) / np.pi).sum(axis=1) / 2
    return added


def kolmogorov_smirnov(pair: Comparison, phi: Floats, z: float) -> Estimate:
    """(R,) the largest distance of the distribution functions at the edges of the cells; rows must be ordered."""
    value = np.abs(np.cumsum(np.where(pair.inside, pair.p - pair.q, 0.0), axis=1)).max(axis=1)
    half = np.sqrt(noise(pair, phi) * np.log(2.0 / special.ndtr(-z)) / 2)
    return _bounded(value, value - half, value + half)


def largest_share_change(pair: Comparison) -> Floats:
    """(R,) L-infinity: the largest |p - q| of one cell."""
    largest: Floats = np.abs(pair.p - pair.q).max(axis=1)
    return largest


def _bounded(value: Floats, lower: Floats, upper: Floats) -> Estimate:
    """Distances of distributions lie in [0, 1]."""
    return Estimate(value, np.clip(lower, 0.0, 1.0), np.clip(upper, 0.0, 1.0))
