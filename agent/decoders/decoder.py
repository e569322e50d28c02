"""The record decoder: fetched bytes to columns, one bad record never disturbing its neighbours.

Every record is decoded by the typed decoder of its shape. What that refuses is read again with care (lenient.py): either its
envelope is fine and the mistyped values travel on as they are, to be counted invalid in their columns, or the record is
rejected with a named reason. A record that cannot be placed as it stands, but is a CloudEvents object, is opened and read
once more.
"""

from __future__ import annotations

import gc
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from agent.decoders import cloudevents_structured
from agent.decoders.envelope import Flaws, Outer
from agent.decoders.events import Rows, build_inferences, build_labels, check_oversights, value_names
from agent.decoders.extras import SAMPLE_EVERY, count_extras
from agent.decoders.formats import unwrap
from agent.decoders.lanes import Lane, Lanes, declared_names
from agent.decoders.lenient import parse_object
from agent.decoders.merge import merge_inferences, merge_labels
from agent.decoders.record import KEPT_BYTES, Decoded, Reject
from agent.decoders.shape import Shape, find, matches
from agent.decoders.trie import salvage
from agent.source import Fetched
from config.errors import RecordRejected
from config.settings import Settings
from detectors.columns import Inferences, Labels


@dataclass(slots=True)
class _Outcome:
    """What has become of a batch so far."""

    inferences: list[Inferences] = field(default_factory=list)
    labels: list[Labels] = field(default_factory=list)
    oversights: int = 0
    rejects: list[Reject] = field(default_factory=list)
    extras: dict[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class _Batch:
    """The records of one partition on their way: payloads by row, envelopes, and why rows were given up."""

    fetched: Fetched
    partition: int
    payloads: list[bytes]
    outer: dict[int, Outer] = field(default_factory=dict)
    flaws: Flaws = field(default_factory=Flaws)


class RecordDecoder:
    """Decodes batches for the models of the settings."""

    def __init__(self, settings: Settings) -> None:
        names = declared_names(settings)
        self._lanes = Lanes(settings)
        self._names = value_names(tuple(names.features), names.protected, names.segment)
        self._known = frozenset((system.id, model.name) for system in settings.systems for model in system.models)
        self._max_bytes = settings.limits.max_message_bytes

    def decode(self, fetched: Sequence[Fetched], partition_index: Mapping[tuple[str, int], int]) -> Decoded:
        """Columns of all events, and the records that could not be placed.

        Args:
            fetched: records by partition.
            partition_index: the number that stands for each partition in the columns.
        """
        outcome = _Outcome()
        with _collector_paused():
            for part in fetched:
                self._decode_partition(part, partition_index[part.partition], outcome)
        return Decoded(
            received=sum(len(part) for part in fetched),
            inferences=merge_inferences(outcome.inferences),
            labels=merge_labels(outcome.labels),
            oversights=outcome.oversights,
            rejects=tuple(outcome.rejects),
            extra_fields=outcome.extras,
        )

    def _decode_partition(self, fetched: Fetched, partition: int, outcome: _Outcome) -> None:
        batch = _Batch(fetched, partition, [value or b"" for value in fetched.values])
        lane = self._lanes.of(fetched.partition.topic)
        self._read(batch, lane, _open_all(batch, self._screen(batch)), outcome)
        opened = _open_structured(batch)
        if opened:
            self._read(batch, lane, opened, outcome)
        outcome.rejects.extend(_rejects(batch))

    def _screen(self, batch: _Batch) -> list[int]:
        """The rows worth reading: not empty, not too large."""
        sizes = list(map(len, batch.payloads))
        if sizes and min(sizes) > 0 and max(sizes) <= self._max_bytes:
            return list(range(len(sizes)))
        for row, size in enumerate(sizes):
            if size == 0:
                batch.flaws.add(row, "empty", "a tombstone" if batch.fetched.values[row] is None else "no bytes")
            elif size > self._max_bytes:
                batch.flaws.add(row, "too_large", f"{size} bytes; limits.max_message_bytes is {self._max_bytes}")
        return [row for row in range(len(sizes)) if row not in batch.flaws]

    def _read(self, batch: _Batch, lane: Lane, rows: Iterable[int], outcome: _Outcome) -> None:
        for shape, found in zip(lane.shapes, _by_shape(batch, lane, rows), strict=True):
            if found:
                self._build(batch, shape, dict(sorted(found.items())), outcome)

    def _build(self, batch: _Batch, shape: Shape, found: dict[int, Any], outcome: _Outcome) -> None:
        at = list(found)
        rows = Rows(
            shape=shape,
            structs=list(found.values()),
            offsets=np.array(batch.fetched.offsets, dtype=np.int64)[at],
            partition=batch.partition,
            outer={i: batch.outer[row] for i, row in enumerate(at) if row in batch.outer} if batch.outer else {},
        )
        match shape.event_type:
            case "inference":
                inferences, flaws = build_inferences(rows, self._names, self._known)
                outcome.inferences.append(inferences)
            case "label":
                labels, flaws = build_labels(rows, self._known)
                outcome.labels.append(labels)
            case "oversight":
                valid, flaws = check_oversights(rows)
                outcome.oversights += valid
        for i, (reason, detail) in flaws.by_row.items():
            batch.flaws.add(at[i], reason, detail)
        for row in at:
            if row % SAMPLE_EVERY == 0 and row not in batch.flaws:
                count_extras(shape, batch.payloads[row], outcome.extras)


def _by_shape(batch: _Batch, lane: Lane, rows: Iterable[int]) -> list[dict[int, Any]]:
    """The Structs of each shape of the lane, by row. Rows that no shape takes become flaws."""
    found: list[dict[int, Any]] = []
    refused: list[int] = []
    pending = list(rows)
    looked_at: dict[int, Any] = {}
    for shape in lane.shapes:
        structs = _decode_typed(shape, batch, pending, refused)
        taken, left = _split(shape, structs)
        found.append(taken)
        pending = list(left)
        looked_at = left | looked_at
    for row in pending:
        batch.flaws.add(row, *lane.unmatched(looked_at[row]))
    for row in refused:
        _read_carefully(batch, lane, row, found)
    return found


def _decode_typed(shape: Shape, batch: _Batch, rows: Iterable[int], refused: list[int]) -> dict[int, Any]:
    """The hot loop: one C call a record."""
    decode = shape.decoder.decode
    payloads = batch.payloads
    structs: dict[int, Any] = {}
    for row in rows:
        try:
            structs[row] = decode(payloads[row])
        except (ValueError, RecursionError):  # msgspec's errors and UnicodeDecodeError are ValueErrors
            refused.append(row)
    return structs


def _split(shape: Shape, structs: dict[int, Any]) -> tuple[dict[int, Any], dict[int, Any]]:
    """The rows that the shape's condition holds for, and for the others what it looked at."""
    if shape.when is None:
        return structs, {}
    values = shape.conditions(list(structs.values()))
    if values.count(shape.when.equals) == len(values) and isinstance(shape.when.equals, str):
        return structs, {}
    taken: dict[int, Any] = {}
    left: dict[int, Any] = {}
    for (row, struct), value in zip(structs.items(), values, strict=True):
        if matches(shape.when, value):
            taken[row] = struct
        else:
            left[row] = value
    return taken, left


def _read_carefully(batch: _Batch, lane: Lane, row: int, found: list[dict[int, Any]]) -> None:
    try:
        record = parse_object(batch.payloads[row])
    except RecordRejected as error:
        batch.flaws.add(row, error.reason, error.detail)
        return
    for i, shape in enumerate(lane.shapes):
        if shape.when is None or matches(shape.when, find(shape.when.path.steps, record)):
            found[i][row] = salvage(shape.tree, record)
            return
    first = lane.shapes[0].when
    batch.flaws.add(row, *lane.unmatched(None if first is None else find(first.path.steps, record)))


def _open_all(batch: _Batch, rows: list[int]) -> list[int]:
    """Open the envelopes that headers announce; the rows that can be read."""
    if not batch.fetched.headers:
        return rows
    readable = []
    for row in rows:
        try:
            found = unwrap(batch.payloads[row], batch.fetched.headers[row])
        except RecordRejected as error:
            batch.flaws.add(row, error.reason, error.detail)
            continue
        readable.append(row)
        if found is not None:
            batch.payloads[row], batch.outer[row] = found
    return readable


def _open_structured(batch: _Batch) -> list[int]:
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


def _rejects(batch: _Batch) -> Iterator[Reject]:
    topic, number = batch.fetched.partition
    for row, (reason, detail) in sorted(batch.flaws.by_row.items()):
        value = batch.fetched.values[row] or b""
        yield Reject(topic, number, batch.fetched.offsets[row], reason, detail[:200], value[:KEPT_BYTES], len(value))


@contextmanager
def _collector_paused() -> Iterator[None]:
    """A cyclic collection amid thousands of new objects finds nothing and costs a third of the time."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


_MAY_BE_WRAPPED = frozenset(("no_mapping", "unknown_event_type", "unknown_schema_version", "missing_field"))
