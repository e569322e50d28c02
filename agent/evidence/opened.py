"""Opening what lies beside an entry, and holding it against what the entry's leaf commits to."""

from __future__ import annotations

from hashlib import sha256
from typing import Literal

from exporters.evidence.reader import Payload
from exporters.evidence.seal import KEY_ID_BYTES, FindKey, open_sealed

Flaw = Literal["", "absent", "erased", "sealed", "changed"]
"""Why a payload cannot be used: ``sealed`` under a key that is not here, ``changed``: not what the leaf commits to."""


def open_payload(stored: Payload, commitment: bytes | None, find_key: FindKey) -> tuple[bytes | None, Flaw]:
    """The plain payload, and what is wrong with it; a ``changed`` one is given too where it can be read.

    Args:
        commitment: SHA-256(salt || payload), as the leaf has it; ``None`` where it commits to nothing.
    """
    if stored.data is None:
        return None, "erased" if stored.state == "erased" else "absent"
    payload = stored.data
    if stored.state == "sealed":
        opened = open_sealed(stored.data, stored.salt, find_key)
        if opened is None:
            return None, "sealed" if find_key(stored.data[:KEY_ID_BYTES]) is None else "changed"
        payload = opened
    return payload, "" if sha256(stored.salt + payload).digest() == commitment else "changed"
