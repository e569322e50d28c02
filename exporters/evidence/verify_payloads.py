"""Payloads against what their leaves commit to: SHA-256(salt || payload)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from hashlib import sha256

from exporters.evidence.entries import SALT_BYTES
from exporters.evidence.findings import Findings
from exporters.evidence.payload_frame import ABSENT, ERASED, PayloadBlock
from exporters.evidence.reader import Payload, payloads_of

_NO_SALT = bytes(SALT_BYTES)


class PayloadCheck:
    """Checks the payloads of a shard.

    Attributes:
        states: how many payloads are plain, sealed, absent and erased.
        erased: entries whose payload, or whose salt, is gone; each needs an erasure that names it.
    """

    def __init__(self, findings: Findings) -> None:
        self.states: Counter[str] = Counter()
        self.erased: list[int] = []
        self._findings = findings

    def check(self, where: str, first: int, block: PayloadBlock, commitments: Sequence[bytes | None]) -> None:
        """Check the payloads of n entries.

        Args:
            where: the frame; first: index of its first entry.
            commitments: what the n leaves commit to; ``None`` where to nothing.
        """
        is_plain = not block.forms.any() and not (block.lengths == ERASED).any()
        if is_plain and _commit(block) == commitments:
            absent = int((block.lengths == ABSENT).sum())
            self.states["plain"] += len(block) - absent
            self.states["absent"] += absent
            return
        for payload, commitment in zip(payloads_of(first, block), commitments, strict=True):
            state = payload.state
            if state == "plain":
                if sha256(payload.salt + (payload.data or b"")).digest() != commitment:
                    self._add(where, payload, "its payload is not the one that the leaf commits to")
            elif problem := self._problem(payload, commitment):
                self._add(where, payload, problem)
            self.states[state] += 1

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

    def _add(self, where: str, payload: Payload, what: str) -> None:
        self._findings.add(f"{where}, entry {payload.index}", what, what)


def _commit(block: PayloadBlock) -> list[bytes | None]:
    """The commitments of plain payloads, most of the time those of the leaves; a salt without a payload shows too."""
    return [
        _without(block.salt(number)) if payload is None else sha256(block.salt(number) + payload).digest()
        for number, payload in enumerate(block.payloads())
    ]


def _without(salt: bytes) -> bytes | None:
    """What stands for an entry without a payload: nothing, and what no leaf commits to where it still has a salt."""
    return None if salt == _NO_SALT else salt
