"""A member without our state goes on from the notes of our last commit, and measures what we would have measured."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest

from agent.source import Partition
from agent.state.store import measurement_lines
from tests.agent.conftest import OpenStage
from tests.agent.scripted_source import ScriptedSource
from tests.agent.stage import PART, Stage, event

OTHER = Partition("t", 1)
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


@pytest.mark.parametrize("changes", LAYOUTS)
def test_a_chain_of_successors_goes_on_byte_for_byte(open_stage: OpenStage, changes: dict[str, Any]) -> None:
    """The third takes over from a second one that has closed nothing itself, the fourth from one that has."""
    source = ScriptedSource()
    stages = chain(open_stage, [253, 256, 420], 700, source, **changes)
    assert windows(*stages) == windows(never_died(open_stage, source, **changes))


@pytest.mark.parametrize("changes", LAYOUTS)
def test_eight_partitions_and_one_of_labels_go_on_byte_for_byte(open_stage: OpenStage, changes: dict[str, Any]) -> None:
    source = ScriptedSource([*(Partition("t", number) for number in range(8)), Partition("labels")])
    stages = chain(open_stage, [253, 420], 700, source, **changes)
    assert windows(*stages) == windows(never_died(open_stage, source, **changes))


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
