"""Three brokers, one of them killed: partitions that it led are read on from their new leaders, nothing is lost; where no
other has a copy, it is said until it is back."""

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
from tests.parts.members import Member, settings_for, unique, wait_until

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


def test_a_partition_whose_only_broker_is_away_is_named_while_the_others_are_read(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One who begins meanwhile says it too: nobody can be asked where that partition begins."""
    monkeypatch.setattr("agent.kafka.watch.LEADERLESS_SECONDS", 0.0)
    topic = unique("single")
    cluster.create_topic(topic, NODES, copies=1)
    cluster.brokers[0].wait_for_partitions(topic, NODES)
    lonely, index = next((part, index) for part, index in cluster.leaders(topic).items() if index > 0)
    settings = settings_for(cluster.addresses[0], topic, group=unique("group"), brokers=cluster.addresses)
    with Member(settings) as one, Member(settings.model_copy(update={"group": unique("group")})) as late:
        one.until(lambda: len(one.last.caught_up) == NODES)
        cluster.brokers[index].kill()
        says = f"no broker leads {topic}/{lonely}. "
        one.until(lambda: one.last.trouble and says in one.last.trouble.message)
        late.until(lambda: late.last.trouble and says in late.last.trouble.message)
        others = [part for part in range(NODES) if part != lonely]
        cluster.brokers[0].produce(topic, [(part, None, b"") for part in others])
        one.until(lambda: {part.number for part, _, _ in one.records} == set(others))
        cluster.brokers[index].start()
        members = (one, late)
        wait_until(lambda: all(len(m.last.caught_up) == NODES and m.last.trouble is None for m in members), members)
