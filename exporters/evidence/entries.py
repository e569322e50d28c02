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

    def part(self, start: int, stop: int) -> Entries:
        """Entries ``start`` to ``stop`` of these."""
        return Entries(
            self.leaves[start:stop],
            self.payloads[start:stop],
            self.salts[SALT_BYTES * start : SALT_BYTES * stop],
            None if self.subjects is None else self.subjects[start:stop],
            None if self.forms is None else self.forms[start:stop],
        )


def joined(batches: Sequence[Entries]) -> Entries:
    """All entries of some batches, in their order."""
    if len(batches) == 1:
        return batches[0]
    return Entries(
        [leaf for batch in batches for leaf in batch.leaves],
        [payload for batch in batches for payload in batch.payloads],
        b"".join(batch.salts for batch in batches),
        [tag for batch in batches for tag in batch.subjects or [0] * len(batch.leaves)]
        if any(batch.subjects for batch in batches)
        else None,
        b"".join(batch.forms or bytes([PLAIN]) * len(batch.leaves) for batch in batches)
        if any(batch.forms for batch in batches)
        else None,
    )
