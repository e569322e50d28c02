"""A reading: one measure of one side, window or reference, before the two are compared."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from detectors.estimates import Estimate, Floats, wilson
from detectors.jackknife import Jackknife
from detectors.layout import Layout, Task
from detectors.reasons import ZERO_DENOMINATOR

Detail: TypeAlias = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Reading:
    """One number with its interval, as floats that may be NaN.

    Attributes:
        reason: why the value does not exist, used where it is NaN.
        blocked: why the value must not decide though it exists.
    """

    metric: str
    subject: str
    value: float
    lower: float
    upper: float
    n: int
    reason: str = ZERO_DENOMINATOR
    blocked: str | None = None
    expected: float | None = None
    detail: Detail = ()

    @property
    def estimate(self) -> Estimate:
        return Estimate(*(np.asarray(part) for part in (self.value, self.lower, self.upper)))


@dataclass(frozen=True, slots=True)
class Scale:
    """How intervals of one side are made.

    Attributes:
        z: normal quantile of the intervals.
        inflation: phi by (metric, subject); it multiplies every variance.
        clustered: events name their subject, so intervals of proportions are jackknifes too.
    """

    z: float
    inflation: Callable[[str, str], float]
    clustered: bool

    def phi(self, metric: str, subjects: Sequence[str]) -> Floats:
        """Variance inflation of a metric for each subject."""
        return np.array([self.inflation(metric, subject) for subject in subjects])

    def rate(
        self,
        hits: NDArray[np.int64],
        totals: NDArray[np.int64],
        phi: Floats | float,
        jackknife: Jackknife | None = None,
    ) -> Estimate:
        """Wilson interval of proportions, hits and totals (B, ...) by sub-table; of effective size where clustered."""
        if self.clustered:
            whole = totals.reshape(len(totals), -1).sum(axis=1)
            return (jackknife or Jackknife.over(whole, self.z)).rate(hits, totals, phi)
        n = totals.sum(axis=0)
        return wilson(hits.sum(axis=0), n, self.z, n / phi)


def single(
    metric: str,
    estimate: Estimate,
    n: int,
    *,
    subject: str = "",
    reason: str = ZERO_DENOMINATOR,
    blocked: str | None = None,
    expected: float | None = None,
    detail: Detail = (),
) -> Reading:
    """One reading of a scalar estimate."""
    value, lower, upper = (float(part) for part in estimate)
    return Reading(metric, subject, value, lower, upper, n, reason, blocked, expected, detail)


def each(
    metric: str, subjects: Sequence[str], estimate: Estimate, n: NDArray[np.int64], reason: str = ZERO_DENOMINATOR
) -> Iterator[Reading]:
    """One reading per subject of an estimate of shape (subjects,)."""
    for i, subject in enumerate(subjects):
        yield single(metric, estimate.at(i), int(n[i]), subject=subject, reason=reason)


def shown_classes(layout: Layout) -> tuple[NDArray[np.intp], tuple[str, ...]]:
    """Codes of the classes with measures of their own, and their subjects: the positive class has the empty one."""
    if layout.task is Task.BINARY:
        return np.array([layout.positive_code]), ("",)
    return np.arange(len(layout.classes)), layout.classes
