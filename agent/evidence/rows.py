"""Rows of a window, read back from the log as columns: what reports, replays and people look at.

The leaves say which events were counted; their payloads, decoded by the very decoders of the agent, say what they carried.
One payloads frame is held in memory at a time (at most 4096 entries, 8 MiB).

Where to look: an accepted event was logged no earlier than ``source.max_ahead`` before its own time, and before the clock
that closed its window. So reading begins at a place that a binary search finds, and ends at that clock. Where event time
has nothing to do with the agent's clock (``clock: events``), it begins at the log's beginning.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from agent.decoders import RecordDecoder, build_decoder
from agent.evidence.covered import Covered
from agent.evidence.opened import open_payload
from agent.evidence.span import ACCEPTED, Span
from agent.source import Fetched, Headers, Partition
from config.settings import KafkaSource, Settings
from detectors.columns import Inferences, StreamKey
from exporters.evidence.leaf import Inference, Leaf, read_leaf
from exporters.evidence.payload_frame import PayloadBlock
from exporters.evidence.payload_text import record_of
from exporters.evidence.reader import LogReader, Payload, payloads_of
from exporters.evidence.seal import FindKey
from exporters.evidence.seek import first_logged


@dataclass(frozen=True, slots=True)
class Rows:
    """Events of a stream, n rows, in the order of the log within each partition.

    Attributes:
        events: as decoded; partitions: which partition each number in them stands for.
        classes: (n,) what became of each event.
    """

    events: Inferences
    partitions: tuple[Partition, ...]
    classes: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.classes)


def read_batches(
    directory: Path,
    settings: Settings,
    stream: StreamKey,
    start_us: int,
    end_us: int,
    *,
    classes: Collection[str] = ACCEPTED,
    find_key: FindKey = lambda key_id: None,
) -> Iterator[Rows]:
    """The rows of a window, a batch at a time.

    Args:
        directory: of the log, or of an export with payloads.
        settings: by which payloads are decoded.
        find_key: keys of sealed payloads.

    Raises:
        EvidenceError: the log cannot be read.
    """
    return iter(RowReader(LogReader(directory), settings, Span(stream, start_us, end_us, classes), find_key))


class RowReader:
    """Iterates over ``Rows``.

    Attributes:
        unread: events that are not among them, by what is wrong with their payload: ``absent``, ``erased``, ``sealed``
            (its key is not here), ``changed`` (it is not what the leaf commits to), ``undecoded`` (these settings cannot
            read it).
    """

    def __init__(self, reader: LogReader, settings: Settings, span: Span, find_key: FindKey) -> None:
        self.unread: Counter[str] = Counter()
        self._reader = reader
        self._span = span
        self._find_key = find_key
        self._decoder: RecordDecoder = build_decoder(settings)
        source = settings.source
        is_wall = isinstance(source, KafkaSource) and source.clock == "wall"
        self._from_us = span.start_us - source.max_ahead_us if is_wall and isinstance(source, KafkaSource) else None
        self._covered = Covered()

    def __iter__(self) -> Iterator[Rows]:
        for chosen, is_over in self._blocks():
            rows = self._decode(chosen)
            if rows is not None and len(rows):
                yield rows
            if is_over:
                return

    def _blocks(self) -> Iterator[tuple[list[_Chosen], bool]]:
        """What is wanted of each payloads frame, and whether it was the last one."""
        for shard in self._reader.shards():
            begin = 0 if self._from_us is None else first_logged(self._reader, shard, self._from_us)
            stop = self._reader.size(shard)
            for first, block in self._reader.payload_blocks(shard, begin, stop):
                start = max(first, begin)
                leaves = self._leaves(shard, start, min(first + len(block), stop))
                yield self._choose(leaves, start - first, first, block)

    def _leaves(self, shard: str, start: int, stop: int) -> list[Leaf]:
        where = str(self._reader.path(shard))
        entries = self._reader.entries(shard, start, stop)
        return [read_leaf(entry, f"{where}, entry {start + place}") for place, entry in enumerate(entries)]

    def _choose(
        self, leaves: Sequence[Leaf], skipped: int, first: int, block: PayloadBlock
    ) -> tuple[list[_Chosen], bool]:
        """The events that are wanted, each once, with their payloads; up to the clock that ends the window."""
        end = next((place for place, leaf in enumerate(leaves) if self._span.is_over(leaf)), len(leaves))
        wanted = {
            skipped + place: leaf
            for place, leaf in enumerate(leaves[:end])
            if isinstance(leaf, Inference)
            and self._span.holds(leaf)
            and self._covered.add(leaf.source[:2], leaf.source[2])
        }
        stored = payloads_of(first, block) if wanted else iter(())
        chosen = [_Chosen(wanted[place], payload) for place, payload in enumerate(stored) if place in wanted]
        return chosen, end < len(leaves)

    def _decode(self, chosen: Sequence[_Chosen]) -> Rows | None:
        records: dict[Partition, list[_Record]] = {}
        for one in chosen:
            payload = self._open(one)
            if payload is not None:
                headers, value = record_of(payload)
                topic, number, offset = one.leaf.source
                records.setdefault(Partition(topic, number), []).append(
                    _Record(offset, value, headers, one.leaf.class_)
                )
        if not records:
            return None
        partitions = tuple(records)
        fetched = [
            _fetched(partition, sorted(found, key=lambda record: record.offset)) for partition, found in records.items()
        ]
        decoded = self._decoder.decode(fetched, {partition: number for number, partition in enumerate(partitions)})
        if decoded.inferences is None:
            self.unread["undecoded"] += sum(map(len, fetched))
            return None
        self.unread["undecoded"] += sum(map(len, fetched)) - len(decoded.inferences)
        return self._rows(decoded.inferences, partitions, records)

    def _open(self, one: _Chosen) -> bytes | None:
        payload, flaw = open_payload(one.payload, one.leaf.payload, self._find_key)
        if not flaw:
            return payload
        self.unread[flaw] += 1
        return None

    def _rows(
        self, events: Inferences, partitions: tuple[Partition, ...], records: dict[Partition, list[_Record]]
    ) -> Rows:
        classes = {
            (number, record.offset): record.class_
            for number, partition in enumerate(partitions)
            for record in records[partition]
        }
        places = zip(events.partition.tolist(), events.offset.tolist(), strict=True)
        rows = Rows(events, partitions, tuple(classes[place] for place in places))
        return _of_segment(rows, self._span.stream.segment) if self._span.stream.segment else rows


@dataclass(frozen=True, slots=True)
class _Chosen:
    leaf: Inference
    payload: Payload


@dataclass(frozen=True, slots=True)
class _Record:
    offset: int
    value: bytes
    headers: Headers
    class_: str


def _fetched(partition: Partition, records: Sequence[_Record]) -> Fetched:
    return Fetched(
        partition,
        [record.offset for record in records],
        [record.value for record in records],
        [record.headers for record in records] if any(record.headers for record in records) else (),
    )


def _of_segment(rows: Rows, segment: str) -> Rows:
    """The rows of a segment, as ``country=NL``."""
    name, _, wanted = segment.partition("=")
    values = rows.events.values.get(f"segment.{name}", [None] * len(rows))
    keep = [place for place, value in enumerate(values) if value is not None and str(value) == wanted]
    return Rows(_take(rows.events, keep), rows.partitions, tuple(rows.classes[place] for place in keep))


def _take(events: Inferences, rows: Sequence[int]) -> Inferences:
    at = np.array(rows, dtype=np.intp)
    return Inferences(
        ids=[events.ids[row] for row in rows],
        occurred_us=events.occurred_us[at],
        models=events.models,
        model_of=events.model_of[at],
        partition=events.partition[at],
        offset=events.offset[at],
        values={name: [values[row] for row in rows] for name, values in events.values.items()},
    )
