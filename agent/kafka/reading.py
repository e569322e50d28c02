"""What is fetched under one ownership: where from, what is held back, what stands at its end."""

from __future__ import annotations

import time
from collections.abc import Container, Mapping, Sequence
from collections.abc import Set as AbstractSet
from operator import attrgetter
from typing import Any

from kafka.structs import TopicPartition

from agent.kafka.connection import Connection
from agent.kafka.offsets import as_partition
from agent.source import NO_IDS, Assignment, Fetched, Headers, Partition, TopicIds

FRESH_SECONDS = 5.0
"""How old the last fetch answer may be that says of a partition that it stands at its end. An idle broker answers every
half second, so that this only has to outlast a long step."""


class Reading:
    """The partitions of one assignment on one connection, all paused; silent until ``begin``.

    Attributes:
        topic_ids: the topics that positions belong to.
    """

    def __init__(self, connection: Connection, assignment: Assignment) -> None:
        self.assignment = assignment
        self._connection = connection
        self._consumer = connection.consumer
        self._owned = frozenset(TopicPartition(*part) for part in assignment.partitions)
        self._begun = False
        self._held: frozenset[TopicPartition] = frozenset()
        self._valid_from = dict.fromkeys(self._owned, float("inf"))
        self.topic_ids: TopicIds = NO_IDS
        self.know_topics()

    def begin(self, positions: Mapping[Partition, int], topic_ids: TopicIds = NO_IDS) -> None:
        """Fetch from these offsets on; a partition without one begins at its start."""
        self.topic_ids = {**self.topic_ids, **topic_ids}
        for part in self._mine():
            name = as_partition(part)
            self.move(part, positions.get(name, self.assignment.starts[name]))
        self._begun = True
        self._apply()

    def hold(self, partitions: AbstractSet[Partition]) -> None:
        """Pause exactly these."""
        self._held = frozenset(TopicPartition(*part) for part in partitions)
        if self._begun:
            self._apply()

    def move(self, part: TopicPartition, offset: int) -> None:
        """Go on elsewhere, across a gap."""
        self._consumer.seek(part, offset)
        self._valid_from[part] = time.monotonic()

    def know_topics(self) -> None:
        """From now on the topics that have our names are those that the brokers know by these names now."""
        found = {part.topic: self._connection.probe.topic_id(part.topic) for part in self._owned}
        self.topic_ids = {**self.topic_ids, **{topic: known for topic, known in found.items() if known is not None}}

    def made_anew(self) -> dict[TopicPartition, int]:
        """Positions in topics that were deleted and made again since; a topic that is only missing is not among them."""
        probe, changed = self._connection.probe, set()
        for topic, known in self.topic_ids.items():
            found = probe.topic_id(topic)
            if found is not None and found != known:
                changed.add(topic)
        return {part: probe.position(part) or 0 for part in self._mine() if part.topic in changed} if changed else {}

    def pass_over(self, except_for: Container[TopicPartition]) -> list[Fetched]:
        """Go on behind batches that are too large to be fetched; the head of each stands for it, at its last offset.

        Args:
            except_for: partitions whose records must be handed out first.
        """
        probe, passed = self._connection.probe, []
        for part, found in list(probe.too_large.items()):
            if part in except_for:
                continue
            probe.too_large.pop(part, None)
            if part in self._mine() and found.first <= (probe.position(part) or 0) < found.end:
                self.move(part, found.end)
                passed.append(Fetched(as_partition(part), [found.end - 1], [found.head]))
        return passed

    def caught_up(self) -> frozenset[Partition]:
        """Partitions whose position is their end, by the last fetch answer: a fresh one to a request sent since the
        last ``begin``, ``hold`` or gap. A failed fetch empties the set."""
        now = time.monotonic()
        return frozenset(as_partition(part) for part in self._owned if self._at_end(part, now))

    def lag(self) -> dict[Partition, int]:
        """Records between position and end, where both are known."""
        if not self._begun:
            return {}
        found: dict[Partition, int] = {}
        for part in self._owned:
            position, answer = self._connection.probe.position(part), self._connection.probe.answers.get(part)
            end = answer.end if answer is not None else self.assignment.ends.get(as_partition(part))
            if position is not None and end is not None:
                found[as_partition(part)] = max(0, end - position)
        return found

    def _at_end(self, part: TopicPartition, now: float) -> bool:
        answer = self._connection.probe.answers.get(part)
        if answer is None or now - answer.received_at > FRESH_SECONDS or answer.sent_at < self._valid_from[part]:
            return False
        return answer.offset >= answer.end and answer.offset == self._connection.probe.position(part)

    def _apply(self) -> None:
        """Bring the consumer's pauses in line; whatever changes must be confirmed anew."""
        mine, paused, now = self._mine(), self._consumer.paused(), time.monotonic()
        held = mine & self._held
        for part in (held - paused) | (paused & (mine - held)):
            self._valid_from[part] = now
        self._consumer.pause(*(held - paused))
        self._consumer.resume(*(paused & (mine - held)))

    def _mine(self) -> frozenset[TopicPartition]:
        """Owned, and not lost since."""
        return self._owned.intersection(self._consumer.assignment())


def as_fetched(part: TopicPartition, records: Sequence[Any]) -> Fetched:
    """A partition's records as columns."""
    headers: Sequence[Headers] = ()
    if any(map(attrgetter("headers"), records)):
        headers = [[(key, value or b"") for key, value in record.headers] for record in records]
    offsets = [record.offset for record in records]
    return Fetched(as_partition(part), offsets, [record.value for record in records], headers)
