"""What a payloads frame holds, unpacked: per entry its subject, its salt and its payload, in columns.

    subject   count x u64     tag of the person it concerns; 0 for none
    length    count x u32     of the stored payload; ABSENT where the entry never had one, ERASED where it is gone
    form      count x u8      PLAIN, or SEALED under the key of its subject
    salt      count x 32      zeros where there is no payload, or no longer one
    blobs     the payloads one behind another

All integers are little-endian. Every entry of the log is covered by exactly one such frame.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from config.errors import LogDamaged
from exporters.evidence.entries import SALT_BYTES, SEALED, Entries
from exporters.evidence.frames import RANGE_ENTRIES

ABSENT = 0xFFFF_FFFF
ERASED = 0xFFFF_FFFE
MAX_ENTRIES = 4_096
STEP_ENTRIES = 2_560
"""What a step puts into a frame at most: longer ones made the allocator fetch new pages each time, for 0.3 us an event."""

MAX_BLOB_BYTES = 8 << 20
"""Beyond it a frame holds a single payload."""

_ENTRY_BYTES = 8 + 4 + 1 + SALT_BYTES


@dataclass(frozen=True, slots=True)
class PayloadBlock:
    """Payloads of n entries, in columns.

    Attributes:
        subjects, lengths, forms: (n,) as above; salts: 32 n bytes.
        blobs: the stored payloads one behind another.
    """

    subjects: NDArray[np.uint64]
    lengths: NDArray[np.uint32]
    forms: NDArray[np.uint8]
    salts: bytes
    blobs: bytes

    def __len__(self) -> int:
        return len(self.lengths)

    def salt(self, number: int) -> bytes:
        """Salt of an entry, by its number in the block."""
        return self.salts[SALT_BYTES * number : SALT_BYTES * (number + 1)]

    def payloads(self) -> Iterator[bytes | None]:
        """The stored payload of each entry; ``None`` where it is absent or erased."""
        start = 0
        for length in self.lengths.tolist():
            if length >= ERASED:
                yield None
                continue
            yield self.blobs[start : start + length]
            start += length

    def to_bytes(self) -> bytes:
        """The raw bytes of a frame."""
        columns = (self.subjects.astype("<u8"), self.lengths.astype("<u4"), self.forms.astype("u1"))
        return b"".join((*(column.tobytes() for column in columns), self.salts, self.blobs))


def stored_lengths(lengths: NDArray[np.uint32]) -> NDArray[np.int64]:
    """How many bytes of the blobs belong to each entry, (n,): 0 where there is no payload."""
    return np.where(lengths >= ERASED, 0, lengths).astype(np.int64)


def compose_raw(entries: Entries, first: int) -> Iterator[tuple[int, int, bytes]]:
    """Frames for the payloads of entries, the first of which has index ``first``: first index, count, raw bytes.

    Salts of entries without a payload become zeros.
    """
    n = len(entries.payloads)
    lengths = np.fromiter((ABSENT if p is None else len(p) for p in entries.payloads), "<u4", n)
    there = lengths != ABSENT
    salts = entries.salts
    if not there.all():
        salts = np.where(there[:, None], np.frombuffer(salts, np.uint8).reshape(n, SALT_BYTES), 0).tobytes()
    subjects = np.zeros(n, "<u8") if entries.subjects is None else np.array(entries.subjects, "<u8")
    forms = bytes(n) if entries.forms is None else entries.forms
    for start, stop in _cuts(stored_lengths(lengths), first):
        columns = (subjects[start:stop].tobytes(), lengths[start:stop].tobytes(), forms[start:stop])
        blobs = filter(None, entries.payloads[start:stop])
        raw = b"".join((*columns, salts[SALT_BYTES * start : SALT_BYTES * stop], *blobs))
        yield first + start, stop - start, raw


def parse(raw: bytes, count: int, where: str) -> PayloadBlock:
    """Return the columns of a frame's raw bytes.

    Raises:
        LogDamaged: the lengths do not add up to what is there.
    """
    fixed = _ENTRY_BYTES * count
    if len(raw) < fixed:
        raise LogDamaged(where, f"{count} entries need {fixed} bytes of columns, {len(raw)} are there")
    subjects = np.frombuffer(raw, "<u8", count)
    lengths = np.frombuffer(raw, "<u4", count, 8 * count)
    forms = np.frombuffer(raw, "u1", count, 12 * count)
    block = PayloadBlock(subjects, lengths, forms, raw[13 * count : fixed], raw[fixed:])
    expected = int(stored_lengths(lengths).sum())
    if len(block.blobs) != expected:
        raise LogDamaged(where, f"the payloads should be {expected} bytes, {len(block.blobs)} are there")
    if (forms > SEALED).any():
        raise LogDamaged(where, f"unknown form of a payload: {int(forms.max())}")
    return block


def merge(blocks: Sequence[PayloadBlock]) -> PayloadBlock:
    """One block of several, in their order."""
    return PayloadBlock(
        np.concatenate([block.subjects for block in blocks]),
        np.concatenate([block.lengths for block in blocks]),
        np.concatenate([block.forms for block in blocks]),
        b"".join(block.salts for block in blocks),
        b"".join(block.blobs for block in blocks),
    )


def _cuts(lengths: NDArray[np.int64], first: int) -> Iterator[tuple[int, int]]:
    """Start and stop of the pieces of which each may be a frame; ``lengths`` (n,) are those of the stored payloads."""
    ends = np.cumsum(lengths)
    start = 0
    while start < len(lengths):
        range_end = (first + start) // RANGE_ENTRIES * RANGE_ENTRIES + RANGE_ENTRIES - first
        begun = int(ends[start - 1]) if start else 0
        fitting = int(np.searchsorted(ends, begun + MAX_BLOB_BYTES, side="right"))
        stop = max(start + 1, min(len(lengths), start + STEP_ENTRIES, range_end, fitting))
        yield start, stop
        start = stop
