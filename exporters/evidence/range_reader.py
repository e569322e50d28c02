"""One range of a shard, open for reading, beside a writer that may append to it or pack it meanwhile.

A range lies in a pack and a payload file or, while it is written, in a segment. A segment may end in a frame that is not
yet whole; it is left out.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO, Self

from config.errors import LogDamaged
from exporters.evidence import layout
from exporters.evidence.frames import (
    ENTRIES,
    ENTRIES_PER_FRAME,
    HEAD_BYTES,
    PAYLOADS,
    RANGE_ENTRIES,
    Frame,
    Head,
    read_frame,
    read_heads,
)
from exporters.evidence.pack import FRAMES, Pack


class RangeReader:
    """Frames of a range, in the order of their entries. Close it, or use it as a context.

    Attributes:
        number: of the range; is_packed: whether it lies in a pack.
        whole_bytes: up to the end of the last whole frame of the segment or payload file; torn_bytes: behind it.
        payload_name: of that file; heads: its whole frames, with their byte offsets.
    """

    def __init__(self, shard: Path, number: int, *, is_packed: bool) -> None:
        """Raises:
        FileNotFoundError: the range does not lie there, or no longer.
        LogDamaged: the trailer of the pack is not what was written.
        """
        self.number = number
        self.is_packed = is_packed
        self.whole_bytes = self.torn_bytes = 0
        self.payload_name = str(layout.range_path(shard, layout.PAYLOAD if is_packed else layout.SEGMENT, number))
        self._opened = ExitStack()
        self._pack: Pack | None = None
        self.heads: list[tuple[int, Head]] = []
        self._damage: LogDamaged | None = None
        self._file: BinaryIO | None = None
        try:
            self._open(shard)
        except BaseException:
            self.close()
            raise

    @property
    def end(self) -> int:
        """Index behind the last entry."""
        if self.is_packed:
            return (self.number + 1) * RANGE_ENTRIES
        ends = (head.end for _, head in self.heads if head.kind == ENTRIES)
        return max(ends, default=self.number * RANGE_ENTRIES)

    @property
    def following(self) -> set[int]:
        """Entries with which frames may begin behind the last whole one: of entries, and of payloads."""
        first = self.number * RANGE_ENTRIES
        ends = {kind: [head.end for _, head in self.heads if head.kind == kind] for kind in (ENTRIES, PAYLOADS)}
        return {max(found, default=first) for found in ends.values()}

    def entry_frames(self, first: int = 0) -> Iterator[Frame]:
        """Frames of entries, from the one that holds entry ``first`` on.

        Raises:
            LogDamaged: a frame is not what was written.
        """
        if self._pack is None:
            yield from self._frames(ENTRIES, first)
            return
        begin = max(0, first - self.number * RANGE_ENTRIES) // ENTRIES_PER_FRAME
        yield from map(self._pack.frame, range(begin, FRAMES))

    def payload_frames(self, first: int = 0) -> Iterator[Frame]:
        """Frames of payloads, from the one that speaks of entry ``first`` on.

        Raises:
            LogDamaged: a frame is not what was written, or the payload file is missing.
        """
        yield from self._frames(PAYLOADS, first)

    def close(self) -> None:
        """Give the descriptors back; safe twice."""
        self._opened.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _open(self, shard: Path) -> None:
        if not self.is_packed:
            self._open_framed(Path(self.payload_name))
            return
        path = layout.range_path(shard, layout.PACK, self.number)
        self._pack = Pack(self._opened.enter_context(path.open("rb")), str(path), self.number)
        payloads = Path(self.payload_name)
        if payloads.is_file():
            self._open_framed(payloads)

    def _open_framed(self, path: Path) -> None:
        file = self._file = self._opened.enter_context(path.open("rb"))
        try:
            for offset, head in whole_frames(file, self.payload_name):
                self.heads.append((offset, head))
                self.whole_bytes = offset + HEAD_BYTES + head.stored_bytes
        except LogDamaged as error:
            self._damage = error
        self.torn_bytes = file.seek(0, os.SEEK_END) - self.whole_bytes

    def tail(self) -> bytes:
        """What lies behind the last whole frame."""
        assert self._file is not None
        self._file.seek(self.whole_bytes)
        return self._file.read()

    def _frames(self, kind: int, first: int) -> Iterator[Frame]:
        for offset, head in self.heads:
            if self.is_packed and head.kind != kind:
                raise LogDamaged(f"{self.payload_name}, byte {offset}", "a frame of entries among those of payloads")
            if head.kind == kind and head.end > first:
                assert self._file is not None
                yield read_frame(self._file, self.payload_name, offset)
        if self._damage is not None:
            raise self._damage


def open_range(shard: Path, number: int) -> RangeReader | None:
    """The range as it lies now; ``None`` where there is none.

    Raises:
        LogDamaged: as ``RangeReader``.
    """
    for is_packed in (is_packed_now(shard, number), True, False):  # a segment may become a pack between two looks
        try:
            return RangeReader(shard, number, is_packed=is_packed)
        except FileNotFoundError:
            continue
    return None


def is_packed_now(shard: Path, number: int) -> bool:
    """Whether the packing of a range was finished; before that its segment counts."""
    kinds = (layout.PACK, layout.PAYLOAD, layout.INDEX)
    has_segment = layout.range_path(shard, layout.SEGMENT, number).is_file()
    return not has_segment or all(layout.range_path(shard, kind, number).is_file() for kind in kinds)


def whole_frames(file: BinaryIO, name: str) -> Iterator[tuple[int, Head]]:
    """Offset and head of each frame that is there to its end; digests are not checked.

    Raises:
        LogDamaged: a head is none at all.
    """
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    heads = read_heads(file, name)
    behind = 0
    while size - behind >= HEAD_BYTES:
        try:
            offset, head = next(heads)
        except StopIteration:
            return
        behind = offset + HEAD_BYTES + head.stored_bytes
        if behind > size:
            return
        yield offset, head
