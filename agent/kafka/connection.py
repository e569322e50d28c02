"""One consumer and what belongs to it, from its first connection to its close."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from typing import Any

from kafka import KafkaConsumer
from kafka.consumer.subscription_state import ConsumerRebalanceListener
from kafka.net.compat import KafkaNetClient
from kafka.structs import TopicPartition

from agent.kafka.assignor import SoleOwnerAssignor
from agent.kafka.membership import Membership
from agent.kafka.options import MEMORY_BYTES, consumer_options
from agent.kafka.probe import Probe, raise_refusals
from config.settings.source import KafkaSource as KafkaSettings

OFFSETS_SECONDS = 5.0


class Connection:
    """A consumer that has reached a broker and will join its group at the next poll.

    Raises:
        kafka.errors.KafkaError: no broker could be reached within ``options.BOOTSTRAP_SECONDS``, or it refused us.
        SourceError: a file that the settings name cannot be read.
    """

    def __init__(self, settings: KafkaSettings, membership: Membership, memory_bytes: int = MEMORY_BYTES) -> None:
        self.opened_at = time.monotonic()
        self.assignor = SoleOwnerAssignor(membership)
        self.consumer, self._client = _connect(consumer_options(settings, memory_bytes), self.assignor)
        self.probe = Probe(self.consumer)
        self.consumer.subscribe(topics=list(settings.topics), listener=_Listener(self.consumer, membership))
        self.probe.await_topics(settings.topics, OFFSETS_SECONDS)

    def contact_at(self) -> float:
        """When a broker last answered, on the monotonic clock; the time of opening before the first answer."""
        return max(self.opened_at, self.probe.contact_at())

    def beginnings(self, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        """First available offsets."""
        found: dict[TopicPartition, int] = self.consumer.beginning_offsets(list(partitions), timeout_ms=_OFFSETS_MS)
        return found

    def ends(self, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        """Offsets of the next records to come."""
        found: dict[TopicPartition, int] = self.consumer.end_offsets(list(partitions), timeout_ms=_OFFSETS_MS)
        return found

    def offsets_at(self, partitions: Iterable[TopicPartition], time_ms: int) -> dict[TopicPartition, int | None]:
        """Offsets of the first records at or after a time; ``None`` where there is none."""
        asked = dict.fromkeys(partitions, time_ms)
        found: Mapping[TopicPartition, Any] = self.consumer.offsets_for_times(asked, timeout_ms=_OFFSETS_MS)
        return {part: None if at is None else int(at.offset) for part, at in found.items()}

    def committed(self, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, Any]:
        """Last commits with their metadata, where there are any."""
        asked = ((part, self.consumer.committed(part, metadata=True, timeout_ms=_OFFSETS_MS)) for part in partitions)
        return {part: commit for part, commit in asked if commit is not None}

    def close(self, deadline_seconds: float) -> None:
        """Leave the group (a static member stays in it until its session ends) and close all sockets."""
        try:
            self.consumer.close(autocommit=False, timeout_ms=max(0.0, deadline_seconds) * 1000)
        finally:
            self._client.close()  # 3.0.12 leaves its thread and sockets behind where leaving the group fails; safe twice


class _Listener(ConsumerRebalanceListener):  # type: ignore[misc]  # kafka-python has no types
    """Runs on the I/O thread in the middle of a join: it notes, and never waits."""

    def __init__(self, consumer: Any, membership: Membership) -> None:
        self._consumer = consumer
        self._membership = membership

    def on_partitions_assigned(self, assigned: set[TopicPartition]) -> None:
        """Hold new partitions until ``begin``; the offset is a place-holder that spares a search for one."""
        for part in assigned:
            self._consumer.seek(part, 0)
        self._consumer.pause(*assigned)

    def on_partitions_revoked(self, revoked: set[TopicPartition]) -> None:
        self._membership.lost(revoked)

    def on_partitions_lost(self, lost: set[TopicPartition]) -> None:
        self._membership.lost(lost)


def _connect(options: dict[str, Any], assignor: SoleOwnerAssignor) -> tuple[Any, Any]:
    """A consumer and its client, or an exception that leaves nothing running.

    A consumer that cannot bootstrap raises from its constructor and forgets its I/O thread: keep the client to end it.
    """
    clients: list[Any] = []

    def client(**settings: Any) -> Any:
        clients.append(KafkaNetClient(**settings))
        raise_refusals(clients[-1])
        return clients[-1]

    try:
        consumer = KafkaConsumer(**{**options, "kafka_client": client, "partition_assignment_strategy": [assignor]})
    except BaseException:
        for one in clients:
            one.close()
        raise
    return consumer, clients[-1]


_OFFSETS_MS = OFFSETS_SECONDS * 1000
