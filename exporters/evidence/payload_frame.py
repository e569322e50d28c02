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

    @property
    def ends(self) -> NDArray[np.int64]:
        """Where each entry's payload ends in the blobs, (n,)."""
        return np.cumsum(stored_lengths(self.lengths))

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


def compose(entries: Entries) -> PayloadBlock:
    """Put the payloads of entries into columns; the salts of those that have none become zeros."""
    n = len(entries.payloads)
    lengths = np.fromiter((ABSENT if p is None else len(p) for p in entries.payloads), np.uint32, n)
    there = lengths != ABSENT
    salts = entries.salts
    if not there.all():
        salts = np.where(there[:, None], np.frombuffer(salts, np.uint8).reshape(n, SALT_BYTES), 0).tobytes()
    return PayloadBlock(
        np.zeros(n, np.uint64) if entries.subjects is None else np.array(entries.subjects, np.uint64),
        lengths,
        np.zeros(n, np.uint8) if entries.forms is None else np.frombuffer(entries.forms, np.uint8),
        salts,
        b"".join(filter(None, entries.payloads)),
    )


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


def split(block: PayloadBlock, first: int) -> Iterator[tuple[int, PayloadBlock]]:
    """Cut a block, whose first entry has index ``first``, into such as a frame may hold; with the index of each."""
    ends = block.ends
    start = 0
    while start < len(block):
        range_end = (first + start) // RANGE_ENTRIES * RANGE_ENTRIES + RANGE_ENTRIES - first
        stop = min(len(block), start + MAX_ENTRIES, range_end)
        begun = int(ends[start - 1]) if start else 0
        stop = max(start + 1, min(stop, int(np.searchsorted(ends, begun + MAX_BLOB_BYTES, side="right"))))
        yield first + start, _slice(block, start, stop, begun, int(ends[stop - 1]))
        start = stop


def _slice(block: PayloadBlock, start: int, stop: int, begin: int, end: int) -> PayloadBlock:
    return PayloadBlock(
        block.subjects[start:stop],
        block.lengths[start:stop],
        block.forms[start:stop],
        block.salts[SALT_BYTES * start : SALT_BYTES * stop],
        block.blobs[begin:end],
    )
