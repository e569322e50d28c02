"""Records that were gone before they were read, by retention or because the topic was made anew: never passed in silence."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from tests.faults.check import measured, windows_equal
from tests.faults.generator import Story, iso, micros
from tests.faults.oracle import Value, expected
from tests.faults.scene import Scene
from tests.parts.kafka import KafkaBroker
from tests.parts.live_agent import LiveAgent

pytestmark = [pytest.mark.parts, pytest.mark.slow]
LOST = (1500, 1800)
"""Offsets of the only partition that are deleted: some are read, these never."""


@pytest.fixture
def story() -> Story:
    return Story(seed=21, events=2000)


@pytest.fixture
def scene(broker: KafkaBroker, story: Story) -> Scene:
    return Scene(story, broker, partitions=1).create()


def lose_records(scene: Scene, directory: Path) -> None:
    """Read up to the first lost offset, stop, and delete beyond it while nobody reads."""
    whole, (first, until) = scene.hands[0], LOST
    scene.write([whole[:first]])
    with scene.read_by(directory) as agent:
        agent.until(lambda: scene.is_read(agent))
        assert agent.stop() == 0
    scene.write([whole[first:] + scene.story.sentinels(1)[0]])
    scene.broker.delete_before(scene.topic, 0, until)


def incidents(agent: LiveAgent) -> str:
    """All of them, the agent's own troubles too."""
    return "\n".join(line.decode() for (line,) in agent.rows("SELECT line FROM incident"))


def lines_of(agent: LiveAgent) -> list[Mapping[str, object]]:
    return [json.loads(line) for line in agent.command("measurements", "--jsonl").splitlines()]


def test_retention_that_passed_us_is_an_incident_with_its_range_and_windows_around_it_are_partial(
    tmp_path: Path, scene: Scene, story: Story
) -> None:
    lose_records(scene, tmp_path)
    with scene.read_by(tmp_path, on_gap="earliest") as agent:
        agent.until(lambda: scene.is_told(agent))
        gap = f"{scene.topic}/0: offsets [{LOST[0]}, {LOST[1]}) were gone before they were read"
        assert gap in incidents(agent)
        assert agent.counters()["gap_records"] == LOST[1] - LOST[0]
        assert f"wanted={LOST[0]}" in agent.output
        found = lines_of(agent)
    whole = expected_without_lost(scene)
    partial = {str(line["window_start"]) for line in found if line.get("partial")}
    assert partial, "no window is partial"
    untouched = {key: value for key, value in whole.items() if key.window_start not in partial}
    assert untouched
    by_key = measured(map(json.dumps, found), iso(micros(story.end)))
    assert {key: by_key[key] for key in whole} == whole
    assert not any(
        "verdict" in line and line["verdict"] != "insufficient_data" for line in found if line.get("partial")
    )
    windows_equal([json.dumps(one) for one in found if not one.get("partial")], untouched, iso(micros(story.end)))


def expected_without_lost(scene: Scene) -> dict[object, Value]:
    """The oracle over the events and labels that could be read."""
    lost = {json.loads(record)["event_id"] for record in scene.hands[0][LOST[0] : LOST[1]]}
    ids = [f"{scene.story.prefix}{number}" for number in range(scene.story.events)]
    counted = np.array([one not in lost for one in ids])
    labelled = scene.story.rows.labelled & np.array([f"label-{one}" not in lost for one in ids])
    return dict(expected(scene.story, counted, labelled & counted))


def test_with_the_policy_to_fail_the_partition_waits_for_a_decision(tmp_path: Path, scene: Scene) -> None:
    lose_records(scene, tmp_path)
    with scene.read_by(tmp_path, on_gap="fail") as agent:
        agent.until(lambda: agent.get("/-/ready").text.startswith("not ready: gap: "))
        assert f"offset {LOST[0]} is gone" in agent.get("/-/ready").text
        assert agent.get("/-/healthy").status == 200
        assert agent.records() == LOST[0]


def test_with_the_policy_latest_reading_goes_on_at_the_end_and_says_what_was_left_out(
    tmp_path: Path, scene: Scene
) -> None:
    lose_records(scene, tmp_path)
    end = sum(scene.produced.values())
    with scene.read_by(tmp_path, on_gap="latest") as agent:
        agent.until(lambda: scene.is_read(agent))
        assert agent.counters()["gap_records"] == end - LOST[0]
        assert f"offsets [{LOST[0]}, {end}) were gone" in incidents(agent)


@pytest.mark.parametrize(
    ("while_it_runs", "records_anew"),
    [
        pytest.param(True, 100, id="running"),
        pytest.param(False, 100, id="stopped"),
        pytest.param(True, 2500, id="running, with more records than had been read"),
        pytest.param(False, 2500, id="stopped, with more records than had been read"),
    ],
)
def test_a_topic_that_was_deleted_and_made_again_is_noticed_and_read_from_its_beginning(
    tmp_path: Path, broker: KafkaBroker, story: Story, while_it_runs: bool, records_anew: int
) -> None:
    scene = Scene(story, broker, partitions=1).create()
    half = len(scene.hands[0]) // 2
    scene.write([scene.hands[0][:half]])
    with scene.read_by(tmp_path) as agent:
        agent.until(lambda: scene.is_read(agent))
        if not while_it_runs:
            assert agent.stop() == 0
        broker.admin.delete_topics([scene.topic])
        if while_it_runs:
            agent.until(lambda: "missing_topic" in agent.get("/-/ready").text)
        scene.produced = {}
        scene.create()
        scene.write([(scene.hands[0][half:] * 2)[:records_anew]])
        if not while_it_runs:
            agent.start()
        agent.until(lambda: scene.is_read(agent) and "the log ended before" in incidents(agent), 60)
        assert agent.counters()["received"] + agent.counters()["labels_received"] == half + records_anew
