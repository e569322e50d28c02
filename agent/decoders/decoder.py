"""The record decoder: fetched bytes to columns, one bad record never disturbing its neighbours.

Every record is decoded by the typed decoder of its shape. What that refuses is read again with care (lenient.py): either its
envelope is fine and the mistyped values travel on as they are, to be counted invalid in their columns, or the record is
rejected with a named reason. A record that cannot be placed as it stands, but is a CloudEvents object, is opened and read
once more.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import compress
from typing import Any

from agent.decoders.batch import Batch, is_tombstone, make_batch, open_announced, open_structured, rejects_of
from agent.decoders.events import Rows, build_inferences, build_labels, check_oversights, value_names
from agent.decoders.extras import SAMPLE_EVERY, count_extras
from agent.decoders.lanes import Lanes, declared_names
from agent.decoders.lenient import parse_object
from agent.decoders.merge import merge_inferences, merge_labels
from agent.decoders.record import Decoded, Reject
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
class _Found:
    """What a shape's decoder made of records, and their rows, in parallel."""

    rows: list[int]
    structs: list[Any]


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
            for topic, parts in _by_topic(fetched).items():
                self._decode_topic(make_batch(self._lanes.of(topic), parts, partition_index), outcome)
        return Decoded(
            received=sum(len(part) for part in fetched),
            inferences=merge_inferences(outcome.inferences),
            labels=merge_labels(outcome.labels),
            oversights=outcome.oversights,
            rejects=tuple(outcome.rejects),
            extra_fields=outcome.extras,
        )

    def _decode_topic(self, batch: Batch, outcome: _Outcome) -> None:
        self._read(batch, open_announced(batch, self._screen(batch)), outcome)
        opened = open_structured(batch)
        if opened:
            self._read(batch, opened, outcome)
        outcome.rejects.extend(rejects_of(batch))

    def _screen(self, batch: Batch) -> list[int]:
        """The rows worth reading: not empty, not too large."""
        sizes = list(map(len, batch.payloads))
        if sizes and min(sizes) > 0 and max(sizes) <= self._max_bytes:
            return list(range(len(sizes)))
        for row, size in enumerate(sizes):
            if size == 0:
                batch.flaws.add(row, "empty", "a tombstone" if is_tombstone(batch, row) else "no bytes")
            elif size > self._max_bytes:
                batch.flaws.add(row, "too_large", f"{size} bytes; limits.max_message_bytes is {self._max_bytes}")
        return [row for row in range(len(sizes)) if row not in batch.flaws]

    def _read(self, batch: Batch, rows: list[int], outcome: _Outcome) -> None:
        for shape, found in zip(batch.lane.shapes, _by_shape(batch, rows), strict=True):
            if found.rows:
                self._build(batch, shape, found, outcome)

    def _build(self, batch: Batch, shape: Shape, found: _Found, outcome: _Outcome) -> None:
        rows = Rows(
            shape=shape,
            structs=found.structs,
            offsets=batch.offsets[found.rows],
            partition=batch.partition[found.rows],
            outer={
                i: batch.outer[row] for i, row in enumerate(found.rows if batch.outer else ()) if row in batch.outer
            },
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
            batch.flaws.add(found.rows[i], reason, detail)
        for row in found.rows[::SAMPLE_EVERY]:
            if row not in batch.flaws:
                count_extras(shape, batch.payloads[row], outcome.extras)


def _by_topic(fetched: Sequence[Fetched]) -> dict[str, list[Fetched]]:
    """What is read in one go: a call costs as much for ten records as for a hundred."""
    found: dict[str, list[Fetched]] = {}
    for part in fetched:
        found.setdefault(part.partition.topic, []).append(part)
    return found


def _by_shape(batch: Batch, rows: list[int]) -> list[_Found]:
    """What each shape of the lane takes. Rows that no shape takes become flaws."""
    taken: list[_Found] = []
    refused: list[int] = []
    looked_at: dict[int, Any] = {}
    for shape in batch.lane.shapes:
        found, values = _split(shape, _decode_typed(shape, batch, rows, refused))
        taken.append(found)
        looked_at = values | looked_at
        rows = list(values)
    for row in rows:
        batch.flaws.add(row, *batch.lane.unmatched(looked_at[row]))
    for row in refused:
        _read_carefully(batch, row, taken)
    return [_in_order(found) for found in taken] if refused else taken


def _decode_typed(shape: Shape, batch: Batch, rows: list[int], refused: list[int]) -> _Found:
    """The hot loop: one C call a record."""
    decode = shape.decoder.decode
    payloads = batch.payloads
    structs: list[Any] = []
    read: list[int] = []
    for row in rows:
        try:
            structs.append(decode(payloads[row]))
        except (ValueError, RecursionError):  # msgspec's errors and UnicodeDecodeError are ValueErrors
            refused.append(row)
        else:
            read.append(row)
    return _Found(read, structs)


def _split(shape: Shape, found: _Found) -> tuple[_Found, dict[int, Any]]:
    """What the shape's condition holds for, and by row of the others what it looked at."""
    if shape.when is None:
        return found, {}
    values = shape.conditions(found.structs)
    if values.count(shape.when.equals) == len(values) and isinstance(shape.when.equals, str):
        return found, {}
    fits = [matches(shape.when, value) for value in values]
    left = {row: value for row, value, fit in zip(found.rows, values, fits, strict=True) if not fit}
    return _Found(list(compress(found.rows, fits)), list(compress(found.structs, fits))), left


def _in_order(found: _Found) -> _Found:
    """By row again, after some were read a second time."""
    order = sorted(range(len(found.rows)), key=found.rows.__getitem__)
    return _Found([found.rows[i] for i in order], [found.structs[i] for i in order])


def _read_carefully(batch: Batch, row: int, taken: list[_Found]) -> None:
    try:
        record = parse_object(batch.payloads[row])
    except RecordRejected as error:
        batch.flaws.add(row, error.reason, error.detail)
        return
    shapes = batch.lane.shapes
    for shape, found in zip(shapes, taken, strict=True):
        if shape.when is None or matches(shape.when, find(shape.when.path.steps, record)):
            found.rows.append(row)
            found.structs.append(salvage(shape.tree, record))
            return
    first = shapes[0].when
    batch.flaws.add(row, *batch.lane.unmatched(None if first is None else find(first.path.steps, record)))


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
