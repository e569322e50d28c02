"""The Kafka source on the embedded broker of the demo: a look that needs no Java. The proofs are in ``tests/parts``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from kafka import KafkaProducer

from agent.source import Committed, Partition
from deploy.demo import broker
from tests.parts.members import Member, settings_for, unique


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    directory: Path = tmp_path_factory.mktemp("broker")
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv(broker.VARIABLE, raising=False)
        with broker.running(directory) as found:
            yield found


def test_every_record_is_read_once_and_the_next_member_finds_the_commit(address: str) -> None:
    topic = unique("quick")
    broker.create_topic(address, topic)
    producer = KafkaProducer(bootstrap_servers=address)
    for number in range(200):
        producer.send(topic, partition=number % broker.PARTITIONS, value=b"%d" % number)
    producer.flush()
    producer.close()
    settings = settings_for(address, topic, group=topic, session_timeout_seconds=2)
    with Member(settings) as one:
        one.until(lambda: len(one.records) >= 200)
        assert one.source.commit({Partition(topic, 0): Committed(50, "note")})
    assert sorted(int(value or b"") for value in one.values) == list(range(200))
    with Member(settings) as two:
        two.until(lambda: two.owns)
    committed = two.assignments[0].committed  # this broker forgets notes, Apache Kafka does not
    assert {part: at.offset for part, at in committed.items()} == {Partition(topic, 0): 50}
