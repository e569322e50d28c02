"""Payloads against what their leaves commit to: SHA-256(salt || payload)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from hashlib import sha256

from exporters.evidence.entries import SALT_BYTES
from exporters.evidence.findings import Findings
from exporters.evidence.leaf import Leaf
from exporters.evidence.payload_frame import ABSENT, ERASED, PayloadBlock
from exporters.evidence.reader import Payload, payloads_of
from exporters.evidence.verify_seals import SealCheck

Kind = type[Leaf | None]
"""Type of a leaf; that of ``None`` for an entry that is no leaf."""
_NO_SALT = bytes(SALT_BYTES)


class PayloadCheck:
    """Checks the payloads of a shard.

    Attributes:
        states: how many payloads are plain, sealed, opened (sealed, and what the leaf commits to), absent and erased.
        erased: entries whose payload, or whose salt, is gone; each needs an erasure that names it.
        unopened: entries whose payload is sealed under a key that is not among those that are here.
    """

    def __init__(self, shard: str, seals: SealCheck, findings: Findings) -> None:
        self.states: Counter[str] = Counter()
        self.erased: list[int] = []
        self.unopened: list[int] = []
        self._shard = shard
        self._seals = seals
        self._findings = findings

    def check(
        self, where: str, first: int, block: PayloadBlock, kinds: Sequence[Kind], commitments: Sequence[bytes | None]
    ) -> None:
        """Check the payloads of n entries.

        Args:
            where: the frame; first: index of its first entry.
            kinds: types of the n leaves; commitments: what they commit to, ``None`` where to nothing.
        """
        is_plain = not block.forms.any() and not (block.lengths == ERASED).any()
        if is_plain and _commit(block) == commitments:
            absent = int((block.lengths == ABSENT).sum())
            self.states["plain"] += len(block) - absent
            self.states["absent"] += absent
            return
        for payload, kind, commitment in zip(payloads_of(first, block), kinds, commitments, strict=True):
            state, problem = self._look_at(payload, kind, commitment)
            self.states[state] += 1
            if problem is not None:
                self._findings.add(f"{where}, entry {payload.index}", problem, problem)

    def _look_at(self, payload: Payload, kind: Kind, commitment: bytes | None) -> tuple[str, str | None]:
        """In which state a payload is, and what is wrong with it."""
        if payload.state == "plain":
            return "plain", _compared(payload, payload.data, commitment)
        problem = self._problem(payload, commitment)
        if problem is not None or payload.state != "sealed":
            return payload.state, problem
        return self._look_into(payload, kind, commitment)

    def _look_into(self, payload: Payload, kind: Kind, commitment: bytes | None) -> tuple[str, str | None]:
        """The same of a sealed payload that is there."""
        problem = self._seals.misplaced(self._shard, payload, kind)
        if problem is not None or not self._seals.has_keys:
            return "sealed", problem
        if not self._seals.has_key_of(payload):
            self.unopened.append(payload.index)
            return "sealed", None
        opened = self._seals.open(payload)
        if opened is None:
            return "sealed", "its sealed payload is not what was written: its key does not open it"
        return "opened", _compared(payload, opened, commitment)

    def _problem(self, payload: Payload, commitment: bytes | None) -> str | None:
        """What is wrong with a payload that cannot be read here."""
        if payload.state == "absent":
            if payload.salt != _NO_SALT:
                return "it has a salt and no payload"
            return None if commitment is None else "its payload is missing, and was not erased"
        if commitment is None:
            return "it has a payload, and its leaf commits to none"
        if payload.state == "erased" or payload.salt == _NO_SALT:
            self.erased.append(payload.index)
            return None if payload.salt == _NO_SALT else "its payload is erased, and its salt is not"
        return None


def _compared(payload: Payload, data: bytes | None, commitment: bytes | None) -> str | None:
    """What is wrong with a payload whose plain bytes are these."""
    if sha256(payload.salt + (data or b"")).digest() == commitment:
        return None
    return "its payload is not the one that the leaf commits to"


def _commit(block: PayloadBlock) -> list[bytes | None]:
    """The commitments of plain payloads, most of the time those of the leaves; a salt without a payload shows too."""
    return [
        _without(block.salt(number)) if payload is None else sha256(block.salt(number) + payload).digest()
        for number, payload in enumerate(block.payloads())
    ]


def _without(salt: bytes) -> bytes | None:
    """What stands for an entry without a payload: nothing, and what no leaf commits to where it still has a salt."""
    return None if salt == _NO_SALT else salt
