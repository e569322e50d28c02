"""Which windows are due, from a lane and its panes alone."""

from __future__ import annotations

from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from agent.flow.windowing import Due, Schedule, due_windows, next_start
from agent.state.store import Lane
from detectors.columns import StreamKey
from detectors.measurement import Stage
from detectors.windows import WindowPlan

TUMBLING = WindowPlan(60, 60)
SLIDING = WindowPlan(60, 20)
COUNT = WindowPlan(20, 20, 0, 10)
LANE = Lane(id=1, key=StreamKey("s", "m", "1"), context="c", first_pane_us=0, last_seen_us=0)


def schedule(plan: WindowPlan, until: int, **changes: Any) -> Schedule:
    usual: dict[str, Any] = {"horizon_us": None, "labels_until_us": until, "retire_after_us": 10_000}
    return Schedule(plan=plan, until_us=until, **{**usual, **changes})


def spans(due: list[Due], stage: Stage = Stage.WINDOW) -> list[tuple[int, int]]:
    return [(one.start_us, one.end_us) for one in due if one.stage is stage and not one.retires]


def test_the_first_window_is_the_first_that_ends_after_the_first_pane() -> None:
    lane = msgspec.structs.replace(LANE, first_pane_us=100, last_seen_us=100)
    assert next_start(lane, TUMBLING) == 60
    assert next_start(lane, SLIDING) == 60
    assert next_start(lane, COUNT) == 100


def test_windows_follow_each_other_to_the_watermark() -> None:
    lane, due = due_windows(LANE, schedule(TUMBLING, 199), {0: 1, 60: 1, 120: 1})
    assert spans(due) == [(0, 60), (60, 120), (120, 180)]
    assert lane.closed_until_us == 180


def test_sliding_windows_overlap() -> None:
    _, due = due_windows(LANE, schedule(SLIDING, 80), {0: 1})
    assert spans(due) == [(-40, 20), (-20, 40), (0, 60), (20, 80)]


def test_a_count_window_ends_with_the_pane_that_fills_it() -> None:
    events = {0: 4, 20: 4, 40: 4, 60: 30, 80: 5}
    lane, due = due_windows(LANE, schedule(COUNT, 100), events)
    assert spans(due) == [(0, 60), (60, 80)]
    assert lane.closed_until_us == 80


def test_a_count_window_waits_for_its_last_pane_to_end() -> None:
    _, due = due_windows(LANE, schedule(COUNT, 59), {0: 4, 20: 4, 40: 4})
    assert due == []


def test_a_window_is_due_again_when_its_label_horizon_has_passed() -> None:
    lane, due = due_windows(LANE, schedule(TUMBLING, 65, horizon_us=100), {0: 1})
    assert spans(due) == [(0, 60)]
    assert lane.awaiting == ((0, 60),)
    lane, due = due_windows(lane, schedule(TUMBLING, 159, horizon_us=100), {0: 1})
    assert spans(due, Stage.LABELS) == []
    lane, due = due_windows(lane, schedule(TUMBLING, 160, horizon_us=100), {0: 1})
    assert [(one.due_us, one.start_us) for one in due if one.stage is Stage.LABELS] == [(160, 0)]
    assert lane.awaiting == ()


def test_an_empty_window_waits_for_no_labels() -> None:
    lane, due = due_windows(LANE, schedule(TUMBLING, 130, horizon_us=1000), {0: 1})
    assert [one.empty for one in due] == [False, True]
    assert lane.awaiting == ((0, 60),)


def test_silence_retires_a_lane_once() -> None:
    lane, due = due_windows(LANE, schedule(TUMBLING, 1000, retire_after_us=120), {0: 1})
    assert spans(due) == [(0, 60), (60, 120), (120, 180)]
    assert [one.retires for one in due] == [False, False, False, True]
    assert lane.ended
    assert due_windows(lane, schedule(TUMBLING, 2000, retire_after_us=120), {})[1] == []


def test_a_lane_that_has_later_events_when_it_retires_goes_on_with_those() -> None:
    lane, due = due_windows(LANE, schedule(TUMBLING, 680, retire_after_us=120), {0: 1, 600: 1})
    assert spans(due)[-1] == (600, 660)
    assert sum(one.retires for one in due) == 1
    assert not lane.ended


def test_a_silent_lane_of_count_windows_retires_by_time() -> None:
    lane, due = due_windows(LANE, schedule(COUNT, 500, retire_after_us=120), {0: 4})
    assert [(one.due_us, one.retires) for one in due] == [(140, True)]
    assert lane.ended


def test_a_lane_under_an_old_layout_ends_with_its_last_event_and_says_nothing_of_it() -> None:
    lane, due = due_windows(LANE, schedule(TUMBLING, 1000, superseded=True), {0: 1})
    assert spans(due) == [(0, 60)]
    assert not any(one.retires for one in due)
    assert lane.ended


@given(st.dictionaries(st.integers(0, 40).map(lambda n: 20 * n), st.integers(1, 9), min_size=1), st.data())
def test_it_does_not_matter_in_how_many_steps_the_watermark_moves(events: dict[int, int], data: st.DataObject) -> None:
    plan = data.draw(st.sampled_from([WindowPlan(60, 60), WindowPlan(60, 20), COUNT]))
    stops = [*sorted(data.draw(st.lists(st.integers(0, 2000), max_size=6))), 2000]
    first = min(events)
    begun = msgspec.structs.replace(LANE, first_pane_us=first, last_seen_us=first)
    at_once, expected = due_windows(begun, schedule(plan, 2000, horizon_us=70, retire_after_us=200), events)
    lane, due = begun, list[Due]()
    for stop in stops:
        lane, more = due_windows(lane, schedule(plan, stop, horizon_us=70, retire_after_us=200), events)
        due += more
    assert sorted(due) == sorted(expected)
    assert lane == at_once
