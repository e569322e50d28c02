"""The event log of an agent on a real Apache Kafka: whole by its offsets, and its checkpoints in other hands."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaConsumer

from exporters.evidence.completeness import Offsets
from exporters.evidence.keys import read_verifiers
from exporters.evidence.leaf import Leaf, read_leaf
from exporters.evidence.note import open_checkpoint
from exporters.evidence.reader import LogReader
from tests.agent.world import World, make_reference
from tests.parts.journey import Journey, hands_of
from tests.parts.kafka import KafkaBroker
from tests.parts.live_agent import LiveAgent
from tests.parts.members import unique

pytestmark = pytest.mark.parts


@pytest.fixture(scope="module")
def journey(tmp_path_factory: pytest.TempPathFactory) -> Journey:
    return Journey(World(seed=5, days=2), make_reference(tmp_path_factory.mktemp("reference")), partitions=2)


def leaves_of(agent: LiveAgent) -> list[Leaf]:
    reader = LogReader(agent.state / "log")
    return [
        read_leaf(entry, f"{shard}/{index}")
        for shard in reader.shards()
        for index, entry in enumerate(reader.entries(shard))
    ]


def last_message(broker: KafkaBroker, topic: str) -> bytes:
    consumer: Any = KafkaConsumer(
        topic, bootstrap_servers=broker.bootstrap, auto_offset_reset="earliest", consumer_timeout_ms=3000
    )
    try:
        return bytes([message.value for message in consumer][-1])
    finally:
        consumer.close(autocommit=False)


def test_the_log_is_whole_and_its_last_checkpoint_is_elsewhere(
    tmp_path: Path, broker: KafkaBroker, journey: Journey
) -> None:
    journey.create_topics(broker)
    topic, copy = unique("checkpoints"), tmp_path / "elsewhere" / "checkpoint"
    broker.create_topic(topic)
    events, labels = hands_of(journey.world, journey.partitions, seed=3)
    journey.produce(broker, events, labels)
    broker.transaction(journey.events_topic, [(0, None, b"{}")], commit=False)
    broker.transaction(journey.events_topic, [(0, None, b"not an event")], commit=True)
    broker.produce(journey.events_topic, [(0, None, b"the last one")])
    copies = [{"type": "kafka", "topic": topic}, {"type": "file", "path": str(copy)}]
    agent = LiveAgent(tmp_path, {**journey.settings(broker), "log": {"checkpoints": copies, "cadence": "1s"}})
    wanted = sum(journey.produced.values()) + 2
    with agent:
        agent.until(lambda: sum(agent.counters().get(one, 0) for one in ("received", "labels_received")) == wanted)
        assert agent.stop() == 0
    leaves = leaves_of(agent)
    offsets = Offsets()
    assert list(offsets.follow(leaves)) == []
    assert {hole.cause for hole in offsets.missing} == {"not_delivered"}
    assert sum(hasattr(leaf, "source") and len(leaf.source) == 3 for leaf in leaves) == wanted
    note = copy.read_bytes()
    signed = open_checkpoint(note, read_verifiers(agent.state / "log" / "log.vkey"))
    assert signed.size == len(leaves)
    assert last_message(broker, topic) == note
    assert json.dumps(signed.origin).startswith(f'"wachter/{journey.events_topic}/')
