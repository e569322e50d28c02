"""The entries of a log as a replay reads them: each leaf with its payload, opened, and held against what it commits to."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from typing import NamedTuple

from agent.evidence.opened import Flaw, open_payload
from agent.state import evidence
from exporters.evidence.leaf import Leaf, read_leaf
from exporters.evidence.reader import LogReader
from exporters.evidence.seal import FindKey


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
        payload, flaw = open_payload(stored, getattr(leaf, "payload", None), find_key)
        yield LogEntry(shard, index, leaf, payload, flaw)
