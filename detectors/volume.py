"""Volume of a model, all versions together, against the same hour of the week before.

With x events in the window, y_1 .. y_k in the windows of the same length that ended 1, 2 .. weeks earlier:

    typical     m, the median of the y
    phi         max(1, X^2 / (k - 2)), X^2 = sum (y_i - m)^2 / m without the y_i farthest from m: one week in which the
                model stood still must not hide the next one
    rates       Jeffreys intervals of a Poisson count, gamma quantiles of shape count + 1/2 (Brown, Cai & DasGupta 2003),
                of x / phi and of sum(y) / phi, times phi; the second around k m and divided by k
    effect      |log2 ratio| of the two rates, its interval by MOVER of the logarithms: 1 is a half or a double

What is compared is a count of the agent, not a table: a window of one stream does not know the others or the past.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import special

from detectors.estimates import Estimate, Floats, difference
from detectors.measurement import Measurement, Rule, Track
from detectors.reasons import SHORT_HISTORY

METRIC = "volume"
MIN_WEEKS = 4
MAX_WEEKS = 8
WEEK_US = 7 * 86_400_000_000
PRIOR = 0.5
"""Jeffreys: half an event, so that no rate is 0 and every logarithm exists."""

RULE = Rule(METRIC, "service", Track.HEALTH, 1.0, 2, 2, 0)


def measure_volume(events: int, same_hour_of_week: Sequence[int], z: float) -> Measurement:
    """Judge the volume of a window.

    Args:
        events: of the window, all versions.
        same_hour_of_week: events of the windows that ended whole weeks earlier, as far as they are known.
        z: normal quantile of the interval.
    """
    if len(same_hour_of_week) < MIN_WEEKS:
        return Measurement(METRIC, value=float(events), reason=SHORT_HISTORY, n=events, direction="none")
    before = np.array(same_hour_of_week, dtype=np.float64)
    typical = float(np.median(before))
    phi = _overdispersion(before, typical)
    now, usual = _rate(events, 1, phi, z), _rate(typical * len(before), len(before), phi, z)
    effect = _size(difference(_log2(now), _log2(usual)))
    return Measurement(
        METRIC,
        value=float(events),
        n=events,
        lower=min(float(now.lower), float(events)),
        upper=float(now.upper),
        baseline=typical,
        effect=float(effect.value),
        effect_lower=float(effect.lower),
        effect_upper=float(effect.upper),
        direction="none",
    )


def _overdispersion(counts: Floats, typical: float) -> float:
    """phi: by how much the weeks differ more than counts of independent events would, the farthest week left out."""
    squares = np.sort(np.square(counts - typical))[:-1]
    return max(1.0, float(squares.sum()) / max(typical, 1.0) / (len(counts) - 2))


def _rate(count: float, windows: int, phi: float, z: float) -> Estimate:
    """Events per window, with Jeffreys' interval of the count."""
    shape, tail = count / phi + PRIOR, special.ndtr(-z)
    lower, upper = special.gammaincinv(shape, np.array([tail, 1 - tail])) * phi / windows
    return Estimate(*(np.asarray(part) for part in ((count + PRIOR) / windows, lower, upper)))


def _log2(rate: Estimate) -> Estimate:
    return Estimate(*(np.asarray(np.log2(part)) for part in rate))


def _size(signed: Estimate) -> Estimate:
    """The absolute value; its lower limit is 0 where the interval holds 0."""
    value, lower, upper = (float(part) for part in signed)
    if lower <= 0.0 <= upper:
        return Estimate(*(np.asarray(part) for part in (abs(value), 0.0, max(-lower, upper))))
    ends = sorted((abs(lower), abs(upper)))
    return Estimate(*(np.asarray(part) for part in (abs(value), *ends)))
