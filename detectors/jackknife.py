"""Delete-a-group jackknife over the sub-tables of a window (Kott 2001; Shao & Tu 1995, ch. 2).

Events fall into 16 groups by a hash of their subject (else of their id). With theta the statistic of all of them, theta_i
the statistic without group i, and g groups that hold events:

    var = (g - 1) / g  sum_i (theta_i - mean(theta_i))^2,        interval theta +- t(g - 1) sqrt(var)

All events of one subject are in one group, so the interval is right however alike they are.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from detectors.estimates import Estimate, Floats, divide, wilson

MIN_GROUPS = 8
"""Fewer groups with events give no interval: a variance of less than 7 degrees of freedom says little."""


@dataclass(frozen=True, slots=True)
class Jackknife:
    """Which sub-tables hold events, and the quantile that belongs to their number.

    Attributes:
        kept: indices of the sub-tables with events.
        t: quantile of Student's t with as many degrees of freedom as there are such sub-tables, less one, at the tail
            probability of the stream's z; NaN below MIN_GROUPS.
    """

    kept: NDArray[np.intp]
    t: float

    @classmethod
    def over(cls, rows: NDArray[np.int64], z: float) -> Jackknife:
        """Of the number of rows in each sub-table, (16,)."""
        kept = np.flatnonzero(rows)
        if len(kept) < MIN_GROUPS:
            return cls(kept, float("nan"))
        return cls(kept, float(-special.stdtrit(len(kept) - 1, special.ndtr(-z))))

    def stack(self, sub_tables: NDArray[np.int64]) -> NDArray[np.int64]:
        """(16, ...) -> (1 + g, ...): the sum of all sub-tables, then the sum without each of those with events."""
        total = sub_tables.sum(axis=0, keepdims=True)
        return np.concatenate((total, total - sub_tables[self.kept]))

    def variance(self, values: Floats, inflation: Floats | float = 1.0) -> Floats:
        """Of a statistic of ``stack``'s rows, (1 + g, ...) -> (...); NaN where a replicate does not exist."""
        groups = len(self.kept)
        if groups < MIN_GROUPS:
            return np.full(values.shape[1:], np.nan)
        deviations = values[1:] - values[1:].mean(axis=0)
        return np.asarray(inflation * (groups - 1) / groups * np.square(deviations).sum(axis=0))

    def estimate(self, values: Floats, inflation: float = 1.0, low: float = -np.inf, high: float = np.inf) -> Estimate:
        """Interval of a statistic that lies in [low, high]."""
        half = self.t * np.sqrt(self.variance(values, inflation))
        return Estimate(values[0], np.maximum(values[0] - half, low), np.minimum(values[0] + half, high))

    def positive(self, values: Floats, inflation: float = 1.0) -> Estimate:
        """Interval of a positive statistic, made on the logarithm, where it is nearer to symmetric."""
        with np.errstate(divide="ignore", invalid="ignore"):
            logs = np.log(values)
            factor = np.exp(self.t * np.sqrt(self.variance(logs, inflation)))
        zero = values[0] == 0.0
        return Estimate(values[0], np.where(zero, 0.0, values[0] / factor), np.where(zero, 0.0, values[0] * factor))

    def logit(self, values: Floats, inflation: float = 1.0) -> Estimate:
        """Interval of a statistic in (0, 1), made on the logit, so that its limits stay inside."""
        half = self.t * np.sqrt(self.variance(values, inflation))
        return on_logit(values[0], half)

    def rate(self, hits: NDArray[np.int64], totals: NDArray[np.int64], inflation: Floats | float = 1.0) -> Estimate:
        """Wilson's interval at the effective sample size (Korn & Graubard 1998) of events that are not independent.

        Args:
            hits, totals: (16, ...) per sub-table.

        The size is n p (1 - p) / (n var), the n of independent events that would have the jackknife's variance, never
        more than n, and t stands in place of z. Where p is 0 or 1 there is no variance to see, the size is n. Where fewer
        than MIN_GROUPS sub-tables have a part in the total there is no interval.
        """
        n, p = self.stack(totals), divide(self.stack(hits), self.stack(totals))
        with np.errstate(divide="ignore", invalid="ignore"):
            size = p[0] * (1 - p[0]) / self.variance(p, inflation)
        bound = n[0] / inflation
        size = np.where((p[0] > 0) & (p[0] < 1), np.fmin(size, bound), bound)
        size = np.where((totals > 0).sum(axis=0) < MIN_GROUPS, np.nan, size)
        return wilson(hits.sum(axis=0), n[0], self.t, size)


def on_logit(value: Floats, half: Floats) -> Estimate:
    """value +- half, a half-width on the value's own scale, carried to the logit by the delta method; value in (0, 1)."""
    with np.errstate(divide="ignore", invalid="ignore"):
        centre = special.logit(value)
        width = half / (value * (1 - value))
        return Estimate(value, special.expit(centre - width), special.expit(centre + width))
