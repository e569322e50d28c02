"""Packs: the entries of a full range of 65 536 in one file.

256 entries frames of 256 entries each
trailer   256 x u64 (little-endian) offsets of the frames, SHA-256 of those offsets, magic WEP1
"""

from __future__ import annotations

import itertools
import os
from hashlib import sha256
from typing import BinaryIO

import numpy as np

from config.errors import LogDamaged
from exporters.evidence.frames import ENTRIES, ENTRIES_PER_FRAME, RANGE_ENTRIES, Frame, later_version, read_frame

MAGIC = b"WEP1"
FRAMES = RANGE_ENTRIES // ENTRIES_PER_FRAME

_OFFSETS_BYTES = 8 * FRAMES
TRAILER_BYTES = _OFFSETS_BYTES + 32 + len(MAGIC)


def encode_trailer(offsets: list[int]) -> bytes:
    """Return the trailer of a pack whose frames begin at these 256 offsets."""
    table = np.array(offsets, "<u8").tobytes()
    return table + sha256(table).digest() + MAGIC


class Pack:
    """A pack that is read: any frame of it by one seek. The file stays its opener's."""

    def __init__(self, file: BinaryIO, name: str, number: int) -> None:
        """Read the trailer.

        Args:
            file: opened for reading; name: what messages call it; number: of the range.

        Raises:
            LogDamaged: the trailer is torn or was changed.
        """
        self._file = file
        self.name = name
        self.number = number
        self.offsets = _read_trailer(file, name)
        """Where each frame begins, and behind the last one where the trailer does; 257."""

    def frame(self, number: int) -> Frame:
        """Read the frame with entries 256 ``number`` and on of the range.

        Raises:
            LogDamaged: it is not the frame that should stand there.
        """
        frame = read_frame(self._file, self.name, self.offsets[number])
        first = self.number * RANGE_ENTRIES + number * ENTRIES_PER_FRAME
        if (frame.head.kind, frame.head.first, frame.head.count) != (ENTRIES, first, ENTRIES_PER_FRAME):
            raise LogDamaged(frame.where, f"not the frame of entries {first} to {first + ENTRIES_PER_FRAME - 1}")
        if frame.next_offset != self.offsets[number + 1]:
            raise LogDamaged(
                frame.where, f"the frame does not end at byte {self.offsets[number + 1]}, as the pack says"
            )
        return frame


def _read_trailer(file: BinaryIO, name: str) -> list[int]:
    size = file.seek(0, os.SEEK_END)
    if size < TRAILER_BYTES:
        raise LogDamaged(name, f"a pack ends in {TRAILER_BYTES} bytes of trailer, the file has {size}")
    start = size - TRAILER_BYTES
    file.seek(start)
    trailer = file.read(TRAILER_BYTES)
    table, digest = trailer[:_OFFSETS_BYTES], trailer[_OFFSETS_BYTES : -len(MAGIC)]
    later = later_version(trailer[-len(MAGIC) :], MAGIC)
    if later:
        raise LogDamaged(f"{name}, byte {size - len(MAGIC)}", later)
    if not trailer.endswith(MAGIC) or sha256(table).digest() != digest:
        raise LogDamaged(f"{name}, byte {start}", "the trailer of the pack is not what was written")
    offsets = [*np.frombuffer(table, "<u8").tolist(), start]
    if offsets[0] != 0 or any(a >= b for a, b in itertools.pairwise(offsets)):
        raise LogDamaged(f"{name}, byte {start}", "the trailer's offsets do not ascend from 0 to the trailer")
    return offsets
