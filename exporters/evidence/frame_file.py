"""A file of frames that is read, beside a writer that may append to it: whole frames, and what is left behind them."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import BinaryIO

from config.errors import LogDamaged
from exporters.evidence.frames import ENTRIES, HEAD_BYTES, PAYLOADS, Frame, Head, read_frame, read_heads


class FrameFile:
    """The frames of a segment or payload file.

    Attributes:
        name: for messages; heads: of its whole frames, with their byte offsets.
        whole_bytes: up to the end of the last whole frame; torn_bytes: behind it.
    """

    def __init__(self, path: Path, kinds: Collection[int]) -> None:
        """Args:
        kinds: of frames that may stand there.

        Raises:
            FileNotFoundError: there is no such file, or no longer.
        """
        self.name = str(path)
        self.heads: list[tuple[int, Head]] = []
        self.whole_bytes = 0
        self._kinds = kinds
        self._damage: LogDamaged | None = None
        self._file = path.open("rb")
        size = self._file.seek(0, os.SEEK_END)  # once: the file may grow
        try:
            for offset, head in _whole_frames(self._file, self.name, size):
                self.heads.append((offset, head))
                self.whole_bytes = offset + HEAD_BYTES + head.stored_bytes
        except LogDamaged as error:
            self._damage = error
        self.torn_bytes = size - self.whole_bytes

    def frames(self, kind: int, first: int = 0) -> Iterator[Frame]:
        """The frames of a kind, from the one that speaks of entry ``first`` on.

        Raises:
            LogDamaged: a frame is not what was written, or does not belong here.
        """
        for offset, head in self.heads:
            if head.kind not in self._kinds:
                raise LogDamaged(f"{self.name}, byte {offset}", "a frame of another kind than belongs here")
            if head.kind == kind and head.end > first:
                yield read_frame(self._file, self.name, offset)
        if self._damage is not None:
            raise self._damage

    def end(self, kind: int, first: int) -> int:
        """Index behind the last entry that frames of a kind speak of; ``first`` where there are none."""
        return max((head.end for _, head in self.heads if head.kind == kind), default=first)

    def following(self, first: int) -> set[int]:
        """Entries with which frames may begin behind the last whole one, in a file that begins with entry ``first``."""
        return {self.end(kind, first) for kind in (ENTRIES, PAYLOADS)}

    def tail(self) -> bytes:
        """What lay behind the last whole frame when the file was opened."""
        self._file.seek(self.whole_bytes)
        return self._file.read(self.torn_bytes)

    def close(self) -> None:
        """Give the descriptor back; safe twice."""
        self._file.close()


def _whole_frames(file: BinaryIO, name: str, size: int) -> Iterator[tuple[int, Head]]:
    """Offset and head of each frame that ends within the first ``size`` bytes; digests are not checked.

    Raises:
        LogDamaged: a head is none at all.
    """
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
