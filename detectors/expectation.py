"""What a measure would be on average if nothing had changed.

A drift measure is never 0: two samples of one distribution differ. The mean of a measure that is a sum over cells is an
exact sum over binomials, here at the effective sample size 1/h = 1 / (phi (1/n + 1/m)) against the reference's shares:

    E[D] = sum_k sum_x Bin(x; 1/h, q_k) term((x + 1/2) / (1/h + K/2), q_k)

It is computed once per column for sample sizes of two significant digits up to 5000, and scaled from there by the law that
it follows (divergences with h, distances with its root); the roots of divergences are roots of means, which lie a little
above means of roots.
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
    size = 1.0 / noise(pair, phi)
    columns = []
    for row, effective in enumerate(size.tolist()):
        at = rounded_size(effective)
        shares = pair.q[row, : int(pair.size[row])]
        columns.append([mean * at / effective for mean in _means(shares.tobytes(), at)])
    psi, jsd, hellinger2, variation = np.array(columns).reshape(-1, 4).T
    scale = np.array([math.sqrt(effective / rounded_size(effective)) for effective in size.tolist()])
    return Expected(psi, np.sqrt(jsd), np.sqrt(hellinger2), variation * scale)


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


@lru_cache(maxsize=4096)
def _means(shares: bytes, size: int) -> tuple[float, float, float, float]:
    """Means of PSI, Jensen-Shannon divergence, squared Hellinger and total variation for one column."""
    q = np.frombuffer(shares, dtype=np.float64).reshape(-1, 1)
    x, weight = _binomials(q, size)
    p = (x + SMOOTHING) / (size + SMOOTHING * len(q))
    sums = [float((weight * measure.terms(p, q)).sum()) for measure in (PSI, JSD, HELLINGER2)]
    return sums[0], sums[1], sums[2], float((weight * np.abs(p - q)).sum() / 2)


def _binomials(q: Floats, size: int) -> tuple[Floats, Floats]:
    """(K, W) numbers of events and their probabilities, around the mean of each cell."""
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
