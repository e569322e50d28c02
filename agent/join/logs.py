"""Where a pane of the join keeps its bytes: in the database while it is small, in a file when it has grown.

A small log is a few chunks in a table, valid with the transaction that writes them: thousands of quiet panes cost no file
and no wait for the disk of their own. A large one is an append-only file, mapped into memory where it is read; the database
records how much of it is valid.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from config.errors import StateError

MAX_CHUNKS = 32


class ChunkLog:
    """Bytes in the table ``join_chunk``, under a pane and a name."""

    def __init__(self, connection: sqlite3.Connection, pane: int, name: str) -> None:
        self._connection = connection
        self._key = (pane, name)
        self._new: list[bytes] = []
        self._merged = False
        self._known: bytes | None = None

    def append(self, data: bytes) -> None:
        self._new.append(data)

    def whole(self) -> bytes:
        """All of it, with what is not written yet."""
        if self._known is None:
            query = "SELECT body FROM join_chunk WHERE pane = ? AND log = ? ORDER BY number"
            self._known = b"".join(body for (body,) in self._connection.execute(query, self._key))
        return b"".join((self._known, *self._new)) if self._new else self._known

    def merge(self) -> None:
        """Write it as one chunk from now on."""
        self._merged = True

    def forget(self) -> None:
        """Give back the memory of what is written."""
        self._known = None

    def write(self) -> None:
        """Inside the transaction."""
        if self._merged or (self._new and self._chunks() >= MAX_CHUNKS):
            whole = self.whole()
            self.delete()
            self._insert(0, whole)
        elif self._new:
            self._insert(self._chunks(), b"".join(self._new))

    def written(self) -> None:
        """After the transaction."""
        if self._known is not None and self._new:
            self._known = b"".join((self._known, *self._new))
        self._new.clear()
        self._merged = False

    def delete(self) -> None:
        """Inside the transaction."""
        self._connection.execute("DELETE FROM join_chunk WHERE pane = ? AND log = ?", self._key)

    def _chunks(self) -> int:
        query = "SELECT count(*) FROM join_chunk WHERE pane = ? AND log = ?"
        (count,) = self._connection.execute(query, self._key).fetchone()
        return int(count)

    def _insert(self, number: int, body: bytes) -> None:
        self._connection.execute("INSERT INTO join_chunk VALUES (?, ?, ?, ?)", (*self._key, number, body))


class FileLog:
    """An append-only file, of which ``size`` bytes are valid.

    Raises:
        StateError: from ``begun_with``, ``append`` and ``sync``. The file then holds an unknown part of what was appended;
            whoever opens it anew cuts that off.
    """

    def __init__(self, path: Path, size: int, *, durable: bool) -> None:
        self.path = path
        self._durable = durable
        self._unsynced = False
        self._is_new = not path.exists()
        if path.exists() and path.stat().st_size > size:
            os.truncate(path, size)

    @classmethod
    def begun_with(cls, path: Path, data: bytes, *, durable: bool) -> FileLog:
        """A new file; what an earlier attempt left under this name is gone."""
        with _said(path):
            path.unlink(missing_ok=True)
        log = cls(path, 0, durable=durable)
        log.append(data)
        return log

    def append(self, data: bytes) -> None:
        if data:
            self._unsynced = True
            with _said(self.path), self.path.open("ab") as file:  # buffered: a raw write may take a part and not say so
                file.write(data)

    def array(self, dtype: np.dtype[Any], count: int) -> NDArray[Any]:
        """The first ``count`` entries, mapped."""
        return np.memmap(self.path, dtype=dtype, mode="r", shape=(count,)) if count else np.empty(0, dtype)

    def sync(self) -> None:
        """Wait until all that was appended is on the disk."""
        if self._unsynced and self._durable:
            with _said(self.path):
                _fsync(self.path)
                if self._is_new:
                    _fsync(self.path.parent)
        self._unsynced = self._is_new = False

    def delete(self) -> None:
        self.path.unlink(missing_ok=True)


@contextmanager
def _said(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StateError(f"{path}: {error.strerror}. Nothing of this step was kept") from error


def _fsync(path: Path) -> None:
    """Of a file or a directory."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
