"""A member without our state goes on from the note of our last commit."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from agent.flow.handover import MAX_NOTE_BYTES, LaneNote, Note, commits, is_behind, read_note
from agent.source import Assignment, Committed, Partition
from agent.state.ledger import Ledger
from agent.state.store import Lane, Position
from detectors.columns import StreamKey
from tests.agent.conftest import OpenStage
from tests.agent.scripted_source import ScriptedSource
from tests.agent.stage import PART, SYSTEM, Stage, event, us

OTHER = Partition("t", 1)
JUDGED = ("verdict", "verdict_reason")


def records(start: int, end: int) -> list[bytes]:
    """Two a minute, of two versions."""
    return [event(n, n / 2, version=str(1 + n % 2), features={"x": float(n % 7)}) for n in range(2 * start, 2 * end)]


def taken_over(open_stage: OpenStage, at: int, end: int = 340, **changes: Any) -> tuple[Stage, Stage, Stage]:
    """The first member reads until a minute, a second one with no state the rest, and one reads everything."""
    source = ScriptedSource()
    first = open_stage(source, **changes)
    first.run(*records(0, at))
    source.assign([PART])
    source.append(*records(at, end))
    second = open_stage(source, **changes)
    second.settle().finish()
    whole = open_stage(ScriptedSource(), **changes)
    whole.run(*records(0, end)).finish()
    return first, second, whole


Key = tuple[str, str, str, str]


def measured(*stages: Stage) -> dict[Key, dict[str, Any]]:
    """What was measured of windows of inference events, without what rests on earlier windows that were undecided."""
    found: dict[Key, dict[str, Any]] = {}
    for one in (one for stage in stages for one in stage.lines(stage="window")):
        key = one["window_end"], one["version"], one["metric"], one.get("subject", "")
        assert key not in found, "a window was measured twice"
        found[key] = {} if "judged_with" in one else {k: v for k, v in one.items() if k not in JUDGED}
    return found


def assert_equal_windows(one: dict[Key, dict[str, Any]], other: dict[Key, dict[str, Any]]) -> None:
    assert one.keys() == other.keys()
    alone = [key for key in one if one[key] and other[key]]
    assert len(alone) > len(one) / 2
    assert {key: one[key] for key in alone} == {key: other[key] for key in alone}


def closed(stage: Stage) -> set[str]:
    return {one["window_end"] for one in stage.lines()}


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"window": {"length": "2h", "slide": "30m"}},
        {"window": {"length": "15m", "min_events": 70}},
    ],
    ids=["tumbling", "sliding", "count"],
)
@pytest.mark.parametrize("at", [100, 253])
def test_windows_rebuilt_from_a_note_are_measured_the_same(
    open_stage: OpenStage, at: int, changes: dict[str, Any]
) -> None:
    first, second, whole = taken_over(open_stage, at, **changes)
    assert second.step.owned.taken_over
    assert closed(second)
    assert_equal_windows(measured(first, second), measured(whole))


def test_a_note_without_lanes_makes_the_first_windows_partial_and_no_others(
    open_stage: OpenStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agent.flow.handover.MAX_NOTE_BYTES", 120)
    first, second, whole = taken_over(open_stage, 190)
    assert read_note(first.source.commits[0][PART].note) is not None
    partial = {one["window_start"][11:16] for one in second.lines("volume", partial=True)}
    assert partial == {"02:00"}
    ours = {key: line for key, line in measured(second).items() if not line.get("partial")}
    assert_equal_windows(ours, {key: line for key, line in measured(whole).items() if key in ours})


def test_without_a_note_that_can_be_read_the_first_windows_are_partial_and_no_others(open_stage: OpenStage) -> None:
    source = ScriptedSource()
    source.append(*records(0, 400))
    source.committed[PART] = Committed(380, "written by somebody else")
    stage = open_stage(source)
    stage.settle().finish()
    assert stage.source.begun[0] == {PART: 380}
    assert {one["window_start"][11:16]: one.get("partial") for one in stage.lines("volume")} == {
        "03:00": True,
        "04:00": None,
        "05:00": None,
        "06:00": None,
    }


def test_a_member_that_knows_all_that_was_committed_goes_on_from_its_own_state(open_stage: OpenStage) -> None:
    stage = open_stage()
    stage.run(*records(0, 100))
    stage.restart()
    stage.turn()
    assert stage.source.begun[-1] == {PART: 200}
    assert not stage.step.owned.taken_over


def test_a_member_whose_state_is_older_takes_over_anew(open_stage: OpenStage) -> None:
    source = ScriptedSource()
    old = open_stage(source)
    old.run(*records(0, 70))
    source.assign([PART])
    newer = open_stage(source)
    newer.run(*records(70, 200))
    source.assign([PART])
    source.append(*records(200, 400))
    old.settle().finish()
    assert old.step.owned.taken_over
    whole = open_stage(ScriptedSource())
    whole.run(*records(0, 400)).finish()
    assert_equal_windows(measured(old, newer), measured(whole))


# the note itself


def ledger_of(lanes: int, stage: Stage) -> Ledger:
    ledger = Ledger(stage.store)
    for number in range(lanes):
        key = StreamKey(SYSTEM, "credit", f"version-{number}", "country=NL")
        ledger.put_lane(
            Lane(id=number, key=key, context="d", first_pane_us=us(0), last_seen_us=us(60), closed_until_us=us(60))
        )
    ledger.positions = {PART: Position(50)}
    ledger.partitions = [PART]
    ledger.need(0, SYSTEM, us(60), 41)
    return ledger


def test_a_note_says_where_to_read_and_where_each_stream_stands(stage: Stage) -> None:
    committed = commits(ledger_of(2, stage), [PART])[PART]
    note = read_note(committed.note)
    assert committed.offset == 50
    assert note == Note(
        1,
        41,
        {},
        tuple(LaneNote(SYSTEM, "credit", f"version-{n}", "country=NL", us(60), us(60)) for n in range(2)),
    )


@pytest.mark.parametrize("lanes", [0, 10, 60, 500])
def test_a_note_fits_into_what_a_broker_keeps(stage: Stage, lanes: int) -> None:
    committed = commits(ledger_of(lanes, stage), [PART])[PART]
    assert len(committed.note.encode()) <= MAX_NOTE_BYTES
    note = read_note(committed.note)
    assert note is not None
    assert note.start == 41
    assert (note.lanes is None) == (lanes > 50)


@pytest.mark.parametrize(
    "text", ["", "{}", "not json", '{"v":2,"from":1}', '{"v":1}', '{"v":1,"from":1,"lanes":[[1]]}']
)
def test_a_note_that_cannot_be_understood_is_none(text: str) -> None:
    assert read_note(text) is None


def test_being_behind_is_asked_of_owned_partitions_only() -> None:
    assignment = Assignment((PART,), {PART: Committed(10, ""), OTHER: Committed(99, "")})
    assert not is_behind({PART: Position(10)}, assignment)
    assert is_behind({PART: Position(9)}, assignment)
    assert is_behind({}, assignment)
    assert not is_behind({}, Assignment((PART,)))


def test_a_note_is_json_that_a_person_can_read(stage: Stage) -> None:
    found = msgspec.json.decode(commits(ledger_of(1, stage), [PART])[PART].note)
    assert found == {
        "v": 1,
        "from": 41,
        "closed": {},
        "lanes": [[SYSTEM, "credit", "version-0", "country=NL", us(60), us(60)]],
    }
