"""A histogram of durations that is passed on whole: immutable, observing makes a new one."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from itertools import accumulate

STEP_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Upper edges of the buckets of step time."""


@dataclass(frozen=True, slots=True)
class Timing:
    """A histogram of durations; ``counts`` has one entry per edge and one for what is longer."""

    edges: tuple[float, ...] = STEP_SECONDS
    counts: tuple[int, ...] = (0,) * (len(STEP_SECONDS) + 1)
    sum_seconds: float = 0.0

    def observe(self, seconds: float) -> Timing:
        """The histogram with one more duration in it."""
        at = bisect_left(self.edges, seconds)
        counts = (*self.counts[:at], self.counts[at] + 1, *self.counts[at + 1 :])
        return Timing(self.edges, counts, self.sum_seconds + seconds)

    def cumulative(self) -> tuple[int, ...]:
        """Durations at or below each edge, then all of them."""
        return tuple(accumulate(self.counts))
