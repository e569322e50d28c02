"""Whether the end of a segment is a frame that was not written whole, or one whose length was changed."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from hashlib import sha256

from exporters.evidence.frames import HEAD_BYTES, MAGIC
from exporters.evidence.tree import HASH_BYTES

_STORED = struct.Struct("<I")
_UNSIGNED_BYTES = HEAD_BYTES - HASH_BYTES
_STORED_AT = _UNSIGNED_BYTES - _STORED.size


def was_changed(tail: bytes) -> bool:
    """Whether a frame that seems to end behind the file is whole under another length.

    Args:
        tail: everything from its first byte on.
    """
    if len(tail) < HEAD_BYTES:
        return False
    digest = tail[_UNSIGNED_BYTES:HEAD_BYTES]
    for end in _ends(tail):
        body = tail[HEAD_BYTES:end]
        if sha256(tail[:_STORED_AT] + _STORED.pack(len(body)) + body).digest() == digest:
            return True
    return False


def _ends(tail: bytes) -> Iterator[int]:
    """Where the frame may really end: at the end of the file, or where another one begins."""
    yield len(tail)
    at = tail.find(MAGIC, HEAD_BYTES)
    while at >= 0:
        yield at
        at = tail.find(MAGIC, at + 1)
