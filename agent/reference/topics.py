"""A stretch of Kafka topics, read without a group: nothing is committed, and nobody's position moves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from kafka import KafkaConsumer
from kafka.errors import KafkaError
from kafka.net.compat import KafkaNetClient
from kafka.structs import TopicPartition

from agent.kafka.options import consumer_options
from agent.kafka.trouble import explain
from agent.reference.sources import Progress
from agent.source import Fetched, Partition
from config.errors import SourceError
from config.settings.source import KafkaSource

POLL_MS = 1000
MAX_SILENT_POLLS = 30
"""Polls in a row without a record before the reading is given up."""

Span = tuple[int, int]


class TopicRange:
    """Records of topics between two times, or all that are there when it is made.

    Attributes:
        total: offsets in the range; fewer records where topics are compacted or transactional.
    """

    def __init__(
        self,
        settings: KafkaSource,
        since: datetime | None = None,
        until: datetime | None = None,
        topics: Sequence[str] = (),
    ) -> None:
        """Find the range.

        Args:
            topics: to read; without any, those of the settings.

        Raises:
            SourceError: the brokers cannot be reached, a topic is not there, or access is refused.
        """
        self._settings = settings
        self._since, self._until = since, until
        self._topics = tuple(topics) or settings.topics
        try:
            self._spans = self._find_spans()
        except (KafkaError, OSError) as error:
            raise _as_source_error(error, settings) from error
        self.total = sum(stop - start for start, stop in self._spans.values())

    def read(self, progress: Progress) -> Iterator[Fetched]:
        """The range, batch by batch.

        Raises:
            SourceError: it cannot be read on.
        """
        try:
            yield from self._read(progress)
        except (KafkaError, OSError) as error:
            raise _as_source_error(error, self._settings) from error

    def provenance(self) -> Mapping[str, str]:
        """Offsets by partition: [first, next)."""
        return {f"source {part.topic}/{part.partition}": f"offsets [{a}, {b})" for part, (a, b) in self._spans.items()}

    def _find_spans(self) -> dict[TopicPartition, Span]:
        """Non-empty [first, next) offsets by partition."""
        consumer = _consumer(self._settings)
        try:
            parts = [part for topic in self._topics for part in _partitions(consumer, topic)]
            ends = consumer.end_offsets(parts)
            starts = consumer.beginning_offsets(parts) if self._since is None else _at(consumer, self._since, ends)
            stops = ends if self._until is None else _at(consumer, self._until, ends)
        finally:
            consumer.close()
        return {part: (starts[part], stops[part]) for part in parts if starts[part] < stops[part]}

    def _read(self, progress: Progress) -> Iterator[Fetched]:
        consumer = _consumer(self._settings)
        try:
            consumer.assign(list(self._spans))
            for part, (start, _) in self._spans.items():
                consumer.seek(part, start)
            left = dict(self._spans)
            silent = 0
            while left and silent < MAX_SILENT_POLLS:
                found = consumer.poll(timeout_ms=POLL_MS)
                silent = 0 if found else silent + 1
                yield from (self._fetched(part, records) for part, records in found.items() if part in left)
                left = {part: span for part, span in left.items() if consumer.position(part) < span[1]}
                progress(self.total - sum(stop - consumer.position(part) for part, (_, stop) in left.items()))
        finally:
            consumer.close()
        if left:
            raise SourceError(
                f"no record came for {MAX_SILENT_POLLS} s, and {len(left)} partitions are not at their end"
            )

    def _fetched(self, part: TopicPartition, records: Sequence[Any]) -> Fetched:
        """The records before the end of the range."""
        stop = self._spans[part][1]
        inside = [record for record in records if record.offset < stop]
        return Fetched(
            Partition(part.topic, part.partition),
            [record.offset for record in inside],
            [record.value for record in inside],
            [record.headers for record in inside],
        )


def _consumer(settings: KafkaSource) -> Any:
    """A consumer that belongs to no group, or an exception that leaves nothing running.

    A consumer that cannot reach a broker raises from its constructor and forgets its I/O thread: keep the client to end it.
    """
    clients: list[Any] = []

    def client(**options: Any) -> Any:
        clients.append(KafkaNetClient(**options))
        return clients[-1]

    alone = {"group_id": None, "group_instance_id": None, "client_id": "wachter-reference", "kafka_client": client}
    try:
        return KafkaConsumer(**{**consumer_options(settings), **alone})
    except BaseException:
        for one in clients:
            one.close()
        raise


def _partitions(consumer: Any, topic: str) -> list[TopicPartition]:
    numbers = consumer.partitions_for_topic(topic)
    if not numbers:
        raise SourceError(f"topic {topic!r} is not there. Check its name, and that it may be read")
    return [TopicPartition(topic, number) for number in sorted(numbers)]


def _at(consumer: Any, time: datetime, ends: Mapping[TopicPartition, int]) -> dict[TopicPartition, int]:
    """Offsets of the first records at or after a time; the end where there is none."""
    found = consumer.offsets_for_times(dict.fromkeys(ends, int(time.timestamp() * 1000)))
    return {part: end if found.get(part) is None else int(found[part].offset) for part, end in ends.items()}


def _as_source_error(error: Exception, settings: KafkaSource) -> SourceError:
    return SourceError(explain(error, settings).message.removesuffix("; trying again"))
