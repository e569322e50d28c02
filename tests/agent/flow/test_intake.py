"""Each inference event has one class: rejected, late, duplicate or accepted."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agent.clock import FixedClock
from agent.source import Partition
from agent.state import rejects
from tests.agent.conftest import OpenStage
from tests.agent.scripted_source import ScriptedSource
from tests.agent.stage import MODEL, PART, SYSTEM, Stage, event, events, label, model_of, settings_of, us

OTHER = Partition("t", 1)
WALL = {"clock": "wall"}


def kept_reasons(stage: Stage) -> list[str]:
    return [reason for (reason,) in stage.store.connection.execute("SELECT reason FROM rejects ORDER BY number")]


# late


def test_an_event_for_a_frozen_pane_is_late_and_never_added(stage: Stage) -> None:
    stage.run(*events("a", 0, 90), *events("b", 90, 180))
    stage.run(event("tardy", 59)).finish()
    assert stage.classes() == (121, 120, 0, 0, 1)
    assert stage.volumes()["00:00"] == 40


def test_an_event_older_than_the_watermark_still_counts_while_its_pane_is_open(stage: Stage) -> None:
    stage.run(*events("a", 60, 118))
    assert stage.watermark_minute() > 65
    stage.run(event("slow", 62)).finish()
    assert stage.classes() == (61, 61, 0, 0, 0)
    assert stage.volumes() == {"01:00": 61}


def test_a_copy_for_a_frozen_pane_is_late_not_a_duplicate(stage: Stage) -> None:
    stage.run(event("twice", 5), *events("a", 0, 180), event("twice", 5))
    assert stage.classes() == (62, 61, 0, 0, 1)


# duplicates and conflicts


def test_equal_copies_count_once(stage: Stage) -> None:
    one = event("a", 5)
    stage.run(one, one)
    stage.run(one).finish()
    assert stage.classes() == (3, 1, 0, 2, 0)
    assert stage.count("conflict") == 0
    assert stage.volumes() == {"00:00": 1}


def test_copies_are_found_across_partitions_and_restarts(open_stage: OpenStage) -> None:
    stage = open_stage(ScriptedSource([PART, OTHER]))
    stage.run(event("a", 5))
    stage.restart()
    stage.run(event("a", 5), to=OTHER)
    assert stage.classes() == (2, 1, 0, 1, 0)


@pytest.mark.parametrize(
    "unequal",
    [event("a", 5, prediction="no"), event("a", 125), event("a", 5, version="2")],
    ids=["value", "pane", "version"],
)
@pytest.mark.parametrize("together", [True, False])
def test_of_unequal_copies_the_first_counts_and_the_conflict_is_counted(
    stage: Stage, unequal: bytes, together: bool
) -> None:
    first = event("a", 5)
    if together:
        stage.run(first, unequal)
    else:
        stage.run(first).run(unequal)
    assert stage.classes() == (2, 1, 0, 1, 0)
    assert stage.count("conflict") == 1
    stage.finish()
    assert stage.volumes(version="1") == {"00:00": 1}


def test_the_same_id_of_another_model_is_another_event(open_stage: OpenStage) -> None:
    stage = open_stage(models=[model_of(), model_of(name="other")])
    stage.run(event("a", 5), event("a", 5, model="other"))
    assert stage.classes() == (2, 2, 0, 0, 0)


# rejected


def test_an_event_far_ahead_of_the_agents_clock_is_rejected_as_future(open_stage: OpenStage) -> None:
    stage = open_stage(clock=FixedClock(us(10)), kafka=WALL)
    stage.run(*events("a", 0, 10), event("ahead", 71), event("near", 69))
    assert stage.classes() == (62, 61, 1, 0, 0)
    assert kept_reasons(stage) == ["future"]


def test_a_rejected_event_is_kept_with_its_place_and_bytes(open_stage: OpenStage) -> None:
    stage = open_stage(clock=FixedClock(us(10)), kafka=WALL)
    ahead = event("ahead", 80)
    stage.run(*events("a", 0, 10), ahead)
    (row,) = stage.store.connection.execute("SELECT topic, partition, offset, value FROM rejects").fetchall()
    assert row == ("t", 0, 60, ahead)
    assert rejects.totals(stage.store.connection).rows == 1


def test_history_knows_no_future(stage: Stage) -> None:
    stage.run(*events("a", 0, 10), event("ahead", 100))
    assert stage.classes() == (61, 61, 0, 0, 0)


def test_single_events_far_ahead_open_a_bounded_number_of_panes(open_stage: OpenStage) -> None:
    stage = open_stage(limits={"max_open_panes": 2})
    stage.run(*events("a", 0, 30), event("next", 70), event("far", 130), event("further", 190))
    assert stage.classes() == (63, 61, 2, 0, 0)
    assert kept_reasons(stage) == ["max_open_panes"] * 2


def test_beyond_the_bound_the_latest_panes_go_first(open_stage: OpenStage) -> None:
    stage = open_stage(limits={"max_open_panes": 2})
    stage.run(event("far", 600), *events("a", 0, 30), event("next", 70))
    assert stage.classes() == (62, 61, 1, 0, 0)
    stage.finish()
    assert {start: n for start, n in stage.volumes().items() if n} == {"00:00": 60, "01:00": 1}


def test_a_slow_stream_has_room_for_the_events_by_which_its_frontier_trails(stage: Stage) -> None:
    stage.run(*(event(n, 60 * n) for n in range(60))).finish()
    assert stage.classes() == (60, 60, 0, 0, 0)


def test_panes_that_froze_make_room_again(open_stage: OpenStage) -> None:
    stage = open_stage(limits={"max_open_panes": 3})
    stage.run(*events("a", 0, 600, 600)).finish()
    assert stage.classes() == (600, 600, 0, 0, 0)


def test_an_unknown_model_is_rejected(stage: Stage) -> None:
    stage.run(event("a", 5, model="stranger"), event("b", 5))
    assert stage.classes() == (2, 1, 1, 0, 0)


# streams


def test_each_version_is_a_stream_of_its_own(stage: Stage) -> None:
    stage.run(event("a", 5), event("b", 6, version="2"), event("c", 7, version="2")).finish()
    assert stage.volumes(version="1") == {"00:00": 1}
    assert stage.volumes(version="2") == {"00:00": 2}


def test_versions_beyond_the_bound_of_streams_are_rejected_by_that_name(open_stage: OpenStage) -> None:
    stage = open_stage(limits={"max_streams": 2})
    stage.run(*(event(n, 5, version=str(n)) for n in range(4)), event("again", 6, version="1"))
    assert stage.classes() == (5, 3, 2, 0, 0)
    assert kept_reasons(stage) == ["too_many_streams"] * 2
    assert stage.count("stream_overflow") == 2
    assert {lane.key.version for lane in stage.step.pipeline.ledger.lanes.values()} == {"0", "1"}


def test_a_segment_is_counted_for_itself_and_for_the_whole(open_stage: OpenStage) -> None:
    stage = open_stage(segments="country")
    stage.run(*(event(n, n, segment={"country": country}) for n, country in enumerate(["NL", "DE", "NL", ""])))
    stage.run(event("none", 9)).finish()
    assert [one["value"] for one in stage.lines("volume", segment="country=NL")] == [2]
    assert [one["value"] for one in stage.lines("volume", segment="country=DE")] == [1]
    assert [one["value"] for one in stage.lines("volume") if "segment" not in one] == [5]


def test_segments_beyond_the_bound_count_for_the_whole_only(open_stage: OpenStage) -> None:
    stage = open_stage(segments={"by": "country", "max": 1})
    stage.run(*(event(n, n, segment={"country": country}) for n, country in enumerate(["NL", "DE", "NL", "FR"])))
    stage.finish()
    assert stage.count("segment_overflow") == 2
    assert stage.classes() == (4, 4, 0, 0, 0)
    assert {one.get("segment") for one in stage.lines("volume")} == {None, "country=NL"}


def test_failures_and_the_last_event_are_counted_by_version(stage: Stage) -> None:
    stage.run(event("a", 5, status="error", prediction=None), event("b", 3))
    labels = {"system": SYSTEM, "model": MODEL, "version": "1"}
    ledger = stage.step.pipeline.ledger
    assert ledger.value("failed", **labels) == 1
    assert ledger.value("last_event_us", **labels) == us(5)


# what must always hold

POISON = [b"not json", b"", None, b"[]", b'{"event_type":"inference"}', event("x", 5, model="stranger")]
records = st.one_of(
    st.tuples(st.integers(0, 30), st.integers(0, 240)).map(lambda it: event(f"e{it[0]}", it[1])),
    st.sampled_from(POISON),
    st.integers(0, 30).map(lambda n: label(f"e{n}", 20)),
    st.just(
        json.dumps(
            {"schema_version": "1", "event_type": "oversight", "event_id": "o", "ref_event_id": "e1",
             "action": "reviewed", "actor_ref": "someone", "occurred_at": "2026-01-01T00:10:00Z"}
        ).encode()
    ),
)  # fmt: skip


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(records, max_size=60), st.lists(records, max_size=30), st.integers(1, 40))
def test_received_is_accepted_and_rejected_and_duplicate_and_late(
    scratch: Callable[[], Path], first: list[bytes | None], second: list[bytes | None], batch: int
) -> None:
    source = ScriptedSource([PART, OTHER], batch=batch)
    changes: dict[str, object] = {"labels": {"horizon": "1h"}, "segments": "country"}
    with closing(Stage(settings_of(scratch(), kafka=WALL, **changes), source, FixedClock(us(120)))) as stage:
        source.append(*first)
        source.append(*second, to=OTHER)
        stage.turn(40)  # either events are in the future, or every partition is, and our clock is wrong
        stage.clock.at_us = us(240)
        stage.settle()
        received, *classes = stage.classes()
        assert received == sum(classes)
        assert received + stage.count("labels_received") + stage.count("oversights") == len(first) + len(second)
        told = sum(stage.outcomes_of_labels().values()) + len(stage.step.pipeline.pending)
        assert told == stage.count("labels_received")
