"""Where the partitions of a new ownership could begin."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime
from typing import Literal, TypeVar

from kafka import errors
from kafka.structs import TopicPartition

from agent.kafka.connection import Connection
from agent.source import Assignment, Committed, Partition

Start = Literal["earliest", "latest"] | datetime
Offsets = Mapping[TopicPartition, int]
T = TypeVar("T")


class NoLeaderError(errors.LeaderNotAvailableError):  # type: ignore[misc]  # kafka-python has no types
    """No broker leads these partitions; time may heal it."""

    def __init__(self, partitions: Sequence[TopicPartition]) -> None:
        super().__init__(partitions)
        self.partitions = partitions


def as_partition(part: TopicPartition) -> Partition:
    """Kafka's name for a partition as ours."""
    return Partition(part.topic, part.partition)


def named(by_part: Mapping[TopicPartition, T]) -> dict[Partition, T]:
    """The same mapping under our names."""
    return {as_partition(part): value for part, value in by_part.items()}


def ask_offsets(connection: Connection, owned: AbstractSet[TopicPartition], start: Start) -> Assignment:
    """Ask the brokers about the owned partitions.

    Raises:
        kafka.errors.KafkaTimeoutError: they did not answer in time; ask again.
        NoLeaderError: there is nobody to be asked about some of them.
    """
    parts = sorted(owned)
    if not parts:
        return Assignment(())
    leaderless = connection.probe.leaderless(parts)
    if leaderless:
        connection.probe.refresh_metadata()
        raise NoLeaderError(leaderless)
    beginnings, ends = connection.beginnings(parts), connection.ends(parts)
    committed = connection.committed(parts)
    return Assignment(
        partitions=tuple(as_partition(part) for part in parts),
        committed={as_partition(part): Committed(at.offset, at.metadata or "") for part, at in committed.items()},
        beginnings=named(beginnings),
        ends=named(ends),
        starts=named(_starts(connection, beginnings, ends, start) | _of_late_comers(beginnings, committed)),
    )


def _of_late_comers(beginnings: Offsets, committed: Mapping[TopicPartition, object]) -> dict[TopicPartition, int]:
    """A partition without a commit, where others of its topic have one, was added since: it is read from its beginning, or
    what came before it was noticed would be lost to ``start: latest``."""
    known = {part.topic for part in committed}
    return {part: at for part, at in beginnings.items() if part not in committed and part.topic in known}


def _starts(connection: Connection, beginnings: Offsets, ends: Offsets, start: Start) -> dict[TopicPartition, int]:
    if start == "earliest":
        return dict(beginnings)
    if start == "latest":
        return dict(ends)
    found = connection.offsets_at(beginnings, int(start.timestamp() * 1000))
    return {part: ends[part] if at is None else at for part, at in found.items()}
