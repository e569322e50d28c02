"""Records that were read and decoded, and wait until the other partitions have followed.

A partition may run ahead of the watermark by one window only: what lies beyond stays here, and its offsets are not yet part
of the state.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import xxhash
from numpy.typing import NDArray

from agent.decoders import Decoded, Reject
from agent.source import NO_IDS, Fetched, Partition, TopicIds
from detectors.columns import Inferences, Labels
from detectors.windows import BEGINNING_OF_TIME, FRONTIER_MIN_EVENTS, PartitionProgress

Rows = NDArray[np.intp]
NO_ROWS: Rows = np.empty(0, dtype=np.intp)


@dataclass(frozen=True, slots=True)
class Slice:
    """Consecutive records of one partition: those with offsets below ``next_offset`` that were not yet taken.

    Attributes:
        first: place of the first one in its chunk; records: how many.
        rows, label_rows: of the batch's inferences and labels.
        first_us: event times of the first inference events, as many as a frontier needs.
    """

    partition: Partition
    first: int
    records: int
    rows: Rows
    label_rows: Rows
    rejects: tuple[Reject, ...]
    next_offset: int
    progress: PartitionProgress
    first_us: tuple[int, ...]


class Chunk:
    """The records of one partition from one poll, with a cursor."""

    def __init__(self, batch: Batch, fetched: Fetched, number: int) -> None:
        self.batch = batch
        self.fetched = fetched
        self.number = number
        self.rows = _rows_of(batch.inferences, number)
        self.label_rows = _rows_of(batch.labels, number)
        self.rejects = [r for r in batch.rejects if (r.topic, r.partition) == fetched.partition]
        self._taken = 0

    def value(self, offset: int) -> bytes:
        """The bytes of a record."""
        return self.fetched.values[bisect_left(self.fetched.offsets, offset)] or b""

    @property
    def empty(self) -> bool:
        return self._taken >= len(self.fetched)

    @property
    def first_us(self) -> int | None:
        """Event time of the first event that waits here."""
        firsts = [int(times[0]) for times in self._times() if len(times)]
        return min(firsts) if firsts else None

    @property
    def latest_us(self) -> int:
        """The greatest event time that waits here."""
        times, _ = self._times()
        return int(times.max(initial=BEGINNING_OF_TIME))

    def progress_after(self, progress: PartitionProgress) -> PartitionProgress:
        """The partition's progress when all that waits here will have been read."""
        return self._advanced(progress, self.rows, self.label_rows)

    def take(self, progress: PartitionProgress, limit_us: int) -> Slice:
        """Records until the partition's event time passes a limit; the one that passes it is taken, at least one is.

        Where events follow on labels, the first of them are taken alone: from then on they, and not the labels, say how far
        the partition has been read. Labels are bounded only until then.
        """
        times, label_times = self._times()
        rows, labels = progress.inferences.rows_within(times, limit_us), len(label_times)
        if progress.inferences.value_us is None:
            labels = progress.labels.rows_within(label_times, limit_us)
            rows = rows if progress.labels.value_us is None else min(rows, FRONTIER_MIN_EVENTS)
        end_of_rows = self._offset(self.batch.inferences, self.rows, rows)
        end_of_labels = self._offset(self.batch.labels, self.label_rows, labels)
        return self._cut(progress, min(end_of_rows, end_of_labels))

    def _cut(self, progress: PartitionProgress, end: int) -> Slice:
        at = bisect_left(self.fetched.offsets, end)
        rows = _below(self.batch.inferences, self.rows, end)
        label_rows = _below(self.batch.labels, self.label_rows, end)
        taken = Slice(
            partition=self.fetched.partition,
            first=self._taken,
            records=at - self._taken,
            rows=rows,
            label_rows=label_rows,
            rejects=tuple(r for r in self.rejects if r.offset < end),
            next_offset=self.fetched.offsets[at] if at < len(self.fetched) else self.fetched.offsets[-1] + 1,
            progress=self._advanced(progress, rows, label_rows),
            first_us=self._first_us(rows),
        )
        self.rows, self.label_rows = self.rows[len(rows) :], self.label_rows[len(label_rows) :]
        self.rejects = [r for r in self.rejects if r.offset >= end]
        self._taken = at
        return taken

    def _advanced(self, progress: PartitionProgress, rows: Rows, label_rows: Rows) -> PartitionProgress:
        inferences, labels = self.batch.inferences, self.batch.labels
        return progress.advance(
            inferences.occurred_us[rows] if inferences is not None else None,
            labels.occurred_us[label_rows] if labels is not None else None,
        )

    def _first_us(self, rows: Rows) -> tuple[int, ...]:
        inferences = self.batch.inferences
        return () if inferences is None else tuple(inferences.occurred_us[rows[:FRONTIER_MIN_EVENTS]].tolist())

    def _times(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        none = np.empty(0, dtype=np.int64)
        inferences, labels = self.batch.inferences, self.batch.labels
        return (
            none if inferences is None else inferences.occurred_us[self.rows],
            none if labels is None else labels.occurred_us[self.label_rows],
        )

    def _offset(self, events: Inferences | Labels | None, rows: Rows, at: int) -> int:
        """Offset of the first row that is not taken; beyond the chunk where all are."""
        if events is None or at >= len(rows):
            return self.fetched.offsets[-1] + 1
        return int(events.offset[rows[at]])


class Batch:
    """What one poll brought, decoded: shared by the chunks of its partitions."""

    def __init__(
        self, decoded: Decoded, fetched: Sequence[Fetched], numbers: Sequence[int], topic_ids: TopicIds = NO_IDS
    ) -> None:
        self.topic_ids = topic_ids
        self.inferences = decoded.inferences
        self.labels = decoded.labels
        self.oversights = decoded.oversights
        self.rejects = decoded.rejects
        self.extra_fields = decoded.extra_fields
        self.chunks = [Chunk(self, part, number) for part, number in zip(fetched, numbers, strict=True) if len(part)]
        self.marks = self._marks({number: part for part, number in zip(fetched, numbers, strict=True)})

    def _marks(self, fetched: dict[int, Fetched]) -> NDArray[np.uint32]:
        """A 32-bit fingerprint of each inference event's bytes, to tell unequal copies."""
        if self.inferences is None:
            return np.empty(0, dtype=np.uint32)
        marks = np.empty(len(self.inferences), dtype=np.uint32)
        digest = xxhash.xxh3_64_intdigest
        for number, part in fetched.items():
            rows = _rows_of(self.inferences, number)
            at = np.searchsorted(np.asarray(part.offsets, dtype=np.int64), self.inferences.offset[rows])
            hashes = np.fromiter(map(digest, (value or b"" for value in part.values)), np.uint64, len(part))
            marks[rows] = hashes[at].astype(np.uint32)
        return marks


class Buffer:
    """Chunks by partition, in the order of reading."""

    def __init__(self) -> None:
        self._chunks: dict[Partition, list[Chunk]] = {}

    def add(self, batch: Batch) -> None:
        for chunk in batch.chunks:
            self._chunks.setdefault(chunk.fetched.partition, []).append(chunk)

    def clear(self) -> None:
        self._chunks.clear()

    @property
    def waiting(self) -> frozenset[Partition]:
        """Partitions with records that wait."""
        return frozenset(partition for partition, chunks in self._chunks.items() if chunks)

    def heads(self) -> Iterator[Chunk]:
        """The next chunk of each partition."""
        return (chunks[0] for chunks in list(self._chunks.values()) if chunks)

    def drop_if_empty(self, chunk: Chunk) -> None:
        if chunk.empty:
            self._chunks[chunk.fetched.partition].pop(0)


def _rows_of(events: Inferences | Labels | None, number: int) -> Rows:
    return NO_ROWS if events is None else np.flatnonzero(events.partition == number)


def _below(events: Inferences | Labels | None, rows: Rows, end: int) -> Rows:
    return rows if events is None else rows[: int(np.searchsorted(events.offset[rows], end))]
