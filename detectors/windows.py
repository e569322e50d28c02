"""Event time: panes, windows, frontiers and the watermark.

Panes are aligned to 1970-01-01T00:00Z plus an offset; a window is a run of whole panes. A partition's frontier is how far
its event time has safely come; the watermark is how far every partition has. Nothing here knows a clock: "now" is an
argument.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

HOUR_US = 3_600_000_000
FRONTIER_EVENTS = 31
FRONTIER_MIN_EVENTS = 5
BEGINNING_OF_TIME = -(1 << 62)
END_OF_TIME = 1 << 62


@dataclass(frozen=True, slots=True)
class WindowPlan:
    """How a model's windows are cut.

    Attributes:
        length_us, slide_us, offset_us: event-time windows end at offset + k slide and are ``length_us`` long.
        min_events: a count window instead: the shortest run of whole panes that holds at least so many events;
            ``length_us`` then only fixes the pane.
    """

    length_us: int
    slide_us: int
    offset_us: int = 0
    min_events: int | None = None

    @property
    def pane_us(self) -> int:
        """Greatest pane that tiles length, slide and the hour."""
        return math.gcd(self.length_us, self.slide_us, HOUR_US)

    def pane_of(self, time_us: NDArray[np.int64]) -> NDArray[np.int64]:
        """Start of the pane of each time, (n,) to (n,)."""
        pane = self.pane_us
        starts: NDArray[np.int64] = (time_us - self.offset_us) // pane * pane + self.offset_us
        return starts

    def first_end_after(self, time_us: int) -> int:
        """The smallest window end strictly after ``time_us``."""
        return ((time_us - self.offset_us) // self.slide_us + 1) * self.slide_us + self.offset_us

    def first_start_after(self, closed_until_us: int) -> int:
        """Start of the first window that ends after a time."""
        return self.first_end_after(closed_until_us) - self.length_us

    def counts_toward_incidents(self, end_us: int) -> bool:
        """Whether the window that ends here is one of a series that does not overlap."""
        return (end_us - self.offset_us) % self.length_us == 0

    def due_ends(self, closed_until_us: int, until_us: int) -> Iterator[int]:
        """Window ends in (closed_until, until], ascending."""
        end = self.first_end_after(closed_until_us)
        while end <= until_us:
            yield end
            end += self.slide_us

    def panes(self, start_us: int, end_us: int) -> range:
        """Starts of the panes of [start, end)."""
        return range(start_us, end_us, self.pane_us)


class Frontier(msgspec.Struct, frozen=True):
    """How far the event time of one partition has come.

    The running maximum of the lower median of the last 31 event times (of those there are, at least 5): one bad clock
    cannot move it.
    """

    tail_us: tuple[int, ...] = ()
    value_us: int | None = None

    def advance(self, times_us: NDArray[np.int64]) -> Frontier:
        """The frontier after these events, in the order of reading, (n,)."""
        if len(times_us) == 0:
            return self
        history = np.concatenate((np.array(self.tail_us, dtype=np.int64), times_us))
        peak = _highest_median(history, seen=len(self.tail_us))
        value = self.value_us
        if peak is not None and (value is None or peak > value):
            value = peak
        return Frontier(tuple(history[-(FRONTIER_EVENTS - 1) :].tolist()), value)

    def rows_within(self, times_us: NDArray[np.int64], limit_us: int) -> int:
        """How many of these events may be read before the frontier passes ``limit_us``; the one that passes it counts."""
        below = self.value_us is not None and int(times_us.max(initial=limit_us)) <= limit_us
        if below or not self._passes(times_us, limit_us):
            return len(times_us)
        low, high = 0, len(times_us)
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if self._passes(times_us[:middle], limit_us) else (middle, high)
        return high

    def _passes(self, times_us: NDArray[np.int64], limit_us: int) -> bool:
        value = self.advance(times_us).value_us
        return value is not None and value > limit_us


def _highest_median(history: NDArray[np.int64], seen: int) -> int | None:
    """Largest lower median over every run of up to 31 times that ends at or after index ``seen``."""
    short = [
        int(np.sort(history[:end])[(end - 1) // 2])
        for end in range(max(FRONTIER_MIN_EVENTS, seen + 1), min(FRONTIER_EVENTS, len(history) + 1))
    ]
    peaks = [max(short)] if short else []
    if len(history) >= FRONTIER_EVENTS:
        peaks.append(_highest_full_median(history))
    return max(peaks) if peaks else None


def _highest_full_median(history: NDArray[np.int64]) -> int:
    """Largest median of 31 consecutive times."""
    middle = FRONTIER_EVENTS // 2
    runs = sliding_window_view(history, FRONTIER_EVENTS)
    return int(np.partition(runs, middle, axis=1)[:, middle].max())


class PartitionProgress(msgspec.Struct, frozen=True):
    """How far a partition has been read, in event time.

    Attributes:
        inferences, labels: frontiers of the two kinds of events.
        reached_start_end: the end offset seen at the start has been reached.
    """

    inferences: Frontier = Frontier()
    labels: Frontier = Frontier()
    reached_start_end: bool = False

    def advance(self, inference_us: NDArray[np.int64] | None, label_us: NDArray[np.int64] | None) -> PartitionProgress:
        """After these events, in the order of reading."""
        inferences = self.inferences if inference_us is None else self.inferences.advance(inference_us)
        labels = self.labels if label_us is None else self.labels.advance(label_us)
        return msgspec.structs.replace(self, inferences=inferences, labels=labels)

    @property
    def reading_us(self) -> int | None:
        """What decides whether it runs ahead of the others: its events, or its labels while it has not shown any event.

        Labels beyond the events of their own partition are no reason to hold it: those events are what the others wait for.
        """
        return self.labels.value_us if self.inferences.value_us is None else self.inferences.value_us


class Standing(NamedTuple):
    """A partition stands at its end: since when without a break, and when that was last confirmed (agent's clock)."""

    since_us: int
    confirmed_us: int


class PartitionView(NamedTuple):
    """What the watermark must know of one partition; ``standing`` is None while it has unread records."""

    progress: PartitionProgress
    standing: Standing | None


@dataclass(frozen=True, slots=True)
class ClockRules:
    """How silence is read.

    Attributes:
        wall: an idle partition counts as having reached the agent's clock less ``idle_timeout_us``; else (history replayed)
            it is left out while another one is not idle.
        idle_timeout_us: how long a partition stands at its end before it counts as idle.
    """

    wall: bool
    idle_timeout_us: int

    def is_idle(self, standing: Standing | None) -> bool:
        return standing is not None and standing.confirmed_us - standing.since_us >= self.idle_timeout_us


def source_frontier(partitions: Iterable[PartitionView], rules: ClockRules) -> int | None:
    """The lowest frontier of a source's partitions; ``None`` while it cannot be known.

    The watermark of a system is this less its lateness, and never goes back. A partition that has not shown any inference
    event can only hold it back, until the end offset seen at the start has been reached: at its labels, or altogether.
    """
    views = tuple(partitions)
    driving = [reached for view in views if (reached := _driven_to(view, rules)) is not None]
    holding = [_held_at(view.progress) for view in views if _may_hold(view, rules)]
    lowest = min((*driving, *holding)) if driving else BEGINNING_OF_TIME
    return None if lowest == BEGINNING_OF_TIME else lowest


def _driven_to(view: PartitionView, rules: ClockRules) -> int | None:
    """How far the events of a partition, or its silence, have come."""
    frontier = view.progress.inferences.value_us
    if view.standing is None or not rules.is_idle(view.standing):
        return frontier
    if not rules.wall:
        return None
    reached = view.standing.confirmed_us - rules.idle_timeout_us
    return reached if frontier is None else max(frontier, reached)


def _may_hold(view: PartitionView, rules: ClockRules) -> bool:
    if view.standing is not None and rules.is_idle(view.standing):
        return False
    return view.progress.inferences.value_us is None and not view.progress.reached_start_end


def _held_at(progress: PartitionProgress) -> int:
    return BEGINNING_OF_TIME if progress.labels.value_us is None else progress.labels.value_us


def label_frontier(partitions: Iterable[PartitionView]) -> int | None:
    """The lowest label frontier of the partitions that still have unread records; ``None`` where none holds."""
    frontiers = [
        view.progress.labels.value_us
        for view in partitions
        if view.standing is None and view.progress.labels.value_us is not None
    ]
    return min(frontiers) if frontiers else None


def reading_limit(partitions: Iterable[PartitionView], watermark_us: int, begun_us: int | None, span_us: int) -> int:
    """How far any partition may read ahead: ``span_us`` past the watermark, or past the slowest that has unread records.

    The slowest is never held, so reading always goes on. While an unread partition has not shown any event, the others go no
    further than ``span_us`` past the earliest event known (``begun_us``).
    """
    unread = [view.progress.reading_us for view in partitions if view.standing is None]
    known = [reached for reached in unread if reached is not None]
    if watermark_us == BEGINNING_OF_TIME and len(known) < len(unread):
        return END_OF_TIME if begun_us is None else begun_us + span_us
    return max(watermark_us, min(known, default=watermark_us)) + span_us
