"""Entries of the records of a partition: one each, in the order of their offsets, and one for each hole between them."""

from __future__ import annotations

import os
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, cast

import numpy as np
from numpy.typing import NDArray

from agent.decoders.record import KEPT_BYTES
from agent.evidence.collected import NO_SALT, RandomBytes
from agent.evidence.facts import Verdicts
from agent.evidence.people import People
from agent.flow.buffer import Batch, Chunk, Slice
from detectors.encode import picker
from exporters.evidence.commitment import VALUE, commitments, record_payload
from exporters.evidence.entries import SALT_BYTES, SEALED, Entries
from exporters.evidence.event_leaves import (
    Origin,
    inference_leaves,
    label_leaves,
    oversight_leaves,
    unreadable_leaf,
)
from exporters.evidence.leaves import gap_leaf

Keep = Literal["plain", "sealed", "none"]
NOT_DELIVERED = "not_delivered"


@dataclass(slots=True)
class _Part:
    """The n records of a slice on their way to the log; ``leaves`` are filled in by kind of record.

    Attributes:
        offsets: (n,); commitments: n, or ``None`` where no payload is kept.
    """

    origin: Origin
    offsets: NDArray[np.int64]
    payloads: list[bytes]
    commitments: list[bytes] | None
    leaves: list[bytes]
    subjects: list[int]

    def places(self, offsets: NDArray[np.int64]) -> list[int]:
        """Where the records of these offsets stand."""
        places: list[int] = np.searchsorted(self.offsets, offsets).tolist()
        return places

    def commitments_at(self, places: Sequence[int]) -> Sequence[bytes] | None:
        return None if self.commitments is None else [self.commitments[place] for place in places]

    def put(self, places: Sequence[int], leaves: Sequence[bytes]) -> None:
        for place, leaf in zip(places, leaves, strict=True):
            self.leaves[place] = leaf


class RecordEntries:
    """Makes the entries of slices. Owned by the loop's thread.

    Attributes:
        keep: whether payloads are kept, and how.
    """

    def __init__(self, keep: Keep, people: People, random_bytes: RandomBytes = os.urandom) -> None:
        self.keep = keep
        self._people = people
        self._random_bytes = random_bytes

    def of_slice(
        self, batch: Batch, chunk: Chunk, part: Slice, verdicts: Verdicts | None, expected: int, logged_us: int
    ) -> Entries:
        """The entries of some records of a partition.

        Args:
            verdicts: of the inference events among them; ``None`` where the batch has none.
            expected: the offset that the partition was to go on with.
        """
        salts = self._random_bytes(SALT_BYTES * part.records)
        records = self._begin(chunk, part, salts, logged_us)
        if verdicts is not None and len(part.rows):
            self._put_inferences(records, batch, part, verdicts)
        _put_labels(records, batch, part)
        _put_oversights(records, batch, chunk)
        _put_unreadable(records, part)
        return _with_holes(self._entries(records, salts), records, expected)

    def _begin(self, chunk: Chunk, part: Slice, salts: bytes, logged_us: int) -> _Part:
        end = part.first + part.records
        payloads = _payloads(chunk, part) if self.keep != "none" else []
        return _Part(
            origin=Origin(part.partition.topic, part.partition.number, logged_us),
            offsets=np.asarray(chunk.fetched.offsets[part.first : end], dtype=np.int64),
            payloads=payloads,
            commitments=commitments(payloads, salts) if self.keep != "none" else None,
            leaves=[b""] * part.records,
            subjects=[0] * part.records,
        )

    def _put_inferences(self, records: _Part, batch: Batch, part: Slice, verdicts: Verdicts) -> None:
        events, rows = batch.inferences, part.rows
        assert events is not None
        offsets = events.offset[rows]
        whole = len(rows) == len(records.leaves)
        places = range(len(rows)) if whole else records.places(offsets)
        leaves = inference_leaves(
            records.origin,
            _texts(events.ids, rows),
            events.occurred_us[rows].tolist(),
            offsets.tolist(),
            verdicts.distinct,
            verdicts.of_row[rows].tolist(),
            records.commitments if whole else records.commitments_at(places),
        )
        if whole:
            records.leaves = leaves
        else:
            records.put(places, leaves)
        subjects = events.values.get("subject_ref")
        if subjects is not None:
            for place, tag in zip(places, self._people.tags(picker(rows)(subjects)), strict=False):
                records.subjects[place] = tag

    def _entries(self, records: _Part, salts: bytes) -> Entries:
        size = len(records.leaves)
        if self.keep == "none":
            return Entries(records.leaves, [None] * size, NO_SALT * size)
        if self.keep == "plain":
            return Entries(records.leaves, records.payloads, salts, records.subjects)
        sealed = self._people.seal(records.payloads, salts, records.subjects)
        return Entries(records.leaves, sealed, salts, records.subjects, bytes([SEALED]) * size)


def _payloads(chunk: Chunk, part: Slice) -> list[bytes]:
    """Payloads of the records of a slice; of those that could not be read, the beginning only."""
    end = part.first + part.records
    fetched = chunk.fetched
    values = fetched.values[part.first : end]
    if fetched.headers:
        headers = fetched.headers[part.first : end]
        payloads = [record_payload(value or b"", told) for value, told in zip(values, headers, strict=True)]
    else:
        payloads = [VALUE + (value or b"") for value in values]
    for reject in part.rejects:
        at = bisect_left(fetched.offsets, reject.offset)
        told = fetched.headers[at] if fetched.headers else ()
        payloads[at - part.first] = record_payload((fetched.values[at] or b"")[:KEPT_BYTES], told)
    return payloads


def _put_labels(records: _Part, batch: Batch, part: Slice) -> None:
    events, rows = batch.labels, part.label_rows
    if events is None or not len(rows):
        return
    offsets = events.offset[rows]
    places = records.places(offsets)
    leaves = label_leaves(
        records.origin,
        _texts(events.ids, rows),
        _texts(events.ref_ids, rows),
        events.occurred_us[rows].tolist(),
        offsets.tolist(),
        records.commitments_at(places),
    )
    records.put(places, leaves)


def _put_oversights(records: _Part, batch: Batch, chunk: Chunk) -> None:
    events = batch.oversights
    if events is None or not len(records.offsets):
        return
    inside = (events.offset >= records.offsets[0]) & (events.offset <= records.offsets[-1])
    rows = np.flatnonzero(inside & (events.partition == chunk.number))
    offsets = events.offset[rows]
    places = records.places(offsets)
    leaves = oversight_leaves(
        records.origin,
        _texts(events.ids, rows),
        _texts(events.ref_ids, rows),
        _texts(events.actions, rows),
        events.occurred_us[rows].tolist(),
        offsets.tolist(),
        records.commitments_at(places),
    )
    records.put(places, leaves)


def _put_unreadable(records: _Part, part: Slice) -> None:
    for reject in part.rejects:
        (place,) = records.places(np.array([reject.offset]))
        commitment = None if records.commitments is None else records.commitments[place]
        records.leaves[place] = unreadable_leaf(records.origin, reject.offset, reject.reason, reject.size, commitment)


def _with_holes(entries: Entries, records: _Part, expected: int) -> Entries:
    """The entries with a gap before each record that does not follow the one before it."""
    offsets = records.offsets
    wanted = np.concatenate(([expected], offsets[:-1] + 1))
    holes = np.flatnonzero(offsets > wanted).tolist()
    if not holes:
        return entries
    source = (records.origin.topic, records.origin.partition)
    leaves, payloads = list(entries.leaves), list(entries.payloads)
    subjects, forms = list(entries.subjects or [0] * len(leaves)), bytearray(entries.forms or bytes(len(leaves)))
    salts = bytearray(entries.salts)
    for at in reversed(holes):
        gap = gap_leaf(source, int(wanted[at]), int(offsets[at]), NOT_DELIVERED, records.origin.logged_us)
        leaves.insert(at, gap)
        payloads.insert(at, None)
        subjects.insert(at, 0)
        forms.insert(at, 0)
        salts[at * SALT_BYTES : at * SALT_BYTES] = NO_SALT
    return Entries(leaves, payloads, bytes(salts), subjects, bytes(forms))


def _texts(column: Sequence[str], rows: NDArray[np.intp]) -> Sequence[str]:
    return cast(Sequence[str], picker(rows)(column))
