"""Populations with known cell shares, and windows drawn from them, for the proofs of what the intervals claim."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, stats

from detectors.comparison import Comparison
from detectors.divergence import Divergence

Floats = NDArray[np.float64]
CELLS = 32


def shares_of(distribution: object, edges: Floats) -> Floats:
    """Shares of the cells of these edges, the two open ones included."""
    below = np.concatenate(([0.0], distribution.cdf(edges), [1.0]))  # type: ignore[attr-defined]
    return np.diff(below)


def population(name: str) -> tuple[Floats, Floats]:
    """(K,) shares of the reference population, and of one that has clearly moved."""
    if name in _CONTINUOUS:
        before, after = _CONTINUOUS[name]
        edges = before.ppf(np.linspace(0.0005, 0.9995, CELLS + 1))  # type: ignore[attr-defined]
        return shares_of(before, edges), shares_of(after, edges)
    if name == "ties":
        before, after = stats.poisson(3.0), stats.poisson(6.0)
        edges = np.arange(10) - 0.5
        return shares_of(before, edges), shares_of(after, edges)
    if name == "constant_heavy":
        tail = np.full(20, 0.1 / 20)
        return np.append(0.9, tail), np.append(0.5, 5 * tail)
    raise KeyError(name)


_CONTINUOUS: dict[str, tuple[object, object]] = {
    "normal": (stats.norm(), stats.norm(1.0)),
    "lognormal": (stats.lognorm(1.0), stats.lognorm(1.0, scale=3.0)),
    "heavy_tailed": (stats.t(1.2), stats.t(1.2, loc=1.5)),
}
NAMES = (*_CONTINUOUS, "ties", "constant_heavy")


def moved_by(distance: float, q: Floats, other: Floats, measure: Divergence, root: bool = True) -> Floats:
    """The mixture of q and another population at exactly this distance from q."""

    def at(weight: float) -> Floats:
        return (1 - weight) * q + weight * other

    def gap(weight: float) -> float:
        p = at(weight)
        real = (p > 0) & (q > 0)
        value = max(0.0, float(measure.terms(p[real], q[real]).sum()))
        return (np.sqrt(value) if root else value) - distance

    return at(optimize.brentq(gap, 1e-9, 1.0))


def compare(x: NDArray[np.int64], y: NDArray[np.int64]) -> Comparison:
    """Windows x (R, K) against references y (R, K)."""
    return Comparison.between(x, np.broadcast_to(y, x.shape), np.ones(x.shape, dtype=np.bool_))


def clustered(
    rng: np.random.Generator, p: Floats, clusters: int, size: int, again: float, runs: int
) -> NDArray[np.int64]:
    """(runs, K) counts where each user has ``size`` events, each of which repeats the user's own cell with a probability."""
    own = _draw(rng, p, (runs, clusters, 1))
    fresh = _draw(rng, p, (runs, clusters, size))
    cell = np.where(rng.random((runs, clusters, size)) < again, own, fresh).reshape(runs, -1)
    place = cell + np.arange(runs).reshape(-1, 1) * len(p)
    return np.bincount(place.ravel(), minlength=runs * len(p)).reshape(runs, len(p))


def _draw(rng: np.random.Generator, p: Floats, shape: tuple[int, ...]) -> NDArray[np.intp]:
    return np.searchsorted(np.cumsum(p)[:-1], rng.random(shape), side="right")


def most_allowed(runs: int, rate: float) -> int:
    """The number of errors that a true rate exceeds with a probability below 1e-5."""
    return int(stats.binom.ppf(1 - 1e-5, runs, rate))


Effect = Callable[[Comparison], Floats]
