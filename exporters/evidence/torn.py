"""Whether the end of a segment is a frame that was not written whole, or one whose length was changed."""

from __future__ import annotations

import struct
from collections.abc import Collection, Iterator
from hashlib import sha256

from exporters.evidence.frames import ENTRIES, HEAD_BYTES, MAGIC, PAYLOADS
from exporters.evidence.tree import HASH_BYTES

_START = struct.Struct("<BQ")
_STORED = struct.Struct("<I")
_UNSIGNED_BYTES = HEAD_BYTES - HASH_BYTES
_STORED_AT = _UNSIGNED_BYTES - _STORED.size


def was_changed(tail: bytes, following: Collection[int]) -> bool:
    """Whether a frame that seems to end behind the file is whole under another length, or no frame at all.

    Args:
        tail: everything from its first byte on; following: entries that a frame may begin with here.
    """
    if len(tail) < HEAD_BYTES:
        return not _may_begin(tail, following)
    digest = tail[_UNSIGNED_BYTES:HEAD_BYTES]
    for end in _ends(tail):
        body = tail[HEAD_BYTES:end]
        if sha256(tail[:_STORED_AT] + _STORED.pack(len(body)) + body).digest() == digest:
            return True
    return False


def _may_begin(tail: bytes, following: Collection[int]) -> bool:
    """Whether a torn head is that of a frame that could follow."""
    heads = (MAGIC + _START.pack(kind, first) for kind in (ENTRIES, PAYLOADS) for first in following)
    return any(tail[: len(head)] == head[: len(tail)] for head in heads)


def _ends(tail: bytes) -> Iterator[int]:
    """Where the frame may really end: at the end of the file, or where another one begins."""
    yield len(tail)
    at = tail.find(MAGIC, HEAD_BYTES)
    while at >= 0:
        yield at
        at = tail.find(MAGIC, at + 1)
