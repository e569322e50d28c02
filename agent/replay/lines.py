"""Lines of a file that may be compressed, each with its number, in bounded memory."""

from __future__ import annotations

import codecs
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import zstandard

from config.errors import SourceError

CHUNK_BYTES = 1 << 20
COMPRESSED_CHUNK_BYTES = 1 << 14


class Lines:
    """The lines of one file, from a position on.

    Lines end with ``\\n`` or ``\\r\\n``; a last line needs no end. A blank line is no record, but is counted, so that an
    offset plus one is the line number that an editor shows. A line over ``max_line_bytes`` is cut to one byte more than
    that: decoders then refuse it by its size, as they do with a message that is too big. A ``.zst`` file may hold several
    frames, one after the other. A byte order mark at the start of the file, as some editors write it, is no part of a line.

    Attributes:
        total_bytes: size of the file as it lies on disk.
        next_offset: number of the next line, from 0.
        ended: whether the last line has been read, or the file was closed.

    Raises:
        SourceError: the file cannot be opened.
    """

    def __init__(self, path: Path, max_line_bytes: int) -> None:
        self._raw = _open(path)
        self._lines = _lines(self._raw, path.suffix == ".zst", max_line_bytes)
        self.total_bytes = path.stat().st_size
        self.next_offset = 0
        self.ended = False

    @property
    def read_bytes(self) -> int:
        """How much of ``total_bytes`` has been read; all of it once ended."""
        return self.total_bytes if self.ended else self._raw.tell()

    def take(self, count: int) -> tuple[list[int], list[bytes | None]]:
        """Offsets and values of the next lines that are not blank, at most ``count``.

        Raises:
            OSError, zstandard.ZstdError: the file cannot be read on; what it gave before is lost with it.
        """
        offsets: list[int] = []
        values: list[bytes | None] = []
        while len(offsets) < count and not self.ended:
            line = self._next()
            if line:
                offsets.append(self.next_offset - 1)
                values.append(line)
        return offsets, values

    def skip_to(self, offset: int) -> None:
        """Read on without keeping, up to a line number; errors as of ``take``.

        Raises:
            SourceError: the line has been read already.
        """
        if offset < self.next_offset:
            raise SourceError(f"cannot go back to line {offset + 1} in a file read to line {self.next_offset}")
        while self.next_offset < offset and not self.ended:
            self._next()

    def close(self) -> None:
        """Close the file; it counts as ended."""
        self._raw.close()
        self.ended = True

    def _next(self) -> bytes:
        line = next(self._lines, None)
        if line is None:
            self.close()
            return b""
        self.next_offset += 1
        return line


class _Unpacked(io.RawIOBase):
    """The content of a Zstandard file. Unlike the library's reader it notices a file that was cut short."""

    def __init__(self, packed: BinaryIO) -> None:
        self._packed = packed
        self._frame = zstandard.ZstdDecompressor().decompressobj()
        self._within = False
        self._ready = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        room = memoryview(buffer).cast("B")
        while not self._ready:
            packed = self._frame.unused_data if self._frame.eof else b""
            packed = packed or self._packed.read(COMPRESSED_CHUNK_BYTES)
            if not packed:
                return self._end()
            self._unpack(packed)
        size = min(len(room), len(self._ready))
        room[:size], self._ready = self._ready[:size], self._ready[size:]
        return size

    def _unpack(self, packed: bytes) -> None:
        if self._frame.eof:
            self._frame = zstandard.ZstdDecompressor().decompressobj()
        self._ready = memoryview(self._frame.decompress(packed))
        self._within = not self._frame.eof

    def _end(self) -> int:
        if self._within:
            raise zstandard.ZstdError("the compressed file ends too early")
        return 0


def _lines(raw: BinaryIO, compressed: bool, max_line_bytes: int) -> Iterator[bytes]:
    """Lines without their ends, blank ones as nothing, over-long ones cut to ``max_line_bytes + 1``."""
    reader = io.BufferedReader(_Unpacked(raw), CHUNK_BYTES) if compressed else raw
    mark = codecs.BOM_UTF8
    while line := reader.readline(len(mark) + max_line_bytes + 2):
        kept, mark = line.removeprefix(mark), b""
        while not line.endswith(b"\n") and (line := reader.readline(CHUNK_BYTES)):
            pass
        kept = kept.removesuffix(b"\n").removesuffix(b"\r")[: max_line_bytes + 1]
        yield kept if kept.strip() else b""


def _open(path: Path) -> BinaryIO:
    try:
        return path.open("rb", buffering=CHUNK_BYTES)
    except OSError as error:
        raise SourceError(f"{path}: {error.strerror}. Check the path and its permissions") from None
