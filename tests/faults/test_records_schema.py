"""The shape of events changes in the middle of the stream: what fits is read on, without a restart, and people are told."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.faults.check import all_accounted_for
from tests.faults.generator import SENTINELS, Story
from tests.faults.scene import Scene
from tests.parts.kafka import KafkaBroker
from tests.parts.live_agent import LiveAgent

pytestmark = [pytest.mark.parts, pytest.mark.slow]
Event = dict[str, Any]


def added(event: Event) -> None:
    event["features"]["colour"] = "red"
    event["more"] = {"nested": [1, 2]}


def removed(event: Event) -> None:
    event["features"].pop("x", None)


def renamed(event: Event) -> None:
    event["features"]["X"] = event["features"].pop("x", 0.0)


def retyped(event: Event) -> None:
    event["features"]["x"] = "many"


def id_retyped(event: Event) -> None:
    event["event_id"] = {"value": event["event_id"]}


def time_renamed(event: Event) -> None:
    event["timestamp"] = event.pop("occurred_at")


def changed(scene: Scene, change: Callable[[Event], None]) -> int:
    """Change the second half of the events; how many."""
    count = 0
    for hand in scene.hands:
        for number in range(len(hand) // 2, len(hand)):
            event = json.loads(hand[number] or b"")
            if event["event_type"] == "inference":
                change(event)
                hand[number] = json.dumps(event).encode()
                count += 1
    return count


def told(tmp_path: Path, broker: KafkaBroker, change: Callable[[Event], None]) -> tuple[Scene, LiveAgent, int]:
    scene = Scene(Story(seed=61, events=1600), broker, partitions=2).create()
    count = changed(scene, change)
    scene.tell()
    agent = LiveAgent(tmp_path, scene.settings())
    return scene, agent, count


def findings(agent: LiveAgent) -> set[tuple[str, str]]:
    """(metric, subject) of what was found to be bad."""
    lines = map(json.loads, agent.command("measurements", "--jsonl").splitlines())
    return {(one["metric"], one.get("subject", "")) for one in lines if one.get("verdict") in ("warning", "critical")}


def test_a_field_that_is_added_changes_nothing_and_is_noticed(tmp_path: Path, broker: KafkaBroker) -> None:
    scene, agent, _ = told(tmp_path, broker, added)
    with agent:
        agent.until(lambda: scene.is_told(agent))
        scene.holds(agent)


@pytest.mark.parametrize("change", [removed, renamed, retyped])
def test_a_feature_that_is_gone_or_of_another_type_is_an_incident_of_data_quality(
    tmp_path: Path, broker: KafkaBroker, change: Callable[[Event], None]
) -> None:
    scene, agent, _ = told(tmp_path, broker, change)
    with agent:
        agent.until(lambda: scene.is_told(agent))
        all_accounted_for(agent.counters(), accepted=scene.story.events + SENTINELS * scene.partitions)
        assert ("unusable_share_severe", "x") in findings(agent)
        opened = [json.loads(line) for (line,) in agent.rows("SELECT line FROM incident")]
        assert any("unusable_share_severe" in json.dumps(one) for one in opened)


@pytest.mark.parametrize(("change", "reason"), [(id_retyped, "bad_field"), (time_renamed, "missing_field")])
def test_an_event_that_cannot_be_placed_any_more_is_set_aside_with_its_bytes(
    tmp_path: Path, broker: KafkaBroker, change: Callable[[Event], None], reason: str
) -> None:
    scene, agent, count = told(tmp_path, broker, change)
    with agent:
        agent.until(lambda: scene.is_told(agent))
        accepted = scene.story.events - count + SENTINELS * scene.partitions
        all_accounted_for(agent.counters(), accepted=accepted, rejected=count)
        kept = agent.command("rejects", "list", "--json", "--limit", "100000").splitlines()
        assert {json.loads(line)["reason"] for line in kept} == {reason}
        assert len(kept) == count
