from __future__ import annotations

import math
from itertools import pairwise
from statistics import median_low

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from detectors.windows import (
    BEGINNING_OF_TIME,
    END_OF_TIME,
    FRONTIER_EVENTS,
    FRONTIER_MIN_EVENTS,
    HOUR_US,
    ClockRules,
    Frontier,
    PartitionProgress,
    PartitionView,
    Standing,
    WindowPlan,
    label_frontier,
    reading_limit,
    source_frontier,
)

WALL = ClockRules(wall=True, idle_timeout_us=60)
EVENTS = ClockRules(wall=False, idle_timeout_us=60)
UNREAD = None
JUST_ARRIVED = Standing(1_000, 1_030)
IDLE = Standing(1_000, 1_100)

times = st.lists(st.integers(-1_000, 1_000), max_size=120)


def array(values: list[int]) -> np.ndarray:
    return np.array(values, dtype=np.int64)


def frontier_by_force(values: list[int]) -> int | None:
    """Read the definition literally: one event after the other."""
    reached: int | None = None
    for end in range(FRONTIER_MIN_EVENTS, len(values) + 1):
        middle = median_low(values[max(0, end - FRONTIER_EVENTS) : end])
        reached = middle if reached is None else max(reached, middle)
    return reached


def view(
    inferences: int | None = None, labels: int | None = None, *, standing: Standing | None = UNREAD
) -> PartitionView:
    return PartitionView(PartitionProgress(Frontier((), inferences), Frontier((), labels)), standing)


def seen_to_the_end(one: PartitionView) -> PartitionView:
    progress = PartitionProgress(one.progress.inferences, one.progress.labels, reached_start_end=True)
    return PartitionView(progress, one.standing)


# panes and windows


@pytest.mark.parametrize(
    ("length", "slide", "pane"),
    [(24 * HOUR_US, 24 * HOUR_US, HOUR_US), (HOUR_US // 2, HOUR_US // 2, HOUR_US // 2), (90, 30, 30), (35, 7, 1)],
)
def test_a_pane_tiles_length_slide_and_hour(length: int, slide: int, pane: int) -> None:
    plan = WindowPlan(length, slide)
    assert length % plan.pane_us == slide % plan.pane_us == HOUR_US % plan.pane_us == 0
    assert plan.pane_us == math.gcd(length, slide, HOUR_US)
    assert plan.pane_us % pane == 0


@given(st.integers(-(10**15), 10**15), st.integers(1, 24), st.integers(1, 6), st.integers(0, HOUR_US))
def test_a_pane_holds_its_times_and_starts_at_the_offset(time: int, slides: int, factor: int, offset: int) -> None:
    plan = WindowPlan(slides * factor * 60, slides * 60, offset)
    start = int(plan.pane_of(array([time]))[0])
    assert start <= time < start + plan.pane_us
    assert (start - offset) % plan.pane_us == 0


@given(st.integers(-(10**9), 10**9), st.integers(1, 50), st.integers(1, 5), st.integers(0, 40))
def test_windows_are_aligned_to_the_epoch_plus_offset(time: int, slide: int, factor: int, offset: int) -> None:
    plan = WindowPlan(slide * factor, slide, offset)
    end = plan.first_end_after(time)
    assert (end - offset) % slide == 0
    assert time < end <= time + slide
    assert plan.first_start_after(time) == end - slide * factor


def test_due_ends_are_those_after_the_last_closed_one() -> None:
    plan = WindowPlan(20, 10, 3)
    assert list(plan.due_ends(23, 53)) == [33, 43, 53]
    assert list(plan.due_ends(23, 32)) == []


def test_only_one_of_overlapping_windows_counts_toward_incidents() -> None:
    plan = WindowPlan(20, 10, 3)
    assert [plan.counts_toward_incidents(end) for end in (23, 33, 43)] == [True, False, True]


def test_the_panes_of_a_window_tile_it() -> None:
    assert list(WindowPlan(60, 20).panes(40, 100)) == [40, 60, 80]


# frontier


@given(times, st.lists(st.integers(0, 120), max_size=6))
def test_the_frontier_is_the_running_maximum_of_the_lower_median_of_the_last_31(
    values: list[int], cuts: list[int]
) -> None:
    bounds = sorted({0, len(values), *(min(cut, len(values)) for cut in cuts)})
    frontier = Frontier()
    for start, end in pairwise(bounds):
        frontier = frontier.advance(array(values[start:end]))
    assert frontier.value_us == frontier_by_force(values)
    assert frontier.tail_us == tuple(values[-(FRONTIER_EVENTS - 1) :])


def test_fewer_than_five_events_have_no_frontier() -> None:
    assert Frontier().advance(array([1, 2, 3, 4])).value_us is None
    assert Frontier().advance(array([1, 2, 3, 4, 5])).value_us == 3


@given(st.lists(st.integers(0, 1_000), min_size=5, max_size=80), st.data())
def test_one_bad_clock_cannot_move_the_frontier_beyond_the_others(values: list[int], data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(values)))
    frontier = Frontier().advance(array([*values[:at], 10**9, *values[at:]]))
    assert frontier.value_us is not None
    assert frontier.value_us <= 1_000


@given(times, times)
def test_the_frontier_never_goes_back(first: list[int], second: list[int]) -> None:
    before = Frontier().advance(array(first))
    after = before.advance(array(second))
    assert before.value_us is None or (after.value_us is not None and after.value_us >= before.value_us)


@given(times, times, st.integers(-1_000, 1_000))
def test_reading_stops_behind_the_event_by_which_the_frontier_passes_a_limit(
    first: list[int], second: list[int], limit: int
) -> None:
    frontier = Frontier().advance(array(first))
    assume(frontier.value_us is None or frontier.value_us <= limit)  # else it is held
    passed = [frontier.advance(array(second[:n])).value_us for n in range(1, len(second) + 1)]
    beyond = [n for n, value in enumerate(passed, start=1) if value is not None and value > limit]
    assert frontier.rows_within(array(second), limit) == min(beyond, default=len(second))


def test_early_events_beyond_a_limit_are_remembered_when_the_frontier_becomes_known() -> None:
    assert Frontier().advance(array([9, 9, 9, 9])).rows_within(array([1, 1]), limit_us=5) == 1


# watermark


def test_the_source_is_as_far_as_its_slowest_partition() -> None:
    assert source_frontier([view(50), view(30), view(70)], WALL) == 30


def test_without_any_event_nothing_is_known() -> None:
    assert source_frontier([view()], WALL) is None
    assert source_frontier([], WALL) is None


def test_a_partition_without_a_frontier_holds_until_it_reaches_the_end_seen_at_the_start() -> None:
    silent = view()
    assert source_frontier([view(50), silent], WALL) is None
    assert source_frontier([view(50), seen_to_the_end(silent)], WALL) == 50


def test_a_partition_of_labels_holds_at_its_labels_until_it_reaches_the_end_seen_at_the_start() -> None:
    labels_only = view(labels=20)
    assert source_frontier([view(50), labels_only], WALL) == 20
    assert source_frontier([view(50), seen_to_the_end(labels_only)], WALL) == 50


def test_an_idle_partition_counts_as_having_reached_the_clock_less_the_time_out() -> None:
    assert source_frontier([view(30, standing=IDLE), view(5_000)], WALL) == IDLE.confirmed_us - 60
    assert source_frontier([view(30, standing=IDLE)], WALL) == IDLE.confirmed_us - 60


def test_silence_does_not_take_a_partition_back() -> None:
    assert source_frontier([view(1_090, standing=IDLE)], WALL) == 1_090


def test_a_partition_at_its_end_for_less_than_the_time_out_holds_at_its_frontier() -> None:
    assert source_frontier([view(30, standing=JUST_ARRIVED), view(5_000)], WALL) == 30


def test_with_the_clock_of_the_events_an_idle_partition_is_left_out_while_another_is_not() -> None:
    assert source_frontier([view(30, standing=IDLE), view(500)], EVENTS) == 500


def test_with_the_clock_of_the_events_nothing_moves_when_all_are_idle() -> None:
    assert source_frontier([view(30, standing=IDLE), view(500, standing=IDLE)], EVENTS) is None


def test_an_idle_partition_without_events_does_not_hold() -> None:
    assert source_frontier([view(standing=IDLE), view(500)], EVENTS) == 500
    assert source_frontier([view(standing=IDLE), view(5_000)], WALL) == IDLE.confirmed_us - 60


def test_labels_hold_only_where_records_are_unread() -> None:
    assert label_frontier([view(50, 20), view(50, 10, standing=JUST_ARRIVED), view(50, 30)]) == 20
    assert label_frontier([view(50, 10, standing=JUST_ARRIVED), view(50)]) is None


# reading ahead


def test_no_partition_reads_further_than_a_span_past_the_watermark() -> None:
    assert reading_limit([view(150, standing=JUST_ARRIVED)], 100, None, 60) == 160


def test_the_slowest_partition_with_unread_records_is_never_held() -> None:
    views = [view(500), view(300)]
    limit = reading_limit(views, 100, None, 60)
    assert min(one.progress.reading_us or 0 for one in views) <= limit == 360


def test_while_a_partition_has_shown_nothing_the_others_stay_near_the_earliest_event() -> None:
    assert reading_limit([view(500), view()], BEGINNING_OF_TIME, 100, 60) == 160
    assert reading_limit([view()], BEGINNING_OF_TIME, None, 60) == END_OF_TIME


def test_a_partition_has_been_read_as_far_as_its_events_or_its_labels_before_any_event() -> None:
    assert view(10, 30).progress.reading_us == 10
    assert view(None, 30).progress.reading_us == 30
    assert view().progress.reading_us is None
