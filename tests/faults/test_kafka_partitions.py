"""Partitions that are added while the topic is read: found by themselves, read from their beginning, totals exact."""

from __future__ import annotations

import time
from datetime import timedelta
from pathlib import Path

import pytest

from agent.kafka.options import METADATA_MAX_AGE_SECONDS
from agent.kafka.watch import REJOIN_SECONDS
from tests.faults.conftest import Note
from tests.faults.generator import Story, dealt, part_of
from tests.faults.hasty_agent import METADATA_SECONDS, HastyAgent
from tests.faults.report import SCALE
from tests.faults.scene import Scene
from tests.parts.kafka import KafkaBroker
from tests.parts.live_agent import LiveAgent

pytestmark = [pytest.mark.parts, pytest.mark.slow, pytest.mark.timeout(400)]
Agent, AGE_SECONDS = (HastyAgent, METADATA_SECONDS) if SCALE <= 1 else (LiveAgent, METADATA_MAX_AGE_SECONDS)
"""The long form waits the minute that a real agent takes."""


@pytest.mark.parametrize("start", ["earliest", "latest"])
def test_partitions_added_are_read_whole_wherever_the_first_start_began(
    tmp_path: Path, broker: KafkaBroker, start: str, note: Note
) -> None:
    """The lateness spans the first half, so that what waits in a partition not yet known is not late; and the first
    records give each of the first partitions a frontier."""
    story = Story(seed=43, events=3000, windows=1, window=timedelta(hours=12), lateness=timedelta(hours=11))
    scene = Scene(story, broker, partitions=8)
    told = story.disordered(43)
    first, second = dealt(told[: len(told) // 2], 4, 43), dealt(told[len(told) // 2 :], 8, 43)
    broker.create_topic(scene.topic, 4)
    with Agent(tmp_path, scene.settings(start=start)) as agent:
        agent.until(agent.ready)
        for begin, end in ((0.0, 0.1), (0.1, 1.0)):
            scene.write(part_of(first, begin, end))
            agent.until(lambda: agent.records() == sum(scene.produced.values()))
        broker.grow_topic(scene.topic, 8)
        grown = time.monotonic()
        scene.write(second)
        agent.until(lambda: scene.is_read(agent), AGE_SECONDS + 60)
        took = time.monotonic() - grown
        scene.write(story.sentinels(scene.partitions))
        agent.until(lambda: scene.is_told(agent))
        scene.holds(agent)
    note(found_and_read_after_seconds=took, metadata_max_age_seconds=AGE_SECONDS)
    assert took <= AGE_SECONDS + REJOIN_SECONDS + 10
