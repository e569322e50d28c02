"""A member without our state goes on from the notes of our last commit, and measures what we would have measured."""

from __future__ import annotations

import json
import os
import random
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import pytest

from agent.flow.handover import LEFT_OUT_FIRST, Handover
from agent.flow.notes import Note, read_note
from agent.flow.takeover import is_behind
from agent.source import Assignment, Committed, Partition
from agent.state.store import Position, measurement_lines
from tests.agent.conftest import OpenStage
from tests.agent.scripted_source import ScriptedSource
from tests.agent.stage import PART, Stage, at, event

pytestmark = pytest.mark.slow
SEEDS = int(os.environ.get("WACHTER_TEST_SEEDS", "2"))
"""Of disordered streams; more of them find more."""
SMALL_GROUPS = {"protected": {"sex": ["F", "M"]}, "min_decide": 20}
LAYOUTS: list[Any] = [
    pytest.param({}, id="tumbling"),
    pytest.param({"window": {"length": "2h", "slide": "30m"}}, id="sliding"),
    pytest.param({"window": {"length": "15m", "min_events": 70}}, id="count"),
]


def records(start: int, end: int) -> list[bytes]:
    """Two a minute, of two versions; some groups are so small that windows cannot decide alone."""
    return [record(n) for n in range(2 * start, 2 * end)]


def record(n: int, **changes: Any) -> bytes:
    fields: dict[str, Any] = {
        "version": str(1 + n % 2),
        "features": {"x": float(n % 7)} if n % 11 else {},
        "prediction": "yes" if n % 3 else "no",
        "protected": {"sex": "F" if n % 9 < 2 else "M"},
    }
    return event(n, n / 2, **fields | changes)


def chain(
    open_stage: OpenStage, points: Sequence[int], end: int, source: ScriptedSource, **changes: Any
) -> list[Stage]:
    """Members without a state of their own, each of which reads on to the next minute; the last one to the end."""
    stages: list[Stage] = []
    for start, until in zip((0, *points), (*points, end), strict=True):
        dealt_to(source, records(start, until))
        source.assign(source.logs)
        stages.append(open_stage(source, **SMALL_GROUPS | changes).settle())
    stages[-1].finish()
    return stages


def dealt_to(source: ScriptedSource, new: Sequence[bytes]) -> None:
    """In turn to each partition."""
    parts = list(source.logs)
    for number, one in enumerate(new):
        source.append(one, to=parts[number % len(parts)])


def never_died(open_stage: OpenStage, source: ScriptedSource, **changes: Any) -> Stage:
    """A member that reads everything that a source holds."""
    again = ScriptedSource(source.logs)
    for partition, log in source.logs.items():
        again.append(*log, to=partition)
    return open_stage(again, **SMALL_GROUPS | changes).settle().finish()


def windows(*stages: Stage) -> list[bytes]:
    """Lines of windows of inference events, whole models too, as they were written."""
    lines = [line for stage in stages for line in measurement_lines(stage.store.connection)]
    return sorted(line for line in lines if json.loads(line)["stage"] == "window")


def judged_with(*stages: Stage) -> int:
    """The longest run that was judged as one."""
    return max(len(json.loads(line).get("judged_with", ())) for line in windows(*stages))


def closed(stage: Stage) -> set[str]:
    return {one["window_end"] for one in stage.lines()}


@pytest.mark.parametrize("changes", LAYOUTS)
@pytest.mark.parametrize("at", [20, 100, 253, 301, 400])
def test_windows_go_on_byte_for_byte(open_stage: OpenStage, at: int, changes: dict[str, Any]) -> None:
    source = ScriptedSource()
    first, second = chain(open_stage, [at], 700, source, **changes)
    assert second.step.owned.taken_over
    assert closed(second)
    assert windows(first, second) == windows(never_died(open_stage, source, **changes))
    assert judged_with(second) >= 5


@pytest.mark.slow
@pytest.mark.parametrize("changes", LAYOUTS)
def test_a_chain_of_successors_goes_on_byte_for_byte(open_stage: OpenStage, changes: dict[str, Any]) -> None:
    """The third takes over from a second one that has closed nothing itself, the fourth from one that has."""
    source = ScriptedSource()
    stages = chain(open_stage, [253, 256, 420], 700, source, **changes)
    assert windows(*stages) == windows(never_died(open_stage, source, **changes))


@pytest.mark.slow
@pytest.mark.parametrize("changes", LAYOUTS)
def test_eight_partitions_and_one_of_labels_go_on_byte_for_byte(open_stage: OpenStage, changes: dict[str, Any]) -> None:
    source = ScriptedSource([*(Partition("t", number) for number in range(8)), Partition("labels")])
    stages = chain(open_stage, [253, 420], 700, source, **changes)
    assert windows(*stages) == windows(never_died(open_stage, source, **changes))


@pytest.mark.slow
def test_a_member_that_is_killed_while_it_reads_again_hands_over_all_the_same(open_stage: OpenStage) -> None:
    source = ScriptedSource(batch=10)
    dealt_to(source, records(0, 330))
    first = open_stage(source, **SMALL_GROUPS).settle()
    source.assign(source.logs)
    second = open_stage(source, **SMALL_GROUPS)
    second.turn(4)
    assert 0 < second.store.positions()[PART].next_offset < 330
    source.assign(source.logs)
    dealt_to(source, records(330, 700))
    third = open_stage(source, **SMALL_GROUPS).settle().finish()
    assert not windows(second)
    assert windows(first, third) == windows(never_died(open_stage, source))


@pytest.mark.slow
def test_a_successor_that_is_restarted_while_it_reads_again_goes_on(open_stage: OpenStage) -> None:
    source = ScriptedSource(batch=10)
    dealt_to(source, records(0, 330))
    first = open_stage(source, **SMALL_GROUPS).settle()
    source.assign(source.logs)
    second = open_stage(source, **SMALL_GROUPS)
    second.turn(4)
    second.restart()
    dealt_to(source, records(330, 700))
    second.settle().finish()
    assert not second.step.owned.taken_over
    assert windows(first, second) == windows(never_died(open_stage, source))


# events out of order


def slow_and_disordered(seed: int, count: int, gap: float) -> list[bytes]:
    """Of a stream so slow that its frontier trails by hours: only that decides what is late, which many events are."""
    chance = random.Random(seed)
    minutes = [max(0.0, n * gap - (chance.random() < 0.3) * chance.uniform(0, 60 * gap)) for n in range(count)]
    return [record(n, occurred_at=at(minute)) for n, minute in enumerate(minutes)]


@pytest.mark.slow
@pytest.mark.parametrize("changes", LAYOUTS)
@pytest.mark.parametrize("seed", range(SEEDS))
def test_what_was_late_is_late_again_and_nothing_else(
    open_stage: OpenStage, seed: int, changes: dict[str, Any]
) -> None:
    log = slow_and_disordered(seed, 400, 4.0)
    cuts = sorted(random.Random(seed).sample(range(20, 390), 3))
    source = ScriptedSource(batch=1)
    stages: list[Stage] = []
    for start, until in pairwise([0, *cuts, 400]):
        source.append(*log[start:until])
        source.assign(source.logs)
        stages.append(open_stage(source, **SMALL_GROUPS | changes).settle(limit=2000))
    stages[-1].finish()
    whole = open_stage(ScriptedSource(batch=1), **SMALL_GROUPS | changes)
    whole.source.append(*log)
    whole.settle(limit=2000).finish()
    assert whole.count("late") >= 10
    assert windows(*stages) == windows(whole)


# volumes, streams of their own, partial windows


def weeks_of(weeks: int, dead_hours: range = range(0)) -> list[bytes]:
    """Four events in six hours, every other one twice as many."""
    return [
        event(f"{window}-{n}", 360.0 * window + 30 * n, version=str(1 + n % 2))
        for window in range(28 * weeks)
        if window not in dead_hours
        for n in range(4 + 4 * (window % 2))
    ]


@pytest.mark.slow
@pytest.mark.parametrize("cut", [0.3, 0.9, 0.97])
def test_volumes_are_compared_with_weeks_that_another_member_counted(open_stage: OpenStage, cut: float) -> None:
    log, changes = weeks_of(6, dead_hours=range(150, 160)), {"window": {"length": "6h"}}
    source = ScriptedSource()
    source.append(*log[: int(len(log) * cut)])
    first = open_stage(source, **SMALL_GROUPS | changes).settle()
    source.assign(source.logs)
    source.append(*log[int(len(log) * cut) :])
    second = open_stage(source, **SMALL_GROUPS | changes).settle().finish()
    assert windows(first, second) == windows(never_died(open_stage, source, **changes))
    compared = [line for line in windows(second) if b'"baseline"' in line and b'"metric":"volume"' in line]
    assert compared


def test_streams_of_segments_and_silent_versions_go_on(open_stage: OpenStage) -> None:
    changes: dict[str, Any] = {"segments": {"by": "country", "max": 3}}
    log = [
        record(n, version="old" if n < 150 else "new", segment={"country": "NL" if n % 4 else "DE"})
        for n in range(1400)
    ]
    source = ScriptedSource()
    stages: list[Stage] = []
    for start, until in pairwise([0, 130, 500, 1400]):
        source.append(*log[start:until])
        source.assign(source.logs)
        stages.append(open_stage(source, root={"retire_after": "3h"}, **SMALL_GROUPS | changes).settle())
    stages[-1].finish()
    whole = never_died(open_stage, source, root={"retire_after": "3h"}, **changes)
    assert windows(*stages) == windows(whole)
    assert {json.loads(line).get("segment") for line in windows(whole)} == {None, "country=NL", "country=DE"}


def test_a_window_cut_by_the_first_record_that_was_read_is_partial_for_the_successor_too(open_stage: OpenStage) -> None:
    source, again = ScriptedSource(), ScriptedSource()
    for one in (source, again):
        one.starts = {PART: 40}
        one.append(*records(0, 700))
    early = ScriptedSource()
    early.starts = {PART: 40}
    early.append(*records(0, 45))
    first = open_stage(early, **SMALL_GROUPS).settle()
    source.committed = early.committed
    second = open_stage(source, **SMALL_GROUPS).settle().finish()
    whole = open_stage(again, **SMALL_GROUPS).settle().finish()
    assert second.lines("volume", partial=True)
    assert windows(first, second) == windows(whole)


# what cannot be handed over


def test_a_run_whose_records_are_gone_begins_anew(open_stage: OpenStage) -> None:
    source = ScriptedSource()
    source.append(*records(0, 330))
    first = open_stage(source, **SMALL_GROUPS).settle()
    source.assign(source.logs)
    source.delete_before(PART, 500)
    source.append(*records(330, 700))
    second = open_stage(source, **SMALL_GROUPS).settle().finish()
    whole = never_died(open_stage, source)
    assert_measured_alike(whole, first, second)
    runs = [start for line in windows(second) for start in json.loads(line).get("judged_with", ())]
    assert min(runs)[11:16] >= "05:00"


Key = tuple[str, str, str, str, str]


def alone(*stages: Stage) -> dict[Key, dict[str, Any]]:
    """What windows measured, without what rests on earlier ones; partial windows left out."""
    measured = [json.loads(line) for line in windows(*stages)]
    return {
        (one["window_end"], one["version"], one.get("segment", ""), one["metric"], one.get("subject", "")): {
            name: value for name, value in one.items() if name not in ("verdict", "verdict_reason")
        }
        for one in measured
        if "judged_with" not in one and "partial" not in one
    }


def assert_measured_alike(whole: Stage, *stages: Stage) -> None:
    """Windows that stood alone are the same, as far as they were not cut."""
    ours, theirs = alone(*stages), alone(whole)
    both = ours.keys() & theirs.keys()
    assert len(both) > len(theirs) / 2
    assert {key: ours[key] for key in both} == {key: theirs[key] for key in both}


def test_a_run_that_reaches_back_too_far_is_not_handed_over(
    open_stage: OpenStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agent.state.needs.MAX_RUN_RECORDS", 250)
    source = ScriptedSource()
    first, second = chain(open_stage, [301], 700, source)
    assert note_at(602, source).without == ("runs",)
    assert note_at(602, source).start == 480
    assert_measured_alike(never_died(open_stage, source), first, second)


def note_at(offset: int, source: ScriptedSource) -> Note:
    """The first note that was committed with this offset."""
    note = next(read_note(one[PART].note) for one in source.commits if one[PART].offset == offset)
    assert note is not None
    return note


def test_what_does_not_fit_is_left_out_in_order_and_said(
    open_stage: OpenStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipeline = open_stage(**SMALL_GROUPS).run(*records(0, 301)).step.pipeline
    found: list[tuple[str, ...]] = []
    for most in range(800, 250, -10):
        monkeypatch.setattr("agent.flow.notes.MAX_NOTE_BYTES", most)
        text = Handover(pipeline.ledger, pipeline.volumes).commits([PART])[PART].note
        note = read_note(text)
        assert note is not None
        assert len(text) <= most
        found += [note.without] if note.without not in found else []
    assert found == [(), ("volumes",), ("volumes", "runs"), LEFT_OUT_FIRST]


def test_without_lanes_the_first_windows_are_partial_and_no_others(
    open_stage: OpenStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agent.flow.notes.MAX_NOTE_BYTES", 300)
    source = ScriptedSource()
    first, second = chain(open_stage, [190], 340, source)
    partial = {one["window_start"][11:16] for one in second.lines("volume", partial=True)}
    assert partial == {"02:00"}
    assert_measured_alike(never_died(open_stage, source), first, second)


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


# who takes over


def test_a_member_that_knows_all_that_was_committed_goes_on_from_its_own_state(open_stage: OpenStage) -> None:
    stage = open_stage()
    stage.run(*records(0, 100))
    stage.restart()
    stage.turn()
    assert stage.source.begun[-1] == {PART: 200}
    assert not stage.step.owned.taken_over


def test_a_member_whose_state_is_older_takes_over_anew(open_stage: OpenStage) -> None:
    source = ScriptedSource()
    source.append(*records(0, 70))
    old = open_stage(source, **SMALL_GROUPS).settle()
    source.assign([PART])
    source.append(*records(70, 200))
    newer = open_stage(source, **SMALL_GROUPS).settle()
    source.assign([PART])
    source.append(*records(200, 400))
    old.settle().finish()
    assert old.step.owned.taken_over
    assert windows(old, newer) == windows(never_died(open_stage, source))


def test_being_behind_is_asked_of_owned_partitions_only() -> None:
    assignment = Assignment((PART,), {PART: Committed(10, ""), Partition("t", 1): Committed(99, "")})
    assert not is_behind({PART: Position(10)}, assignment)
    assert is_behind({PART: Position(9)}, assignment)
    assert is_behind({}, assignment)
    assert not is_behind({}, Assignment((PART,)))
