"""The step loses and doubles nothing: whatever is interrupted, what was written is enough to go on from."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import pytest

from agent.delivery import outbox
from agent.source import Partition, Trouble
from agent.state import acts
from agent.state.acts import settled
from agent.state.store import Store
from config.errors import StateError
from tests.agent.conftest import OpenStage
from tests.agent.scripted_source import ScriptedSource
from tests.agent.stage import MINUTE_US, PART, Stage, event, events, label, settings_of, us

OTHER = Partition("t", 1)
USUAL: dict[str, Any] = {
    "labels": {"horizon": "1h"},
    "window": {"length": "1h", "slide": "30m"},
    "columns": {"x": {"type": "number", "minimum": 0, "maximum": 2}},
    "segments": "country",
    "thresholds": {"envelope_share": {"tolerance": 0.05, "open_after": 1, "clear_after": 1}},
}


def journey(batch: int = 120) -> ScriptedSource:
    """Three hours of two partitions with copies, poison, labels, a segment, and a column that goes out of its range."""
    chance = random.Random(11)
    source = ScriptedSource([PART, OTHER], batch=batch)
    for n in range(1080):
        minute = n / 6
        bad = 60 <= minute < 120
        one = event(
            n, minute, features={"x": 5.0 if bad else 1.0}, segment={"country": "NL" if n % 3 else "DE"}, score=0.7
        )
        records = [one, one] if n % 10 == 0 else [one]
        records += [b"poison"] if n % 20 == 0 else []
        records += [label(n - 20, minute, "yes" if n % 4 else "no")] if n >= 20 else []
        for record in records:
            source.append(record, to=chance.choice([PART, OTHER]))
    return source


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[bytes], tuple[int, ...]]:
    with closing(Stage(settings_of(tmp_path_factory.mktemp("expected"), **USUAL), journey())) as stage:
        stage.settle().finish()
        return stage.written(), stage.classes()


def test_the_journey_has_windows_labels_and_an_incident(expected: tuple[list[bytes], tuple[int, ...]]) -> None:
    lines, classes = expected
    assert any(b'"stage":"labels"' in line for line in lines)
    assert any(b'"timeline"' in line for line in lines)
    assert classes == (1242, 1080, 54, 108, 0)


@pytest.mark.parametrize("seed", range(3))
def test_a_restart_after_any_step_changes_no_byte(
    open_stage: OpenStage, expected: tuple[list[bytes], tuple[int, ...]], seed: int
) -> None:
    chance = random.Random(seed)
    stage = open_stage(journey(), **USUAL)
    for _ in range(8):
        stage.turn(chance.randint(1, 4))
        stage.restart()
    stage.settle().finish()
    assert (stage.written(), stage.classes()) == expected


@pytest.mark.parametrize("batch", [40, 1000])
def test_the_size_of_batches_changes_no_byte(
    open_stage: OpenStage, expected: tuple[list[bytes], tuple[int, ...]], batch: int
) -> None:
    stage = open_stage(journey(batch), **USUAL)
    stage.settle().finish()
    assert (stage.written(), stage.classes()) == expected


@contextmanager
def failing(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A transaction in which the very last statement fails, as on a full disk."""
    with monkeypatch.context() as patch:
        put = Store.put_history

        def fail(self: Store, *arguments: Any) -> None:
            put(self, *arguments)
            raise sqlite3.OperationalError("database or disk is full")

        patch.setattr(Store, "put_history", fail)
        yield


def test_a_step_that_fails_in_its_transaction_leaves_nothing(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    stage.run(*events("a", 0, 60))
    before = list(stage.store.connection.iterdump())
    stage.source.append(*events("b", 60, 180), b"poison")
    with failing(monkeypatch), pytest.raises(StateError, match="disk is full"):
        stage.turn()
    assert list(stage.store.connection.iterdump()) == before
    assert len(stage.source.commits) == 1


def test_a_step_that_failed_is_repeated(
    open_stage: OpenStage, expected: tuple[list[bytes], tuple[int, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = open_stage(journey(), **USUAL)
    for _ in range(5):
        stage.turn(2)
        with failing(monkeypatch), pytest.raises(StateError):
            stage.turn(5)
        stage.step.recover()
    stage.settle().finish()
    assert (stage.written(), stage.classes()) == expected


def test_offsets_are_committed_after_the_state_and_no_further(stage: Stage) -> None:
    stage.run(*events("a", 0, 60, 250))
    assert [commit[PART].offset for commit in stage.source.commits] == [100, 200, 250]
    assert stage.store.positions()[PART].next_offset == 250


def test_a_commit_that_fails_is_counted_and_reading_goes_on(stage: Stage) -> None:
    stage.source.takes_commits = False
    stage.run(*events("a", 0, 60))
    stage.source.takes_commits = True
    stage.run(*events("b", 60, 90))
    assert stage.step.commits_failed == 1
    assert stage.source.committed[PART].offset == 120


def test_a_step_without_ownership_is_dropped_counted_and_read_again(stage: Stage) -> None:
    stage.source.owner = False
    stage.source.append(*events("a", 0, 60))
    stage.turn(2)
    assert stage.store.positions() == {}
    assert stage.source.commits == []
    assert stage.step.steps_dropped == 1
    stage.source.owner = True
    stage.source.assign([PART])
    stage.settle()
    assert stage.classes() == (60, 60, 0, 0, 0)
    assert stage.step.steps_dropped == 1


def test_a_standby_reads_and_writes_nothing(open_stage: OpenStage) -> None:
    source = ScriptedSource()
    source.assign([])
    source.append(*events("a", 0, 60))
    stage = open_stage(source)
    stage.turn(3)
    assert stage.step.owned.assigned
    assert stage.classes() == (0, 0, 0, 0, 0)
    assert stage.store.positions() == {}


def test_watermarks_that_moved_with_the_clock_alone_are_written_now_and_then(stage: Stage) -> None:
    stage.run(event("a", 5))
    commits = len(stage.source.commits)
    stage.turn(3)
    assert len(stage.source.commits) == commits
    stage.clock.at_us += MINUTE_US
    stage.turn()
    assert len(stage.source.commits) == commits + 1


def test_a_trouble_of_the_source_is_told_and_leaves_what_was_read(stage: Stage) -> None:
    stage.run(*events("a", 0, 60))
    stage.source.trouble = Trouble("unavailable", "no broker answers")
    stage.turn()
    assert stage.step.owned.trouble == stage.source.trouble
    assert stage.classes() == (60, 60, 0, 0, 0)


# acts of people


def incident(stage: Stage) -> str:
    (one,) = [i.id for state in stage.step.pipeline.ledger.streams.values() for i in state.incidents if i.is_open]
    return one


@pytest.fixture
def troubled(open_stage: OpenStage) -> Stage:
    changes = {name: USUAL[name] for name in ("columns", "thresholds")}
    stage = open_stage(**changes)
    return stage.run(*events("a", 0, 120, 800, features={"x": 9.0}))


def test_an_act_takes_effect_through_the_step_exactly_once(troubled: Stage) -> None:
    connection = troubled.store.connection
    number = acts.request(connection, "ack", incident(troubled), "kim", "on it", 1)
    troubled.turn()
    assert settled(connection, number) == acts.Settled("done", "")
    (found,) = [i for s in troubled.step.pipeline.ledger.streams.values() for i in s.incidents]
    assert found.acknowledged is not None
    entries = len(found.timeline)
    troubled.restart()
    troubled.turn(3)
    (again,) = [i for s in troubled.step.pipeline.ledger.streams.values() for i in s.incidents]
    assert len(again.timeline) == entries


def test_an_act_on_what_is_not_there_says_so(stage: Stage) -> None:
    number = acts.request(stage.store.connection, "resolve", "nothing", "kim", "", 1)
    stage.turn()
    answer = settled(stage.store.connection, number)
    assert answer is not None
    assert answer.outcome == "unknown"
    assert "wachter incidents list" in answer.detail


def test_an_act_in_a_step_that_fails_waits_for_the_next(troubled: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    number = acts.request(troubled.store.connection, "ack", incident(troubled), "kim", "", 1)
    with failing(monkeypatch), pytest.raises(StateError):
        troubled.turn()
    assert settled(troubled.store.connection, number) is None
    troubled.step.recover()
    troubled.turn()
    assert settled(troubled.store.connection, number) == acts.Settled("done", "")


@pytest.mark.parametrize("kind", ["ack", "comment", "resolve"])
def test_an_act_on_trouble_of_the_agent_before_any_event_stops_nothing(
    open_stage: OpenStage, kind: acts.ActKind
) -> None:
    """There is no watermark yet: the act once was stamped with the beginning of time, which no record can say."""
    stage = open_stage(kafka={"clock": "wall"})
    stage.source.trouble = Trouble("unavailable", "no broker answers")
    stage.idle(0).idle(2)
    number = acts.request(stage.store.connection, kind, incident(stage), "kim", "on it", 1)
    stage.turn()
    assert settled(stage.store.connection, number) == acts.Settled("done", "")
    (found,) = [i for s in stage.step.pipeline.ledger.streams.values() for i in s.incidents]
    assert found.timeline[-1].at_us == stage.clock.at_us
    stage.source.trouble = None
    assert stage.run(*events("a", -60, 0)).classes() == (60, 60, 0, 0, 0)


def test_where_events_are_the_clock_an_act_before_there_is_a_watermark_is_of_their_time(open_stage: OpenStage) -> None:
    """A partition whose end nobody confirms holds the watermark; the trouble is stamped with what was read of the other."""
    source = ScriptedSource([PART, OTHER])
    source.away = {OTHER}
    stage = open_stage(source)
    source.append(*events("a", 0, 60))
    stage.turn(3)
    source.trouble = Trouble("unavailable", "no broker answers")
    stage.idle(2)
    acts.request(stage.store.connection, "ack", incident(stage), "kim", "on it", 1)
    stage.turn()
    (found,) = [i for s in stage.step.pipeline.ledger.streams.values() for i in s.incidents]
    assert found.acknowledged is not None
    assert found.opened_us == found.acknowledged.at_us < us(60)


def test_an_act_that_fails_in_a_way_nobody_foresaw_is_refused_and_poisons_nothing(
    troubled: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An act that an older version let in: the end of its silence is a time that no record can say."""
    connection = troubled.store.connection
    found, far_back = incident(troubled), -63 * 10**15
    connection.execute(
        "INSERT INTO act (kind, incident_id, actor, comment, requested_us, until_us) VALUES (?, ?, ?, ?, ?, ?)",
        ("silence", found, "kim", "", 1, far_back),
    )
    later = acts.request(connection, "ack", found, "ada", "", 2)
    troubled.turn()
    answers = [settled(connection, number) for number in (later - 1, later)]
    assert [answer and answer.outcome for answer in answers] == ["refused", "done"]
    (one,) = [i for s in troubled.step.pipeline.ledger.streams.values() for i in s.incidents]
    assert one.silenced is None
    assert troubled.count("failures", edge="act") == 1


def test_without_receivers_nothing_waits_in_the_outbox(troubled: Stage) -> None:
    assert list(outbox.status(troubled.store.connection)) == []


# the very first step


def test_a_first_step_that_fails_begins_again_where_the_assignment_said(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is known of the partition yet: it once was read from offset 0 then, whatever ``start`` said."""
    stage.source.append(*events("before", -60, 0), *events("a", 0, 60))
    stage.source.starts = {PART: 60}
    with failing(monkeypatch), pytest.raises(StateError):
        stage.turn(2)
    stage.step.recover()
    stage.settle()
    assert [begun[PART] for begun in stage.source.begun] == [60, 60]
    assert stage.classes() == (60, 60, 0, 0, 0)


def test_after_a_restart_the_source_is_told_which_topic_the_offsets_belong_to(stage: Stage) -> None:
    stage.source.topic_ids = {"t": "the first"}
    stage.run(*events("a", 0, 10, 10))
    stage.restart()
    stage.turn()
    assert stage.source.begun[-1] == {PART: 10}
    assert stage.source.expected == [{}, {"t": "the first"}]


def test_behind_a_gap_offsets_belong_to_the_topic_that_is_read_next(stage: Stage) -> None:
    stage.source.topic_ids = {"t": "the first"}
    stage.run(*events("a", 0, 10, 10))
    stage.source.delete_before(PART, 15)
    stage.source.topic_ids = {"t": "the second"}
    stage.run(*events("b", 10, 20, 10))
    stage.restart()
    stage.turn()
    assert stage.source.expected[-1] == {"t": "the second"}
