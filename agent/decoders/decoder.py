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

from agent.decoders.batch import Batch, is_tombstone, make_batch, open_announced, open_structured, rejects_of
from agent.decoders.blocks import Block
from agent.decoders.events import Rows, build_inferences, build_labels, build_oversights, value_names
from agent.decoders.extras import SAMPLE_EVERY, count_extras
from agent.decoders.lanes import Lanes, declared_names
from agent.decoders.merge import merge_inferences, merge_labels, merge_oversights
from agent.decoders.reading import read
from agent.decoders.record import Decoded, Reject
from agent.decoders.shape import Shape
from agent.source import Fetched
from config.settings import Settings
from detectors.columns import Inferences, Labels, Oversights


@dataclass(slots=True)
class _Outcome:
    """What has become of a batch so far."""

    inferences: list[Inferences] = field(default_factory=list)
    labels: list[Labels] = field(default_factory=list)
    oversights: list[Oversights] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)
    extras: dict[str, int] = field(default_factory=dict)


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
            oversights=merge_oversights(outcome.oversights),
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
        for shape, block in read(batch, rows):
            self._build(batch, shape, block, outcome)

    def _build(self, batch: Batch, shape: Shape, block: Block, outcome: _Outcome) -> None:
        rows = Rows(
            shape=shape,
            columns=block.columns,
            offsets=batch.offsets[block.rows],
            partition=batch.partition[block.rows],
            outer={
                i: batch.outer[row] for i, row in enumerate(block.rows if batch.outer else ()) if row in batch.outer
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
                oversights, flaws = build_oversights(rows)
                outcome.oversights.append(oversights)
        for i, (reason, detail) in flaws.by_row.items():
            batch.flaws.add(block.rows[i], reason, detail)
        for row in block.rows[::SAMPLE_EVERY]:
            if row not in batch.flaws:
                count_extras(shape, batch.payloads[row], outcome.extras)


def _by_topic(fetched: Sequence[Fetched]) -> dict[str, list[Fetched]]:
    """What is read in one go: a call costs as much for ten records as for a hundred."""
    found: dict[str, list[Fetched]] = {}
    for part in fetched:
        found.setdefault(part.partition.topic, []).append(part)
    return found


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
