"""A burst with records of ten megabytes among it: memory stays within its limit, no member is thrown out."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.faults.conftest import Note
from tests.faults.generator import Story, part_of
from tests.faults.process import usage
from tests.faults.report import SCALE, scaled
from tests.faults.scene import Scene
from tests.parts.kafka import KafkaBroker

pytestmark = [pytest.mark.parts, pytest.mark.slow, pytest.mark.timeout(120 + 600 * SCALE)]
LIMIT_MEBIBYTES = 512
"""The default of limits.memory_bytes."""
EVENTS = scaled(30_000, 600_000)
LARGE_BYTES = 10 << 20
PARTS = 10


def test_a_burst_with_large_records_stays_within_memory_and_keeps_its_partitions(
    tmp_path: Path, broker: KafkaBroker, note: Note
) -> None:
    story = Story(seed=71, events=EVENTS, padding=400)
    scene = Scene(story, broker).create(max_message_bytes="20000000")
    with scene.read_by(tmp_path) as agent:
        agent.until(agent.ready)
        scene.tell(0.0, 0.01)
        agent.until(lambda: scene.is_read(agent))
        began = time.monotonic()
        for number in range(PARTS):
            scene.write(part_of(scene.hands, 0.01 + 0.99 * number / PARTS, 0.01 + 0.99 * (number + 1) / PARTS))
            scene.write([[b"x" * LARGE_BYTES], *([[]] * (scene.partitions - 1))])
        scene.write(story.sentinels(scene.partitions))
        agent.until(lambda: scene.is_told(agent), 100 * max(1.0, SCALE))
        took, peak = time.monotonic() - began, usage(agent.pid).peak_mebibytes
        scene.holds(agent, rejected=PARTS)
        assert agent.metric("wachter_steps_dropped_total") == 0
    note(events=EVENTS, large_records=PARTS, events_a_second=EVENTS / took, peak_mebibytes=peak)
    assert peak < LIMIT_MEBIBYTES
