"""Objectives as burn rates over several windows.

An objective promises a share of good events over 30 days; what may be bad is its budget. The burn rate is

    share of bad events in a window / (1 - target)

At 1 the budget lasts exactly 30 days. Each pair of windows asks that both a long and a short one burn faster than its
factor: the long one says that it matters, the short one that it still goes on, so an alert ends soon after its cause.
Factors and windows are those of Google's Site Reliability Workbook, chapter 5, table 5-8:

    14.4 over 1 h and 5 min     2 % of the budget in an hour
    6    over 6 h and 30 min    5 % in six hours
    3    over 1 d and 2 h       10 % in a day
    1    over 3 d and 6 h       10 % in three days

A share of few events says little, so the long window must also hold a smallest number of bad ones.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from deploy.build.rules.promql import by, series
from deploy.build.rules.rule import Record


@dataclass(frozen=True, slots=True)
class Pair:
    """A burn rate that must be exceeded in a long and in a short window."""

    factor: float
    long: str
    short: str


FAST = (Pair(14.4, "1h", "5m"), Pair(6, "6h", "30m"))
SLOW = (Pair(3, "1d", "2h"), Pair(1, "3d", "6h"))
WINDOWS = tuple(
    sorted({w for p in (*FAST, *SLOW) for w in (p.long, p.short)}, key=lambda w: ("mhd".index(w[-1]), int(w[:-1])))
)


@dataclass(frozen=True, slots=True)
class Counted:
    """A counter, narrowed by labels."""

    metric: str
    labels: tuple[tuple[str, str], ...] = ()

    def over(self, window: str) -> str:
        """Its range selector."""
        return series(self.metric, window, **dict(self.labels))


@dataclass(frozen=True, slots=True)
class Objective:
    """A promise about a share of events.

    Attributes:
        name: of the recorded shares, ``level:metric``.
        level: labels that the shares keep.
        bad, total: counters; every bad event is counted in the total.
        target: promised share of good events over 30 days, between 0 and 1.
        fewest_bad: bad events that the long window must hold.
    """

    name: str
    level: tuple[str, ...]
    bad: Counted
    total: Counted
    target: float
    fewest_bad: int

    def recorded(self, window: str) -> str:
        """Name of the share of bad events in a window."""
        return f"{self.name}:ratio_rate{window}"

    def records(self) -> Iterator[Record]:
        """The shares over every window; absent where nothing was counted."""
        group = by(*self.level)
        for window in WINDOWS:
            bad, total = self.bad.over(window), self.total.over(window)
            yield Record(
                self.recorded(window),
                f"sum {group} (rate({bad}))\n/\n(sum {group} (rate({total})) > 0)",
            )

    def burns(self, pairs: Iterable[Pair]) -> str:
        """The expression that holds while one of the pairs burns; its value is the share in the long window."""
        return "\nor\n".join(f"(\n{self._pair(pair)}\n)" for pair in pairs)

    def _pair(self, pair: Pair) -> str:
        limit = f"{pair.factor:g} * {1 - self.target:.6g}"
        return (
            f"  {self.recorded(pair.long)} > {limit}\n"
            f"and\n  {self.recorded(pair.short)} > {limit}\n"
            f"and\n  sum {by(*self.level)} (increase({self.bad.over(pair.long)})) >= {self.fewest_bad}"
        )
