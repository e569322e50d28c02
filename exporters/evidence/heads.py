"""The signed heads of a shard: ``checkpoints`` holds them all, ``checkpoint`` the last one.

A note goes into ``checkpoints`` first, durably, behind it a line ``--- <size>`` of the tree it covers; then it replaces
``checkpoint``. So a torn note at the end of ``checkpoints`` was never published, and a ``checkpoint`` that lags behind is
simply written again.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from config.errors import LogDamaged, NoteError
from exporters.evidence.files import Files, read_whole, replace
from exporters.evidence.layout import CHECKPOINT, CHECKPOINTS
from exporters.evidence.note import Checkpoint, Signer, Verifier, open_checkpoint, sign_checkpoint

TAIL_BYTES = 65_536
"""More than two notes with their lines: what is read to find the last one."""

_SEPARATOR = re.compile(rb"^--- (\d+)\n", re.MULTILINE)


class Signed(NamedTuple):
    """A head of a shard that was signed.

    Attributes:
        shard: its name; size: entries covered; root: of the tree over them, 32 bytes; note: the signed note.
    """

    shard: str
    size: int
    root: bytes
    note: bytes


def origin_of(name: str, shard: str) -> str:
    """The origin line of a shard's checkpoints."""
    return f"{name}/{shard}"


def stored(note: bytes, size: int) -> bytes:
    """A note as ``checkpoints`` holds it."""
    return note + b"--- %d\n" % size


class Heads:
    """The two files of a shard.

    Attributes:
        last: the last head that was signed, ``None`` before the first one.
    """

    def __init__(self, files: Files, shard: Path) -> None:
        self._files = files
        self._shard = shard
        self._bytes = 0
        self._torn = False
        self._stale = False
        self.last: Signed | None = None

    def load(self, verifiers: Sequence[Verifier], origin: str) -> None:
        """Read the last head. A note that was torn while it was written is cut off, and a late ``checkpoint`` mended.

        Raises:
            LogDamaged: the last note does not verify, or the two files contradict each other.
        """
        path = self._shard / CHECKPOINTS
        tail = self._read_tail(path)
        published = read_whole(self._files, self._shard / CHECKPOINT)
        if tail is None:
            if published is not None:
                raise LogDamaged(str(path), "the file is missing or empty, though a checkpoint was published")
            return
        self.last = self._open(tail, verifiers, origin, path)
        self._stale = published != tail
        if published is not None and self._stale:
            late = self._open(published, verifiers, origin, self._shard / CHECKPOINT)
            if late.size > self.last.size:
                raise LogDamaged(str(path), f"ends at size {self.last.size}, though size {late.size} was published")
        self.mend()

    def sign(self, size: int, root: bytes, signers: Sequence[Signer], origin: str) -> Signed:
        """Sign a head that extends the last one, by every signer, and publish it."""
        note = sign_checkpoint(Checkpoint(origin, size, root), *signers)
        self._add(stored(note, size))
        self.last = Signed(self._shard.name, size, root, note)
        self._stale = True
        self.mend()
        return self.last

    def mend(self) -> None:
        """Let ``checkpoint`` be the last head, where writing it was interrupted."""
        if self._stale and self.last is not None:
            replace(self._files, self._shard / CHECKPOINT, self.last.note, durable=True)
        self._stale = False

    def _add(self, data: bytes) -> None:
        """Append to ``checkpoints``; what an earlier attempt left behind its valid bytes goes first."""
        path = self._shard / CHECKPOINTS
        output = self._files.append(path)
        try:
            if self._torn:
                self._files.truncate(path, self._bytes)
            self._torn = True
            output.write(data)
            output.sync()
        finally:
            output.close()
        self._files.sync_directory(self._shard)
        self._bytes += len(data)
        self._torn = False

    def _read_tail(self, path: Path) -> bytes | None:
        """The last whole note that is on the disk; notes how many bytes are valid."""
        try:
            self._files.settle(path)
            with self._files.read(path) as file:
                size = file.seek(0, os.SEEK_END)
                begin = max(0, size - TAIL_BYTES)
                file.seek(begin)
                data = file.read()
        except FileNotFoundError:
            return None
        ends = list(_SEPARATOR.finditer(data))
        self._bytes = begin + ends[-1].end() if ends else 0
        self._torn = self._bytes != size
        if not ends:
            return None
        start = ends[-2].end() if len(ends) > 1 else 0
        return data[start : ends[-1].start()]

    def _open(self, note: bytes, verifiers: Sequence[Verifier], origin: str, path: Path) -> Signed:
        try:
            checkpoint = open_checkpoint(note, verifiers, origin)
        except NoteError as error:
            raise LogDamaged(str(path), str(error)) from error
        return Signed(self._shard.name, checkpoint.size, checkpoint.root, note)
