"""Sealed payloads: where one may stand, and what it holds as far as its key is here.

Nothing that was signed says whether a payload is sealed, and only its key shows what it holds. So a payload that is changed
into a sealed one would never be compared with its leaf. What the tree does vouch for is the type of the leaf, and the
settings: only records are sealed, and only while the settings in force say so.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence
from hashlib import sha256
from operator import itemgetter

import msgspec

from exporters.evidence.completeness import OF_RECORDS
from exporters.evidence.leaf import Leaf, Settings, Shard
from exporters.evidence.reader import Payload
from exporters.evidence.seal import KEY_ID_BYTES, OVERHEAD_BYTES, FindKey, open_sealed


class _Log(msgspec.Struct):
    payloads: str = "plain"


class _Document(msgspec.Struct):
    """As much of a document of settings as matters here."""

    log: _Log = msgspec.field(default_factory=_Log)


class SealCheck:
    """Follows the settings through all shards.

    Args:
        about: what the log says of itself, with shard and entry, as it is read; it may grow.
        document_of: the document of an entry, ``None`` where it cannot be read.
        find_key: the keys of persons, where the state that holds them is here.
    """

    def __init__(
        self,
        about: Sequence[tuple[str, int, Leaf]],
        document_of: Callable[[str, int], bytes | None],
        find_key: FindKey | None = None,
    ) -> None:
        self._about = about
        self._document_of = document_of
        self._find_key = find_key
        self._followed = 0
        self._said: list[tuple[tuple[str, int], bool]] = []

    def misplaced(self, shard: str, payload: Payload, kind: type[Leaf | None]) -> str | None:
        """Why a sealed payload cannot be one that the agent wrote; ``None`` where it can.

        Args:
            kind: type of its leaf.
        """
        if kind not in OF_RECORDS:
            return "its payload is sealed, though only those of records ever are"
        if len(payload.data or b"") <= OVERHEAD_BYTES:
            return "its payload is too short to be a sealed one"
        if not self._may_be_sealed(shard, payload.index):
            return "its payload is sealed, though the settings in force did not say so"
        return None

    @property
    def has_keys(self) -> bool:
        """Whether sealed payloads can be opened here."""
        return self._find_key is not None

    def has_key_of(self, payload: Payload) -> bool:
        """Whether the key of a sealed payload is here."""
        return self._key((payload.data or b"")[:KEY_ID_BYTES]) is not None

    def open(self, payload: Payload) -> bytes | None:
        """The plain payload; ``None`` where its key does not open it."""
        return open_sealed(payload.data or b"", payload.salt, self._key)

    def _key(self, key_id: bytes) -> bytes | None:
        return None if self._find_key is None else self._find_key(key_id)

    def _may_be_sealed(self, shard: str, entry: int) -> bool:
        """Whether the settings in force then said so, or stand in a month that is not here."""
        for where, number, leaf in self._about[self._followed :]:
            self._follow(where, number, leaf)
        self._followed = len(self._about)
        before = bisect_left(self._said, (shard, entry), key=itemgetter(0))
        return before == 0 or self._said[before - 1][1]

    def _follow(self, shard: str, entry: int, leaf: Leaf) -> None:
        if isinstance(leaf, Shard) and leaf.previous is None:
            self._said.append(((shard, entry), False))  # the log begins here, and no settings yet
        elif isinstance(leaf, Settings):
            document = self._document_of(shard, entry)
            told = None if document is None or sha256(document).hexdigest() != leaf.new else _payloads_of(document)
            self._said.append(((shard, entry), told in (None, "sealed")))


def _payloads_of(document: bytes) -> str | None:
    """``log.payloads`` of a document of settings; ``None`` where it is none."""
    try:
        return msgspec.json.decode(document, type=_Document).log.payloads
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
