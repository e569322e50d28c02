"""The leaves of a log, read one frame after another: their shape, their offsets, and what they say about the log itself."""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter
from typing import Any

import msgspec

from exporters.evidence.completeness import Offsets
from exporters.evidence.findings import Findings
from exporters.evidence.leaf import (
    Act,
    CheckpointLeaf,
    Erasure,
    Hold,
    Incident,
    Inference,
    Key,
    Label,
    Leaf,
    Oversight,
    Release,
    Retention,
    Settings,
    Shard,
    decode,
)

ABOUT_THE_LOG = frozenset((CheckpointLeaf, Shard, Retention, Erasure, Hold, Release, Key, Settings))
_ID: dict[type[Any], Any] = {
    Inference: attrgetter("id"),
    Label: attrgetter("ref"),
    Oversight: attrgetter("ref"),
    Incident: attrgetter("incident"),
    Act: attrgetter("incident"),
}
_UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError)


class LeafCheck:
    """Follows the leaves of all shards.

    Attributes:
        offsets: of all partitions; about: what the log says of itself, with shard and entry.
    """

    def __init__(self, findings: Findings) -> None:
        self.offsets = Offsets()
        self.about: list[tuple[str, int, Leaf]] = []
        self._findings = findings

    def read(self, shard: str, where: str, first: int, entries: Sequence[bytes]) -> list[Leaf | None]:
        """The leaves of some entries; ``None`` for one that is none.

        Args:
            where: their frame; first: index of the first one.
        """
        leaves = self._decode(where, first, entries)
        for place, what in self.offsets.follow(leaves):
            self._findings.add(f"{where}, entry {first + place}", what, "offsets")
        if not ABOUT_THE_LOG.isdisjoint(map(type, leaves)):
            for place, leaf in enumerate(leaves):
                if leaf is not None and type(leaf) in ABOUT_THE_LOG:
                    self.about.append((shard, first + place, leaf))
        return leaves

    def _decode(self, where: str, first: int, entries: Sequence[bytes]) -> list[Leaf | None]:
        try:
            return list(map(decode, entries))
        except _UNREADABLE:
            return [self._decode_one(f"{where}, entry {first + place}", entry) for place, entry in enumerate(entries)]

    def _decode_one(self, where: str, entry: bytes) -> Leaf | None:
        try:
            return decode(entry)
        except _UNREADABLE as error:
            self._findings.add(where, f"the entry is no leaf that this version knows: {error}", "leaf")
            return None


def commitments_of(leaves: Sequence[Leaf | None]) -> list[bytes | None]:
    """What each leaf commits to; ``None`` where to nothing."""
    return [getattr(leaf, "payload", None) for leaf in leaves]


def ids_of(leaves: Sequence[Leaf | None]) -> list[str | None]:
    """The id under which the index finds each leaf."""
    return [_id_of(leaf) for leaf in leaves]


def _id_of(leaf: Leaf | None) -> str | None:
    get = _ID.get(type(leaf))
    found: str | None = None if get is None else get(leaf)
    return found
