"""Event time through the pipeline: watermarks, holding, silence, gaps and partial windows."""

from __future__ import annotations

from datetime import timedelta

import pytest

from agent.clock import FixedClock
from agent.source import Gap, Partition, Trouble
from agent.state.store import Position
from tests.agent.conftest import OpenStage
from tests.agent.scripted_source import ScriptedSource
from tests.agent.stage import PART, START, SYSTEM, Stage, event, events, label, us

OTHER = Partition("t", 1)
LABELS = Partition("labels")
WALL = {"clock": "wall"}
UNAVAILABLE = Trouble("unavailable", "no broker answers")


def two() -> ScriptedSource:
    return ScriptedSource([PART, OTHER])


# watermark


def test_the_watermark_is_the_frontier_less_the_lateness(stage: Stage) -> None:
    stage.run(*(event(n, n) for n in range(100)))
    assert stage.watermark_minute() == 99 - 15 - 10


def test_one_bad_clock_moves_no_watermark_and_closes_no_window(stage: Stage) -> None:
    stage.run(*events("a", 0, 30), event("mad", 60 * 24 * 300), *events("b", 30, 50))
    assert stage.watermark_minute() < 40
    assert stage.volumes() == {}


def test_the_slowest_partition_holds_windows_open(open_stage: OpenStage) -> None:
    stage = open_stage(two())
    stage.run(*events("slow", 0, 50), to=OTHER)
    stage.run(*events("fast", 0, 100)).turn(5)
    assert stage.watermark_minute() < 50
    assert stage.volumes() == {}
    stage.run(*events("slower", 50, 110), to=OTHER).settle()
    assert stage.volumes()["00:00"] == 60 + 36 + 10


def test_a_partition_without_events_holds_until_it_reached_its_end(open_stage: OpenStage) -> None:
    source = two()
    source.away = {OTHER}
    stage = open_stage(source)
    stage.run(*events("a", 0, 100)).turn(3)
    assert stage.watermark_minute() < 0
    source.away = set()
    stage.turn(3)
    assert stage.watermark_minute() > 60


def test_a_partition_of_labels_alone_does_not_hold_for_ever(open_stage: OpenStage) -> None:
    stage = open_stage(ScriptedSource([PART, LABELS]), labels={"horizon": "1h"})
    stage.run(*events("a", 0, 30))
    stage.run(label("a0", 20), to=LABELS)
    stage.run(*events("b", 30, 200))
    assert set(stage.volumes()) == {"00:00", "01:00"}


# idleness


def test_a_quiet_night_closes_its_windows_on_time_by_the_wall_clock(open_stage: OpenStage) -> None:
    stage = open_stage(clock=FixedClock(us(30)), kafka=WALL)
    stage.run(*events("a", 0, 30)).turn()
    stage.clock.at_us = us(70)
    stage.turn()
    assert stage.watermark_minute() == 70 - 1 - 10
    assert stage.volumes() == {}
    stage.clock.at_us = us(71.5)
    stage.turn()
    assert stage.volumes() == {"00:00": 60}


def test_a_slow_stream_keeps_its_window_open_while_it_is_not_idle(open_stage: OpenStage) -> None:
    stage = open_stage(clock=FixedClock(us(0)), kafka=WALL)
    for minute in range(0, 120, 1):
        stage.clock.at_us = us(minute)
        if minute < 90:
            stage.run(event(minute, minute)).turn()
    assert stage.watermark_minute() < 90


def test_with_the_clock_of_the_events_nothing_moves_when_all_are_idle(stage: Stage) -> None:
    stage.run(*events("a", 0, 100))
    before = stage.watermark_minute()
    stage.idle(60 * 24)
    assert stage.watermark_minute() == before


def test_with_the_clock_of_the_events_an_idle_partition_is_left_out(open_stage: OpenStage) -> None:
    stage = open_stage(two())
    stage.run(*events("a", 0, 30)).run(*events("b", 0, 30), to=OTHER).idle()
    stage.run(*events("c", 30, 100)).turn(3)
    assert stage.watermark_minute() > 60


@pytest.mark.parametrize("disturbance", ["trouble", "away", "assignment"])
def test_what_disturbs_a_partition_at_its_end_counts_its_silence_anew(open_stage: OpenStage, disturbance: str) -> None:
    stage = open_stage(clock=FixedClock(us(30)), kafka=WALL)
    stage.run(*events("a", 0, 30)).turn()
    before = stage.watermark_minute()
    if disturbance == "trouble":
        stage.source.trouble = UNAVAILABLE
    elif disturbance == "away":
        stage.source.away = {PART}
    else:
        stage.source.assign([PART])
    stage.turn()
    stage.source.trouble, stage.source.away = None, set()
    stage.clock.at_us = us(90)
    stage.turn(2)
    assert stage.watermark_minute() == before
    stage.clock.at_us = us(92)
    stage.turn()
    assert stage.watermark_minute() == 92 - 1 - 10


# reading ahead


def test_a_partition_more_than_a_window_ahead_is_held_until_the_others_have_followed(open_stage: OpenStage) -> None:
    source = two()
    source.away = {OTHER}
    source.batch = 20
    stage = open_stage(source)
    source.append(*events("fast", 0, 600, 600))
    source.append(*events("slow", 0, 30, 30), to=OTHER)
    source.logs[OTHER] += events("slow-", 30, 600, 570)
    for _ in range(100):
        stage.turn()
        reached = [stage.step.pipeline.ledger.position(p).progress.reading_us or us(0) for p in (PART, OTHER)]
        assert max(reached) - min(reached) <= us(60 + 10 + 25) - us(0)
    source.away = set()
    assert stage.settle().classes() == (1200, 1200, 0, 0, 0)


def test_a_partition_that_runs_ahead_makes_no_event_of_the_others_late(open_stage: OpenStage) -> None:
    source = two()
    source.batch = 500
    stage = open_stage(source)
    source.append(*events("fast", 0, 900, 900))
    source.append(*events("slow", 0, 900, 90), to=OTHER)
    stage.settle()
    assert stage.classes() == (990, 990, 0, 0, 0)


def test_labels_before_their_events_make_no_event_late_or_too_early(open_stage: OpenStage) -> None:
    source = ScriptedSource([PART], batch=1000)
    stage = open_stage(source, labels={"horizon": "1h"})
    source.append(*(label(f"a{n}", n * 6) for n in range(400)), *events("a", 0, 2400, 400))
    stage.settle()
    assert stage.classes() == (400, 400, 0, 0, 0)
    assert stage.outcomes_of_labels() == {"joined": 400}


def test_labels_that_run_ahead_of_their_events_do_not_hold_their_partition(open_stage: OpenStage) -> None:
    source = two()
    stage = open_stage(source, labels={"horizon": "100h"})
    for number in range(800):
        event_minute, part = number * 3, (PART, OTHER)[number % 2]
        source.append(event(number, event_minute), label(number, event_minute + 50 * 60), to=part)
    stage.settle()
    assert stage.classes() == (800, 800, 0, 0, 0)
    assert stage.outcomes_of_labels() == {"joined": 800}


def test_a_held_partition_is_not_fetched(open_stage: OpenStage) -> None:
    source = two()
    source.away = {OTHER}
    stage = open_stage(source)
    stage.run(*events("a", 0, 600, 600))
    assert stage.step.owned.held == {PART}
    lag = source.lag(PART)
    stage.turn(3)
    assert source.lag(PART) == lag > 0


# a clock that is wrong


def test_when_every_partition_is_ahead_our_clock_is_wrong_and_nothing_is_rejected(open_stage: OpenStage) -> None:
    stage = open_stage(two(), FixedClock(us(-600)), kafka=WALL)
    stage.source.append(*events("a", 0, 30))
    stage.source.append(*events("b", 0, 30), to=OTHER)
    stage.turn(3)
    assert stage.step.owned.trouble is not None
    assert stage.step.owned.trouble.kind == "clock_skew"
    assert stage.classes() == (0, 0, 0, 0, 0)
    assert stage.step.owned.held == {PART, OTHER}
    stage.clock.at_us = us(30)
    stage.settle()
    assert stage.step.owned.trouble is None
    assert stage.classes() == (120, 120, 0, 0, 0)


def test_when_one_partition_is_ahead_its_events_are_rejected(open_stage: OpenStage) -> None:
    stage = open_stage(two(), FixedClock(us(30)), kafka=WALL)
    stage.source.append(*events("right", 0, 30), to=OTHER)
    stage.source.append(*events("mad", 600, 630))
    stage.settle()
    assert stage.classes() == (120, 60, 60, 0, 0)


# gaps, and where reading begins


def test_a_window_cut_by_the_first_position_read_is_partial_and_decides_nothing(open_stage: OpenStage) -> None:
    source = ScriptedSource()
    source.append(*events("before", 0, 20), *events("a", 20, 200, 180))
    source.starts[PART] = 60
    stage = open_stage(source).settle()
    assert [one.get("partial") for one in stage.lines("volume")] == [True, None]
    judged = [one for one in stage.lines(partial=True) if "verdict" in one]
    assert {one["verdict"] for one in judged} <= {"insufficient_data"}


def test_a_topic_read_from_its_first_record_has_no_partial_window(stage: Stage) -> None:
    stage.run(*events("a", 20, 200))
    assert [one.get("partial") for one in stage.lines("volume")] == [None, None]


def test_windows_around_a_gap_are_partial(open_stage: OpenStage) -> None:
    source = ScriptedSource()
    stage = open_stage(source)
    stage.run(*events("a", 0, 150, 150))
    source.delete_before(PART, 200)
    source.append(*events("lost", 150, 200, 50), *events("b", 200, 400, 200))
    stage.settle().finish()
    partial = {one["window_start"][11:16] for one in stage.lines("volume", partial=True)}
    assert partial == {"02:00", "03:00"}
    assert stage.count("gap_records") == 50


def test_records_lost_while_the_agent_was_down_are_a_gap(open_stage: OpenStage) -> None:
    stage = open_stage()
    stage.run(*events("a", 0, 150, 150))
    stage.source.append(*events("lost", 150, 200, 50), *events("b", 200, 400, 200))
    stage.source.delete_before(PART, 200)
    stage.restart()
    stage.settle()
    assert stage.count("gap_records") == 50
    assert {one["window_start"][11:16] for one in stage.lines("volume", partial=True)} >= {"02:00", "03:00"}


def test_a_log_made_anew_takes_no_counter_back(stage: Stage) -> None:
    stage.run(*events("a", 0, 30))
    stage.step.pipeline.cuts.gap(Gap(PART, 60, 10))
    assert stage.count("gap_records") == 0
    assert stage.step.pipeline.ledger.position(PART).next_offset == 10


# windows of other kinds


def test_sliding_windows_are_sums_of_panes(open_stage: OpenStage) -> None:
    stage = open_stage(window={"length": "1h", "slide": "20m"})
    stage.run(*(event(n, n) for n in range(200))).finish()
    assert [one["value"] for one in stage.lines("volume")][:5] == [20, 40, 60, 60, 60]


def test_count_windows_are_the_shortest_runs_of_whole_panes(open_stage: OpenStage) -> None:
    stage = open_stage(window={"length": "12m", "min_events": 25})
    stage.run(*(event(n, n) for n in range(200))).finish()
    found = [(one["window_start"][11:16], one["value"]) for one in stage.lines("volume")]
    assert found[:3] == [("00:00", 36), ("00:36", 36), ("01:12", 36)]


def test_windows_may_be_shifted(open_stage: OpenStage) -> None:
    stage = open_stage(window={"length": "1h", "offset": "15m"})
    stage.run(*(event(n, n) for n in range(100))).finish()
    assert stage.volumes() == {"23:15": 15, "00:15": 60, "01:15": 25}


# silence and retirement


def test_an_empty_window_yields_its_volume_and_nothing_else(stage: Stage) -> None:
    stage.run(*events("a", 0, 30), *events("b", 200, 290))
    empty = stage.lines(window_start="2026-01-01T01:00:00Z")
    assert [(one["metric"], one["value"]) for one in empty] == [("volume", 0.0)]


def test_a_silent_stream_retires_and_yields_nothing_more(open_stage: OpenStage) -> None:
    stage = open_stage(root={"retire_after": "3h"})
    stage.run(*events("a", 0, 30), *(event(f"v2-{n}", n, version="2") for n in range(0, 900, 5)))
    assert list(stage.volumes(version="1").values()) == [60, 0, 0, 0]
    assert [lane.ended for lane in stage.step.pipeline.ledger.lanes.values()] == [True, False]


def test_a_retired_stream_comes_back(open_stage: OpenStage) -> None:
    stage = open_stage(root={"retire_after": "3h"})
    stage.run(*events("a", 0, 30), *(event(f"v2-{n}", n, version="2") for n in range(0, 900, 5)))
    stage.run(*(event(f"back-{n}", 920 + n) for n in range(20)))
    stage.run(*(event(f"v2-{n}", n, version="2") for n in range(900, 1200, 5))).finish()
    assert stage.volumes(version="1") == {"00:00": 60, "01:00": 0, "02:00": 0, "03:00": 0, "15:00": 20} | {
        key: 0 for key in ("16:00", "17:00", "18:00") if key in stage.volumes(version="1")
    }


# the end of files


def test_the_end_of_a_file_closes_everything(open_stage: OpenStage) -> None:
    stage = open_stage(labels={"horizon": "30d"})
    stage.run(*events("a", 0, 30), label("a0", 40)).finish()
    assert stage.volumes() == {"00:00": 60}
    assert {one["stage"] for one in stage.lines()} == {"window", "labels"}


def test_every_accepted_event_says_from_where_a_successor_must_read(stage: Stage) -> None:
    stage.run(*events("a", 0, 100, 100))
    needed = stage.step.pipeline.ledger.needs.of(PART)
    assert needed == ((SYSTEM, us(0), 0), (SYSTEM, us(60), 60)), (
        "of a window that is undecided, and of one that is open"
    )
    position = stage.store.positions()[PART]
    assert position == Position(100, position.progress, needed)


def test_the_stage_starts_where_the_world_does() -> None:
    assert us(1) - us(0) == timedelta(minutes=1) // timedelta(microseconds=1)
    assert START.utcoffset() == timedelta(0)
