"""Sends a stream of messages to Kafka, faster than they happened."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from kafka import KafkaProducer

from deploy.demo.events import Message

PER_TURN = 500


def send(address: str, topic: str, messages: Iterable[Message], tell: Callable[[int, int], None]) -> None:
    """Send all messages; ``tell(at_us, sent)`` hears after every few hundred where the year stands."""
    producer: Any = KafkaProducer(bootstrap_servers=address, acks="all", linger_ms=20, batch_size=256 * 1024)
    try:
        for sent, message in enumerate(messages, 1):
            producer.send(topic, key=message.key, value=message.value)
            if sent % PER_TURN == 0:
                tell(message.at_us, sent)
        producer.flush()
    finally:
        producer.close(timeout=5)


def paced(messages: Iterable[Message], speed: float) -> Iterator[Message]:
    """The messages at the pace at which they happened, ``speed`` times faster."""
    begun: float | None = None
    first_us = 0
    for number, message in enumerate(messages):
        if begun is None:
            begun, first_us = time.monotonic(), message.at_us
        if number % PER_TURN == 0:
            ahead = (message.at_us - first_us) / 1e6 / speed - (time.monotonic() - begun)
            if ahead > 0:
                time.sleep(ahead)
        yield message
