"""The entries of a step, as they come."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence

from exporters.evidence.commitment import commitments, document_payload
from exporters.evidence.entries import PLAIN, SALT_BYTES, Entries

RandomBytes = Callable[[int], bytes]
NO_SALT = bytes(SALT_BYTES)


class Collected:
    """Owned by the loop's thread."""

    def __init__(self, random_bytes: RandomBytes = os.urandom) -> None:
        self._random_bytes = random_bytes
        self._leaves: list[bytes] = []
        self._payloads: list[bytes | None] = []
        self._salts: list[bytes] = []
        self._subjects: list[int] = []
        self._forms: list[bytes] = []

    def __len__(self) -> int:
        return len(self._leaves)

    def add(self, leaf: bytes) -> None:
        """An entry without a payload."""
        self.add_all(Entries([leaf], [None], NO_SALT))

    def add_document(self, document: bytes, compose: Callable[[bytes], bytes]) -> None:
        """An entry that commits to a document.

        Args:
            compose: makes the leaf from the commitment.
        """
        payload = document_payload(document)
        salt = self._random_bytes(SALT_BYTES)
        (commitment,) = commitments([payload], salt)
        self.add_all(Entries([compose(commitment)], [payload], salt))

    def add_all(self, entries: Entries) -> None:
        """Entries that are ready."""
        size = len(entries)
        self._leaves += entries.leaves
        self._payloads += entries.payloads
        self._salts.append(entries.salts)
        self._subjects += [0] * size if entries.subjects is None else entries.subjects
        self._forms.append(bytes([PLAIN]) * size if entries.forms is None else entries.forms)

    def entries(self) -> Entries:
        """All of them."""
        subjects: Sequence[int] | None = self._subjects if any(self._subjects) else None
        forms = b"".join(self._forms)
        return Entries(self._leaves, self._payloads, b"".join(self._salts), subjects, forms if any(forms) else None)
