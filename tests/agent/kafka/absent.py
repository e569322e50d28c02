"""A consumer that is not there: as much of kafka-python's as the probe and the reading ask for."""

from __future__ import annotations

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

from kafka.structs import TopicPartition


class AbsentConsumer:
    """Owns some partitions, at positions it is told; nothing is ever fetched.

    Attributes:
        positions: offset of the next record, by owned partition.
    """

    def __init__(self, *owned: TopicPartition) -> None:
        self.positions = dict.fromkeys(owned, 0)
        self._paused: set[TopicPartition] = set(owned)
        self._coordinator = SimpleNamespace(time_to_next_poll=float)
        self._cluster = SimpleNamespace(config={}, topic_id=lambda _: None)
        self._fetcher = SimpleNamespace(_handle_fetch_response=_ignore, _handle_fetch_error=_ignore)

    @property
    def _subscription(self) -> Any:
        at = {part: SimpleNamespace(position=SimpleNamespace(offset=at)) for part, at in self.positions.items()}
        return SimpleNamespace(assignment=at)

    def assignment(self) -> set[TopicPartition]:
        return set(self.positions)

    def seek(self, part: TopicPartition, offset: int) -> None:
        self.positions[part] = offset

    def paused(self) -> set[TopicPartition]:
        return set(self._paused)

    def pause(self, *parts: TopicPartition) -> None:
        self._paused |= set(parts)

    def resume(self, *parts: TopicPartition) -> None:
        self._paused -= set(parts)


def response(ends: Mapping[TopicPartition, int]) -> Any:
    """A fetch response of a session, with the high watermarks of these partitions."""
    parts = [
        SimpleNamespace(
            topic=part.topic,
            partitions=[SimpleNamespace(partition_index=part.partition, error_code=0, high_watermark=end)],
        )
        for part, end in ends.items()
    ]
    return SimpleNamespace(error_code=0, session_id=7, responses=parts)


def _ignore(*_: object) -> None:
    """What the client itself makes of it."""
