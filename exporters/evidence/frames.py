"""Frames: the unit in which segments, packs and payload files hold entries and payloads.

    head   "<4sBQIII32s": magic WEF1, kind, first entry index, count of entries, raw bytes, stored bytes, digest
    body   the raw bytes, one zstd frame (level 1, no dictionary, content size in the frame, no checksum)

    digest = SHA-256(head without the digest || body)

A file of frames is read from its start, one frame after another; a frame that was not written whole, or was changed,
does not have its digest.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from typing import BinaryIO

import zstandard

from config.errors import LogDamaged

MAGIC = b"WEF1"
ENTRIES = 1
PAYLOADS = 2

ENTRIES_PER_FRAME = 256
"""Entries frames never cross a multiple of this: a full one is a C2SP entry bundle."""

RANGE_ENTRIES = 65_536
"""No frame crosses a multiple of this: a full range is packed into files of its own."""

MAX_RAW_BYTES = 1 << 30
COMPRESSION = zstandard.ZstdCompressionParameters.from_level(1, window_log=17, hash_log=12)
"""Level 1 with tables that stay in the first cache: a fifth faster on events, and smaller, than with its usual ones."""

_HEAD = struct.Struct("<4sBQIII32s")
_UNSIGNED_HEAD = struct.Struct("<4sBQIII")
HEAD_BYTES = _HEAD.size


@dataclass(frozen=True, slots=True)
class Head:
    """What a frame says of itself.

    Attributes:
        kind: ``ENTRIES`` or ``PAYLOADS``.
        first: index in the shard of the first entry it speaks of; count: of how many.
        raw_bytes, stored_bytes: length of the body, unpacked and as it is stored.
        digest: 32 bytes.
    """

    kind: int
    first: int
    count: int
    raw_bytes: int
    stored_bytes: int
    digest: bytes

    @property
    def end(self) -> int:
        """Index of the first entry behind the frame."""
        return self.first + self.count


@dataclass(frozen=True, slots=True)
class Frame:
    """A frame as it is stored, its digest checked.

    Attributes:
        head: what it says of itself.
        data: head and body, as they stand in the file.
        where: file and byte offset, for messages.
        offset: of its first byte in the file.
    """

    head: Head
    data: bytes
    where: str
    offset: int

    @property
    def next_offset(self) -> int:
        """Where the frame behind it begins."""
        return self.offset + len(self.data)

    def raw(self) -> bytes:
        """Unpack the body.

        Raises:
            LogDamaged: it is no zstd frame of the length that the head names.
        """
        head = self.head
        body = self.data[HEAD_BYTES:]
        try:
            if zstandard.frame_content_size(body) != head.raw_bytes or head.raw_bytes > MAX_RAW_BYTES:
                raise LogDamaged(self.where, f"the frame does not unpack to the {head.raw_bytes} bytes it names")
            return zstandard.ZstdDecompressor().decompress(body, allow_extra_data=False)
        except zstandard.ZstdError as error:
            raise LogDamaged(self.where, f"the frame cannot be unpacked ({error})") from error


class FrameEncoder:
    """Makes frames; keeps one compressor, so it belongs to one thread."""

    def __init__(self) -> None:
        self._compress = zstandard.ZstdCompressor(compression_params=COMPRESSION).compress

    def encode(self, kind: int, first: int, count: int, raw: bytes) -> bytes:
        """Return head and body.

        Raises:
            ValueError: the raw bytes are more than ``MAX_RAW_BYTES``.
        """
        if len(raw) > MAX_RAW_BYTES:
            raise ValueError(f"a frame holds at most {MAX_RAW_BYTES} bytes, not {len(raw)}")
        body = self._compress(raw)
        unsigned = _UNSIGNED_HEAD.pack(MAGIC, kind, first, count, len(raw), len(body))
        return b"".join((unsigned, _digest(unsigned, body), body))


def read_frames(file: BinaryIO, name: str, offset: int = 0, end: int | None = None) -> Iterator[Frame]:
    """Read a file's frames one after another, each held in memory alone, and check their digests.

    Args:
        file: opened for reading; name: what messages call it.
        offset: where a frame begins; end: where to stop, else the end of the file.

    Raises:
        LogDamaged: a frame is torn, changed, or none at all; its ``where`` names file and byte offset.
    """
    while end is None or offset < end:
        file.seek(offset)
        head_bytes = file.read(HEAD_BYTES)
        if not head_bytes and end is None:
            return
        frame = _read_body(file, head_bytes, f"{name}, byte {offset}", offset)
        yield frame
        offset = frame.next_offset


def read_frame(file: BinaryIO, name: str, offset: int) -> Frame:
    """Read the one frame that begins at an offset.

    Raises:
        LogDamaged: as ``read_frames``.
    """
    file.seek(offset)
    return _read_body(file, file.read(HEAD_BYTES), f"{name}, byte {offset}", offset)


def read_heads(file: BinaryIO, name: str) -> Iterator[tuple[int, Head]]:
    """Skim a file of frames: offset and head of each, without its body, so the digests stay unchecked.

    Raises:
        LogDamaged: a head is torn or none at all.
    """
    offset = 0
    while head_bytes := file.read(HEAD_BYTES):
        head = _parse_head(head_bytes, f"{name}, byte {offset}")
        yield offset, head
        offset += HEAD_BYTES + head.stored_bytes
        file.seek(offset)


def later_version(magic: bytes, known: bytes) -> str:
    """What to say of a mark that ends in a later digit than the one that is known; empty for any other bytes."""
    kind, version = known[:-1], known[-1:]
    if magic[:-1] != kind or not magic[-1:].isdigit() or magic[-1:] <= version:
        return ""
    return (
        f"it says that it is of format {magic[-1:].decode()}, this version reads format {version.decode()}. "
        "Run the version that wrote it"
    )


def _read_body(file: BinaryIO, head_bytes: bytes, where: str, offset: int) -> Frame:
    head = _parse_head(head_bytes, where)
    if head.stored_bytes > MAX_RAW_BYTES + (MAX_RAW_BYTES >> 7):
        raise LogDamaged(where, f"the frame claims a body of {head.stored_bytes} bytes, more than any has")
    body = file.read(head.stored_bytes)
    if len(body) < head.stored_bytes:
        raise LogDamaged(where, f"the frame is torn: {len(body)} of {head.stored_bytes} bytes of its body are there")
    data = head_bytes + body
    if _digest(head_bytes[: _UNSIGNED_HEAD.size], body) != head.digest:
        raise LogDamaged(where, "the frame is not what was written: its digest differs")
    return Frame(head, data, where, offset)


def _digest(unsigned_head: bytes, body: bytes) -> bytes:
    digest = sha256(unsigned_head)
    digest.update(body)
    return digest.digest()


def _parse_head(data: bytes, where: str) -> Head:
    if len(data) < HEAD_BYTES:
        raise LogDamaged(where, f"the frame is torn: {len(data)} of {HEAD_BYTES} bytes of its head are there")
    magic, *rest = _HEAD.unpack(data)
    head = Head(*rest)
    if magic != MAGIC:
        raise LogDamaged(where, later_version(magic, MAGIC) or f"no frame begins here: {magic!r} instead of {MAGIC!r}")
    if head.kind not in (ENTRIES, PAYLOADS) or head.count == 0:
        raise LogDamaged(where, f"no frame has kind {head.kind} and {head.count} entries")
    if head.first // RANGE_ENTRIES != (head.end - 1) // RANGE_ENTRIES:
        raise LogDamaged(where, f"the frame crosses a range of {RANGE_ENTRIES} entries at entry {head.first}")
    return head
