"""What is appended to the log in one go: leaves, and the payloads that they commit to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

SALT_BYTES = 32
PLAIN = 0
SEALED = 1


class Entries(NamedTuple):
    """n entries in their order.

    Attributes:
        leaves: JSON bytes, hashed as they stand.
        payloads: bytes as they are stored, plain or sealed; ``None`` where the leaf commits to none.
        salts: n x 32 bytes, zeros where there is no payload.
        subjects: tag of the person each payload speaks of, 0 for none; ``None`` where none speaks of any.
        forms: ``PLAIN`` or ``SEALED``, a byte each; ``None`` where all are plain.
    """

    leaves: Sequence[bytes]
    payloads: Sequence[bytes | None]
    salts: bytes
    subjects: Sequence[int] | None = None
    forms: bytes | None = None

    def __len__(self) -> int:
        return len(self.leaves)
