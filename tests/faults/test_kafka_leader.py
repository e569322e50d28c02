"""Three brokers, one of them killed: partitions that it led are read on from their new leaders, nothing is lost."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.cluster import NODES, Cluster
from tests.faults.conftest import Note
from tests.faults.generator import Story, part_of
from tests.faults.report import SCALE, scaled
from tests.faults.scene import Scene
from tests.parts.fixtures import require_kafka

pytestmark = [pytest.mark.parts, pytest.mark.slow, pytest.mark.timeout(600)]
STALL_SECONDS = 15.0
"""The promise: only the partitions of the lost leader stall, and no longer than this."""
SLACK = 1 if SCALE > 1 else 3
"""In the quick form three brokers share the machine with other tests."""


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    require_kafka()
    with Cluster() as started:
        yield started


def test_a_lost_leader_stalls_its_partitions_for_seconds_and_loses_nothing(
    tmp_path: Path, cluster: Cluster, note: Note
) -> None:
    scene = Scene(Story(seed=42, events=3000), cluster.brokers[0], partitions=6)
    cluster.create_topic(scene.topic, scene.partitions)
    scene.broker.wait_for_partitions(scene.topic, scene.partitions)
    scene.open()
    stalls = []
    with scene.read_by(tmp_path, brokers=cluster.addresses) as agent:
        scene.tell(0.0, 0.3)
        agent.until(lambda: scene.is_read(agent))
        rounds = scaled(1, 6)
        for number in range(rounds):
            lost = cluster.brokers[1 + number % (NODES - 1)]  # the first one is the tests' own way in
            lost.kill()
            killed = time.monotonic()
            scene.write(part_of(scene.hands, 0.3 + 0.4 * number / rounds, 0.3 + 0.4 * (number + 1) / rounds))
            agent.until(lambda: scene.is_read(agent), STALL_SECONDS * SLACK + 30)
            stalls.append(time.monotonic() - killed)
            lost.start()
        scene.tell(0.7, 1.0)
        agent.until(lambda: scene.is_told(agent), 60)
        scene.holds(agent)
        assert "Traceback" not in agent.output
    note(leaders_killed=rounds, longest_stall_seconds=max(stalls))
    assert max(stalls) <= STALL_SECONDS * SLACK
