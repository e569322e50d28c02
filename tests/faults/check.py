"""What must hold after every fault: windows equal the oracle, nothing is lost or doubled, committed <= durable."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from kafka.structs import TopicPartition

from tests.faults.generator import VERSION, Story, iso, micros
from tests.faults.log_check import log_is_whole
from tests.faults.oracle import Expected, Key, Value, expected
from tests.parts.kafka import KafkaBroker
from tests.parts.live_agent import LiveAgent

CLASSES = ("accepted", "rejected", "duplicate", "late")


def windows_equal(lines: Iterable[str | bytes], wanted: Expected, closed_at: str) -> None:
    """Every expected measurement is there once, with its value and n, and no window but the expected ones.

    Args:
        lines: of ``measurements.jsonl``.
        closed_at: windows that end later are not looked at.
    """
    found = measured(lines, closed_at)
    starts = {key.window_start for key in wanted}
    strange = {key.window_start for key in found} - starts
    assert not strange, f"windows that should not be: {sorted(strange)}"
    wrong = {key: (value, found.get(key)) for key, value in wanted.items() if found.get(key) != value}
    assert not wrong, (
        f"{len(wrong)} of {len(wanted)} measurements differ: (expected, found) {dict(list(wrong.items())[:6])}"
    )


def measured(lines: Iterable[str | bytes], closed_at: str) -> dict[Key, Value | None]:
    """Measurements of the version's stream by key; fails where one is there twice."""
    found: dict[Key, Value | None] = {}
    for line in map(json.loads, lines):
        if line["version"] != VERSION or line.get("segment") is not None or line["window_end"] > closed_at:
            continue
        key = Key(line["window_start"], line["metric"], line.get("subject", ""))
        assert key not in found, f"measured twice: {line}"
        found[key] = Value(line["value"], line["n"]) if "value" in line else None
    return found


def all_accounted_for(counters: Mapping[str, int], **wanted: int) -> None:
    """received = accepted + rejected + duplicate + late, and each class that is named has this count; the others are 0."""
    found = {name: counters.get(name, 0) for name in CLASSES}
    assert counters.get("received", 0) == sum(found.values()), f"classes do not add up: {counters}"
    assert found == {name: wanted.get(name, 0) for name in CLASSES}


def committed_is_durable(broker: KafkaBroker, group: str, agent: LiveAgent) -> None:
    """No partition is committed beyond what the state holds. Commits are read first: the state only grows."""
    committed = broker.admin.list_group_offsets([group])[group]
    durable = agent.positions()
    beyond = {str(p): at for p, at in _offsets(committed).items() if at > durable.get((p.topic, p.partition), 0)}
    assert not beyond, f"committed beyond the state: {beyond}, durable {durable}"


def story_is_told(agent: LiveAgent, story: Story, wanted: Expected | None = None) -> None:
    """The agent's windows are those of the story, and its log is whole."""
    lines = agent.command("measurements", "--jsonl").splitlines()
    windows_equal(lines, expected(story) if wanted is None else wanted, iso(micros(story.end)))
    log_is_whole(agent)


def _offsets(committed: Mapping[TopicPartition, object]) -> dict[TopicPartition, int]:
    return {part: int(getattr(at, "offset", at)) for part, at in committed.items()}  # type: ignore[call-overload]
