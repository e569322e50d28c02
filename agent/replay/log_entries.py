"""The entries of a log as a replay reads them: each leaf with its payload, opened, and held against what it commits to."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from hashlib import sha256
from typing import Literal, NamedTuple

from agent.evidence.lookup import FindKey
from agent.state import evidence
from exporters.evidence.leaf import Leaf, read_leaf
from exporters.evidence.reader import LogReader, Payload
from exporters.evidence.seal import open_sealed

Flaw = Literal["", "absent", "erased", "sealed", "changed"]
"""Why a payload cannot be read, or must not be believed: there never was one, it is gone, it is sealed and its key is not
here, or it is not what the leaf commits to."""


class LogEntry(NamedTuple):
    """An entry.

    Attributes:
        number: its index in the shard.
        payload: plain; ``None`` where it cannot be read.
        flaw: what is wrong with it; empty where nothing is.
    """

    shard: str
    number: int
    leaf: Leaf
    payload: bytes | None
    flaw: Flaw

    @property
    def where(self) -> str:
        """For messages."""
        return f"{self.shard}, entry {self.number}"


def no_keys(key_id: bytes) -> None:
    """The ``FindKey`` of those who hold no keys."""


def keys_of(connection: sqlite3.Connection) -> FindKey:
    """The keys that the state of an agent holds."""
    return lambda key_id: evidence.key_of_id(connection, key_id)


def log_entries(reader: LogReader, shard: str, stop: int, find_key: FindKey) -> Iterator[LogEntry]:
    """The entries [0, stop) of a shard, in bounded memory.

    Raises:
        EvidenceError: an entry or a frame cannot be read.
    """
    path = str(reader.path(shard))
    pairs = zip(reader.entries(shard, 0, stop), reader.payloads(shard, 0, stop), strict=True)
    for index, (entry, stored) in enumerate(pairs):
        leaf = read_leaf(entry, f"{path}, entry {index}")
        payload, flaw = _opened(stored, getattr(leaf, "payload", None), find_key)
        yield LogEntry(shard, index, leaf, payload, flaw)


def _opened(stored: Payload, commitment: bytes | None, find_key: FindKey) -> tuple[bytes | None, Flaw]:
    if stored.data is None:
        return None, "erased" if stored.state == "erased" else "absent"
    payload = open_sealed(stored.data, stored.salt, find_key) if stored.state == "sealed" else stored.data
    if payload is None:
        return None, "sealed"
    return payload, "" if sha256(stored.salt + payload).digest() == commitment else "changed"
