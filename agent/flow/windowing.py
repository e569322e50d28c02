"""Which windows of a lane are due."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import msgspec

from agent.state.store import Lane
from detectors.columns import StreamKey
from detectors.measurement import Stage
from detectors.windows import BEGINNING_OF_TIME, WindowPlan


class Due(NamedTuple):
    """A window to be measured; sorts by due time and stream.

    Attributes:
        empty: it holds no event.
        retires: not a window: the stream has been silent for so long that it ends here.
    """

    due_us: int
    stream: StreamKey
    stage: Stage
    start_us: int
    end_us: int
    lane: int
    empty: bool = False
    retires: bool = False


class Schedule(NamedTuple):
    """How the windows of a lane come due.

    Attributes:
        horizon_us: of labels; ``None`` where there are none.
        until_us, labels_until_us: how far windows, and label horizons, are over: the label watermark.
        retire_after_us: silence after which the stream ends.
        superseded: another layout took over: no empty windows, the lane ends with its last event.
    """

    plan: WindowPlan
    horizon_us: int | None
    until_us: int
    labels_until_us: int
    retire_after_us: int
    superseded: bool = False


def due_windows(lane: Lane, schedule: Schedule, events: Mapping[int, int]) -> tuple[Lane, list[Due]]:
    """The lane with its due windows closed, and what is due.

    Args:
        events: accepted events by pane start, for panes that hold any.
    """
    due: list[Due] = []
    while not lane.ended:
        window = _next_window(lane, schedule, events)
        if window is None:
            break
        lane, item = _close(lane, window, schedule, events)
        due += [item] if item else []
    if schedule.plan.min_events is not None and not lane.ended:
        lane, retirement = _retire_by_time(lane, schedule, events)
        due += retirement
    ready, awaiting = _ripe(lane, schedule)
    due += [Due(end + (schedule.horizon_us or 0), lane.key, Stage.LABELS, start, end, lane.id) for start, end in ready]
    return msgspec.structs.replace(lane, awaiting=awaiting), due


def next_start(lane: Lane, plan: WindowPlan) -> int:
    """Start of the next window to close."""
    begun = lane.closed_until_us != BEGINNING_OF_TIME
    if plan.min_events is not None:
        return lane.closed_until_us if begun else lane.first_pane_us
    return plan.first_end_after(lane.closed_until_us if begun else lane.first_pane_us) - plan.length_us


def _next_window(lane: Lane, schedule: Schedule, events: Mapping[int, int]) -> tuple[int, int] | None:
    plan = schedule.plan
    start = next_start(lane, plan)
    end = start + plan.length_us if plan.min_events is None else _count_end(start, schedule, events, plan.min_events)
    return (start, end) if end is not None and end <= schedule.until_us else None


def _count_end(start: int, schedule: Schedule, events: Mapping[int, int], wanted: int) -> int | None:
    """End of the shortest run of whole panes from ``start`` that holds enough events."""
    pane = schedule.plan.pane_us
    held = 0
    for at in sorted(at for at in events if at >= start and at + pane <= schedule.until_us):
        held += events[at]
        if held >= wanted:
            return at + pane
    return None


def _close(
    lane: Lane, window: tuple[int, int], schedule: Schedule, events: Mapping[int, int]
) -> tuple[Lane, Due | None]:
    start, end = window
    seen = any(at in events for at in schedule.plan.panes(start, end))
    if not seen and (schedule.superseded or end - lane.last_seen_us > schedule.retire_after_us):
        later = [at for at in events if at >= end]
        item = None if schedule.superseded else _retirement(lane, end)
        return _resumed(lane, min(later)) if later else msgspec.structs.replace(lane, ended=True), item
    awaiting = (*lane.awaiting, window) if seen and schedule.horizon_us is not None else lane.awaiting
    lane = msgspec.structs.replace(
        lane, closed_until_us=end, last_seen_us=end if seen else lane.last_seen_us, awaiting=awaiting
    )
    return lane, Due(end, lane.key, Stage.WINDOW, start, end, lane.id, empty=not seen)


def _retire_by_time(lane: Lane, schedule: Schedule, events: Mapping[int, int]) -> tuple[Lane, list[Due]]:
    """A count window has no end of its own: a silent lane ends when the time is up, with what it had begun to count."""
    last = max(events, default=lane.last_seen_us)
    end = last + schedule.plan.pane_us + schedule.retire_after_us
    if end > schedule.until_us:
        return lane, []
    retirement = [] if schedule.superseded else [_retirement(lane, end)]
    return msgspec.structs.replace(lane, ended=True), retirement


def _retirement(lane: Lane, end: int) -> Due:
    return Due(end, lane.key, Stage.WINDOW, end, end, lane.id, retires=True)


def _resumed(lane: Lane, first_pane_us: int) -> Lane:
    return msgspec.structs.replace(
        lane, first_pane_us=first_pane_us, last_seen_us=first_pane_us, closed_until_us=BEGINNING_OF_TIME
    )


def _ripe(lane: Lane, schedule: Schedule) -> tuple[list[tuple[int, int]], tuple[tuple[int, int], ...]]:
    """Closed windows whose label horizon has passed, and those that still wait for it."""
    horizon = schedule.horizon_us
    if horizon is None:
        return [], ()
    ready = [window for window in lane.awaiting if window[1] + horizon <= schedule.labels_until_us]
    return ready, tuple(window for window in lane.awaiting if window not in ready)
