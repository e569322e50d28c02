"""Writing to a topic of the source's brokers: each message waited for, since whoever sends one tells whether it arrived."""

from __future__ import annotations

from typing import Any

from kafka import KafkaProducer

from agent.kafka.options import producer_options
from config.settings.source import KafkaSource as KafkaSettings

SEND_SECONDS = 10.0


class TopicWriter:
    """Owned by one thread. Connects at the first message, and anew after one that failed."""

    def __init__(self, settings: KafkaSettings, topic: str) -> None:
        self._settings = settings
        self._topic = topic
        self._producer: Any = None

    def write(self, key: str, value: bytes) -> None:
        """Send a message and wait until every replica has it.

        Raises:
            kafka.errors.KafkaError: the brokers did not take it in time.
            SourceError: a file that the settings name cannot be read.
        """
        if self._producer is None:
            self._producer = KafkaProducer(**producer_options(self._settings))
        try:
            self._producer.send(self._topic, key=key.encode(), value=value).get(timeout=SEND_SECONDS)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Safe twice."""
        producer, self._producer = self._producer, None
        if producer is not None:
            producer.close(timeout=SEND_SECONDS)
