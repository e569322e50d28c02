"""Segments: a range of the log while it is written, frames of entries and payloads as the steps brought them.

A step appends its entries frames and then the payloads frames of the same entries; so a segment that ends with a step
holds, up to one index, everything once. The segment of a full range becomes a pack and a payload file.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, NamedTuple

from config.errors import LogDamaged, LogRolledBack
from exporters.evidence.entries import Entries
from exporters.evidence.files import Files, Output
from exporters.evidence.frames import (
    ENTRIES,
    ENTRIES_PER_FRAME,
    PAYLOADS,
    RANGE_ENTRIES,
    Frame,
    FrameEncoder,
    read_frames,
)
from exporters.evidence.paths import decode_bundle, encode_bundle
from exporters.evidence.payload_frame import compose_raw
from exporters.evidence.tree import leaf_hashes


class Part(NamedTuple):
    """A frame that is to be appended: kind, index of its first entry, its bytes."""

    kind: int
    first: int
    data: bytes


def compose_parts(encoder: FrameEncoder, first: int, entries: Entries) -> Iterator[Part]:
    """The frames of entries of one range, the first of which has index ``first``.

    Raises:
        EvidenceError: a leaf is longer than an entry may be.
    """
    start = 0
    while start < len(entries.leaves):
        at = first + start
        stop = start + ENTRIES_PER_FRAME - at % ENTRIES_PER_FRAME
        leaves = entries.leaves[start:stop]
        yield Part(ENTRIES, at, encoder.encode(ENTRIES, at, len(leaves), encode_bundle(leaves, at)))
        start = stop
    for at, count, raw in compose_raw(entries, first):
        yield Part(PAYLOADS, at, encoder.encode(PAYLOADS, at, count, raw))


class Segment:
    """The segment of a range, open for appending.

    Attributes:
        path, number: file and number of the range.
        size: bytes that were written; synced: how many of them are on the disk.
        starts: byte offset of the frame that begins each group of 256 entries.
    """

    def __init__(self, files: Files, path: Path, number: int, size: int = 0, starts: Sequence[int] = ()) -> None:
        self._files = files
        self._output: Output | None = None
        self._is_new = size == 0
        self.path = path
        self.number = number
        self.size = self.synced = size
        self.starts = list(starts)

    def write(self, parts: Sequence[Part]) -> None:
        """Append frames in one call; they last from ``sync`` on."""
        if self._output is None:
            self._output = self._files.append(self.path)
        self._output.write(b"".join(part.data for part in parts))
        for part in parts:
            if part.kind == ENTRIES and part.first % ENTRIES_PER_FRAME == 0:
                self.starts.append(self.size)
            self.size += len(part.data)

    def sync(self) -> None:
        """Return when everything that was written is on the disk, and the file's name too."""
        if self._output is not None:
            self._output.sync()
        if self._is_new:
            self._files.sync_directory(self.path.parent)
        self._is_new = False
        self.synced = self.size

    def close(self) -> None:
        """Give the descriptor back; safe twice. A later ``write`` opens the file anew."""
        if self._output is not None:
            self._output.close()
        self._output = None

    def cut(self) -> None:
        """Throw away what is not on the disk, and let the next reading come from there."""
        self.close()
        if self.synced:
            self._files.truncate(self.path, self.synced)
        else:
            self._files.remove(self.path, durable=True)

    def frames(self) -> Iterator[Frame]:
        """Read all frames back.

        Raises:
            LogDamaged: a frame is not what was written.
        """
        with self._files.read(self.path) as file:
            yield from read_frames(file, str(self.path), 0, self.size)

    def bundle(self, number: int, width: int) -> bytes:
        """Read the first ``width`` entries of group ``number`` of 256 back, as a C2SP bundle.

        Raises:
            LogDamaged: they are not what was written.
        """
        raw: list[bytes] = []
        with self._files.read(self.path) as file:
            for frame in read_frames(file, str(self.path), self.starts[number], self.size):
                if frame.head.kind == ENTRIES:
                    raw.append(frame.raw())
                    width -= frame.head.count
                if width <= 0:
                    break
        return b"".join(raw)


class Scan(NamedTuple):
    """What a segment holds of the recorded entries.

    Attributes:
        hashes: of their leaves; starts: as ``Segment.starts``.
        size: bytes up to the end of the last recorded frame.
        beyond: entries that were written behind it, as far as they can be read.
    """

    hashes: list[bytes]
    starts: list[int]
    size: int
    beyond: int


def scan(files: Files, path: Path, number: int, until: int) -> Scan:
    """Read a segment up to entry ``until``, which is where a step ended.

    Raises:
        LogDamaged: a frame before it is torn, changed, or not the next one.
        LogRolledBack: the file ends before it.
    """
    first = number * RANGE_ENTRIES
    following = {ENTRIES: first, PAYLOADS: first}
    hashes: list[bytes] = []
    starts: list[int] = []
    size = 0
    with files.read(path) as file:
        frames = read_frames(file, str(path))
        while min(following.values()) < until:
            frame = next(frames, None)
            if frame is None:
                raise LogRolledBack(
                    f"{path}: the file ends behind entry {min(following.values())}, but the state has recorded {until}. "
                    "Its tail was removed, or an older copy restored: bring back the files of that time"
                )
            _check_next(frame, following[frame.head.kind], until)
            following[frame.head.kind] = frame.head.end
            if frame.head.kind == ENTRIES:
                if frame.head.first % ENTRIES_PER_FRAME == 0:
                    starts.append(frame.offset)
                hashes += leaf_hashes(decode_bundle(frame.raw(), frame.where, frame.head.first, frame.head.count))
            size = frame.next_offset
        beyond = _entries_behind(file, str(path), size)
    return Scan(hashes, starts, size, beyond)


def _check_next(frame: Frame, expected: int, until: int) -> None:
    head = frame.head
    if head.first != expected or head.end > until:
        raise LogDamaged(
            frame.where,
            f"a frame of entries {head.first} to {head.end - 1}; entry {expected} should follow, and {until} be reached",
        )


def count_beyond(files: Files, path: Path) -> tuple[int, int]:
    """Entries, as far as they can be read, and bytes of a segment of which nothing is recorded."""
    with files.read(path) as file:
        size = file.seek(0, os.SEEK_END)
        return _entries_behind(file, str(path), 0), size


def _entries_behind(file: BinaryIO, name: str, offset: int) -> int:
    """Entries in the frames from an offset on, up to the first one that is torn."""
    count = 0
    with suppress(LogDamaged):
        for frame in read_frames(file, name, offset):
            count += frame.head.count if frame.head.kind == ENTRIES else 0
    return count
