"""What a measure would be on average if nothing had changed.

A drift measure is never 0: two samples of one distribution differ. The mean of a measure that is a sum over cells is an
exact sum over binomials, here at the effective sample size 1/h = 1 / (phi (1/n + 1/m)) against the reference's shares:

    E[D] = sum_k sum_x Bin(x; 1/h, q_k) term((x + 1/2) / (1/h + K/2), q_k)

Means are computed for shares of three and sample sizes of two significant digits, at most 5000, and kept: most cells of a
reference have about the same share. From there they are scaled by the law that they follow (divergences with h, distances
with its root). The roots of divergences are roots of means, which lie a little above means of roots.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from scipy import special

from detectors.comparison import SMOOTHING, Comparison, Floats
from detectors.divergence import HELLINGER2, JSD, PSI, noise

MAX_SIZE = 5000
_SUPPORT = 6.5
"""Standard deviations of a binomial beyond which it is not summed: what is left out is below 1e-9."""
_KOLMOGOROV_MEAN = math.sqrt(math.pi / 2) * math.log(2)


class Expected(NamedTuple):
    """(R,) mean of each measure under no change; the two divergences as their roots, the distances."""

    psi: Floats
    js_distance: Floats
    hellinger: Floats
    total_variation: Floats


def expected(pair: Comparison, phi: Floats) -> Expected:
    """The expectation for every column at its own sample sizes."""
    effective = 1.0 / noise(pair, phi)
    size = np.array([rounded_size(value) for value in effective.tolist()])
    shares = rounded_shares(pair.q)
    sums = np.zeros((4, len(size)))
    for at, cells in sorted(set(zip(size.tolist(), pair.size.tolist(), strict=True))):
        rows = np.flatnonzero((size == at) & (pair.size == cells))
        distinct, place = np.unique(shares[rows, :cells], return_inverse=True)
        means = _means(distinct.tobytes(), at, cells)
        sums[:, rows] = means[:, place.reshape(len(rows), cells)].sum(axis=2)
    psi, jsd, hellinger2, variation = sums * (size / effective)
    return Expected(psi, np.sqrt(jsd), np.sqrt(hellinger2), variation * np.sqrt(effective / size))


def expected_kolmogorov_smirnov(pair: Comparison, phi: Floats) -> Floats:
    """(R,) mean of Kolmogorov's distribution times sqrt h: exact for continuous columns, an upper bound on cells."""
    mean: Floats = _KOLMOGOROV_MEAN * np.sqrt(noise(pair, phi))
    return mean


def rounded_size(effective: float) -> int:
    """The sample size of two significant digits, at most 5000, at which an expectation is computed."""
    if effective >= MAX_SIZE:
        return MAX_SIZE
    whole = max(1, round(effective))
    unit = {3: 10, 4: 100}.get(len(str(whole)), 1)
    return round(whole / unit) * unit


def rounded_shares(shares: Floats) -> Floats:
    """Shares of three significant digits; every share is above 0."""
    unit = 10.0 ** (np.floor(np.log10(shares)) - 2)
    rounded: Floats = np.rint(shares / unit) * unit
    return rounded


@lru_cache(maxsize=1024)
def _means(shares: bytes, size: int, cells: int) -> Floats:
    """(4, U) mean terms of PSI, Jensen-Shannon divergence, squared Hellinger and total variation, per share."""
    q = np.frombuffer(shares, dtype=np.float64).reshape(-1, 1)
    x, weight = _binomials(q, size)
    p = (x + SMOOTHING) / (size + SMOOTHING * cells)
    terms = (*(measure.terms(p, q) for measure in (PSI, JSD, HELLINGER2)), np.abs(p - q) / 2)
    return np.stack([(weight * term).sum(axis=1) for term in terms])


def _binomials(q: Floats, size: int) -> tuple[Floats, Floats]:
    """(U, W) numbers of events and their probabilities, around the mean of each share (U, 1)."""
    mean = size * q
    reach = _SUPPORT * np.sqrt(mean * (1 - q)) + 2 * _SUPPORT
    first = np.floor(np.maximum(mean - reach, 0.0))
    width = int(np.ceil((np.minimum(mean + reach, size) - first).max())) + 1
    x: Floats = first + np.arange(width, dtype=np.float64)
    outside = x > size
    x = np.minimum(x, float(size))
    ways = special.gammaln(size + 1) - special.gammaln(x + 1) - special.gammaln(size - x + 1)
    weight: Floats = np.exp(ways + special.xlogy(x, q) + special.xlog1py(size - x, -q))
    weight[outside] = 0.0
    return x, weight
