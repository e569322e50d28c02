"""The records of a topic on their way: where each comes from, what is wrapped around it, why it was given up."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from agent.decoders import cloudevents_structured
from agent.decoders.envelope import Flaws, Outer
from agent.decoders.formats import unwrap
from agent.decoders.lanes import Lane
from agent.decoders.record import KEPT_BYTES, Reject
from agent.source import Fetched, Headers
from config.errors import RecordRejected

_MAY_BE_WRAPPED = frozenset(("no_mapping", "unknown_event_type", "unknown_schema_version", "missing_field"))


@dataclass(slots=True)
class Batch:
    """The records of all partitions of one topic on their way.

    Attributes:
        parts: where they come from; a row is a record's place in all of them, one after the other.
        payloads, headers: by row; no headers where no record has any.
        offsets, partition: (n,), as in ``Inferences``.
        outer: envelopes around them; flaws: why rows were given up.
    """

    lane: Lane
    parts: Sequence[Fetched]
    payloads: list[bytes]
    headers: Sequence[Headers]
    offsets: NDArray[np.int64]
    partition: NDArray[np.int32]
    outer: dict[int, Outer] = field(default_factory=dict)
    flaws: Flaws = field(default_factory=Flaws)


def make_batch(lane: Lane, parts: Sequence[Fetched], partition_index: Mapping[tuple[str, int], int]) -> Batch:
    """The records of a topic, not yet looked at.

    Args:
        partition_index: the number that stands for each partition in the columns.
    """
    numbers = [partition_index[part.partition] for part in parts]
    return Batch(
        lane=lane,
        parts=parts,
        payloads=[value or b"" for part in parts for value in part.values],
        headers=_headers(parts),
        offsets=np.concatenate([np.asarray(part.offsets, dtype=np.int64) for part in parts]),
        partition=np.repeat(np.array(numbers, dtype=np.int32), [len(part) for part in parts]),
    )


def _headers(parts: Sequence[Fetched]) -> Sequence[Headers]:
    if not any(part.headers for part in parts):
        return ()
    return [headers for part in parts for headers in part.headers or [()] * len(part)]


def open_announced(batch: Batch, rows: list[int]) -> list[int]:
    """Open the envelopes that headers announce; the rows that can be read."""
    if not batch.headers:
        return rows
    readable = []
    for row in rows:
        try:
            found = unwrap(batch.payloads[row], batch.headers[row])
        except RecordRejected as error:
            batch.flaws.add(row, error.reason, error.detail)
            continue
        readable.append(row)
        if found is not None:
            batch.payloads[row], batch.outer[row] = found
    return readable


def open_structured(batch: Batch) -> list[int]:
    """Rows that could not be placed as they stand and are CloudEvents objects, opened."""
    opened = []
    for row in list(batch.flaws.by_row):
        if row in batch.outer or batch.flaws.by_row[row][0] not in _MAY_BE_WRAPPED:
            continue
        try:
            found = cloudevents_structured.recognise(batch.payloads[row])
        except RecordRejected as error:
            batch.flaws.by_row[row] = (error.reason, error.detail)
            continue
        if found is not None:
            batch.payloads[row], batch.outer[row] = found
            del batch.flaws.by_row[row]
            opened.append(row)
    return sorted(opened)


def rejects_of(batch: Batch) -> Iterator[Reject]:
    """The records that were given up, in the order of their partitions and offsets."""
    for row, (reason, detail) in sorted(batch.flaws.by_row.items()):
        part, at = _source(batch, row)
        topic, number = part.partition
        value = part.values[at] or b""
        yield Reject(topic, number, part.offsets[at], reason, detail[:200], value[:KEPT_BYTES], len(value))


def is_tombstone(batch: Batch, row: int) -> bool:
    """Whether a record without bytes was sent as one without a value."""
    part, at = _source(batch, row)
    return part.values[at] is None


def _source(batch: Batch, row: int) -> tuple[Fetched, int]:
    """The partition of a row, and its place there."""
    for part in batch.parts:
        if row < len(part):
            return part, row
        row -= len(part)
    raise IndexError("no such row")
