"""Consecutive records of a log, put together again as a poll would have brought them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from agent.flow.buffer import NO_ROWS, Slice
from agent.source import Fetched, Headers, Partition
from detectors.windows import FRONTIER_MIN_EVENTS, PartitionProgress
from exporters.evidence.leaf import Inference, Label, Oversight, Record
from exporters.evidence.payload_text import record_of

Recorded = Inference | Label | Oversight | Record
"""Leaves of records."""


@dataclass(slots=True)
class Part:
    """Records of one partition, those that count, and what all of them say of its event time.

    Attributes:
        begin: offset of the first one, whether it counts or not; end: the one behind the last.
        offsets, values, headers: of those that count.
        event_us, label_us: event times of all inference events, and of all labels.
    """

    partition: Partition
    begin: int
    end: int
    offsets: list[int] = field(default_factory=list)
    values: list[bytes] = field(default_factory=list)
    headers: list[Headers] = field(default_factory=list)
    event_us: list[int] = field(default_factory=list)
    label_us: list[int] = field(default_factory=list)

    def fetched(self) -> Fetched:
        """Those that count."""
        return Fetched(self.partition, self.offsets, self.values, self.headers if any(self.headers) else ())

    def read(self, progress: PartitionProgress) -> Slice:
        """That all of them were read, for positions and frontiers."""
        times = (np.array(us, dtype=np.int64) for us in (self.event_us, self.label_us))
        return Slice(
            partition=self.partition,
            first=0,
            records=self.end - self.begin,
            rows=NO_ROWS,
            label_rows=NO_ROWS,
            rejects=(),
            next_offset=self.end,
            progress=progress.advance(*times),
            first_us=tuple(self.event_us[:FRONTIER_MIN_EVENTS]),
        )


class Run:
    """Records that were read under the same watermarks.

    Attributes:
        records: how many; counted: how many of them count.
    """

    def __init__(self) -> None:
        self.records = self.counted = 0
        self._parts: dict[Partition, Part] = {}

    def __bool__(self) -> bool:
        return bool(self._parts)

    def __iter__(self) -> Iterator[Part]:
        return iter(self._parts.values())

    def has_room(self, leaf: Recorded) -> bool:
        """Whether a record follows those that are there; it does not where its partition is read again."""
        topic, number, offset = leaf.source
        known = self._parts.get(Partition(topic, number))
        return known is None or known.end <= offset

    def add(self, leaf: Recorded) -> Part:
        """A record was read."""
        topic, number, offset = leaf.source
        partition = Partition(topic, number)
        part = self._parts.setdefault(partition, Part(partition, offset, offset))
        part.end = offset + 1
        self.records += 1
        if isinstance(leaf, Inference):
            part.event_us.append(leaf.at)
        elif isinstance(leaf, Label):
            part.label_us.append(leaf.at)
        return part

    def count(self, part: Part, offset: int, payload: bytes) -> None:
        """The record that was just added counts."""
        headers, value = record_of(payload)
        part.offsets.append(offset)
        part.values.append(value)
        part.headers.append(headers)
        self.counted += 1
