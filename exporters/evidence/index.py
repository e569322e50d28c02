"""The index of a full range: from the hash of an id to the entries that bear it.

    u32 count, count x u64 hashes ascending, count x u16 entry in the range, SHA-256 of all before it

Little-endian; equal hashes stand in the order of their entries. The hash is xxh3-64, seed 0, of the id in UTF-8. An
inference leaf is found by its own id, a label or an oversight act by the id of the event it speaks of, an incident's
transitions and acts by the incident's id. An index is derived: it can be built again from the entries.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Sequence
from hashlib import sha256

import msgspec
import numpy as np
import xxhash
from numpy.typing import NDArray

from config.errors import LogDamaged
from exporters.evidence.frames import RANGE_ENTRIES

_COUNT = struct.Struct("<I")
_DIGEST_BYTES = 32

_FIELD = {"inference": "id", "label": "ref", "oversight": "ref", "incident": "incident", "act": "incident"}


class _Named(msgspec.Struct, gc=False):
    """The keys of a leaf that an index may need; the others are skipped."""

    type: str
    id: str | None = None
    ref: str | None = None
    incident: str | None = None


_decode = msgspec.json.Decoder(_Named).decode
_PLAIN = re.compile(rb'\{"type":"(?:inference","id":"([^"\\]*)"|(?:label|oversight)","id":"[^"\\]*","ref":"([^"\\]*)")')
"""Leaves of records, as the agent writes them, whose ids need no decoding."""


def indexed_id(leaf: bytes) -> str | None:
    """The id by which a leaf is found; ``None`` for one that has none, or is no leaf."""
    try:
        named = _decode(leaf)
    except msgspec.MsgspecError:
        return None
    field = _FIELD.get(named.type)
    value: str | None = getattr(named, field) if field else None
    return value


def id_hash(text: str) -> int:
    """The hash under which an id stands in an index."""
    return xxhash.xxh3_64_intdigest(text.encode())


def indexed_hash(leaf: bytes) -> int | None:
    """The hash of a leaf's ``indexed_id``."""
    plain = _PLAIN.match(leaf)
    if plain is not None:
        return xxhash.xxh3_64_intdigest(plain[plain.lastindex or 0])
    text = indexed_id(leaf)
    return None if text is None else id_hash(text)


class Index:
    """An index in memory.

    Attributes:
        hashes: (n,) ascending; entries: (n,) their numbers in the range.
    """

    def __init__(self, hashes: NDArray[np.uint64], entries: NDArray[np.uint16]) -> None:
        self.hashes = hashes
        self.entries = entries

    @classmethod
    def of(cls, leaves: Sequence[bytes]) -> Index:
        """The index of the leaves of a range, or of the first ones of it."""
        return cls.of_hashes(list(map(indexed_hash, leaves)))

    @classmethod
    def of_ids(cls, ids: Sequence[str | None]) -> Index:
        """The index of leaves whose ids are these."""
        return cls.of_hashes([None if text is None else id_hash(text) for text in ids])

    @classmethod
    def of_hashes(cls, hashes: Sequence[int | None]) -> Index:
        """The index of leaves whose ids have these hashes; at most 65 536."""
        if len(hashes) > RANGE_ENTRIES:
            raise ValueError(f"an index spans at most {RANGE_ENTRIES} entries, not {len(hashes)}")
        named = [entry for entry, known in enumerate(hashes) if known is not None]
        known = np.array([known for known in hashes if known is not None], dtype=np.uint64)
        order = np.argsort(known, kind="stable")
        return cls(known[order], np.array(named, dtype=np.uint16)[order])

    def find(self, text: str) -> list[int]:
        """Entries, by their number in the range, that may bear the id: a hash can meet another's, so compare."""
        wanted = np.uint64(id_hash(text))
        start, stop = (int(np.searchsorted(self.hashes, wanted, side=side)) for side in ("left", "right"))
        return [int(entry) for entry in self.entries[start:stop]]

    def to_bytes(self) -> bytes:
        """The file's content."""
        body = b"".join(
            (
                _COUNT.pack(len(self.hashes)),
                self.hashes.astype("<u8").tobytes(),
                self.entries.astype("<u2").tobytes(),
            )
        )
        return body + sha256(body).digest()

    @classmethod
    def parse(cls, data: bytes, name: str) -> Index:
        """Return the index of a file.

        Raises:
            LogDamaged: it is torn or was changed.
        """
        body, digest = data[:-_DIGEST_BYTES], data[-_DIGEST_BYTES:]
        count = _COUNT.unpack_from(body)[0] if len(body) >= _COUNT.size else -1
        if len(body) != _COUNT.size + 10 * count or sha256(body).digest() != digest:
            raise LogDamaged(name, "the index is not what was written; it can be built again from the entries")
        return cls(
            np.frombuffer(body, "<u8", count, _COUNT.size), np.frombuffer(body, "<u2", count, _COUNT.size + 8 * count)
        )
