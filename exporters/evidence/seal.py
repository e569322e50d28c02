"""Sealing: payloads encrypted under a key of the person they speak of. Deleting the key erases them, wherever copies lie.

    sealed   key id (16) || nonce (12) || AES-256-GCM ciphertext and tag (16); the salt of the entry is authenticated too
    tag      first 8 bytes, little-endian, of BLAKE2b-128(subject in UTF-8, key = the log's pepper); 0 becomes 1

The leaf commits to the plain payload, so what is opened can be checked against it. Nonces are random: 2^32 payloads a key
stay far below the bound of NIST SP 800-38D. The tag finds a person's payloads without naming the person.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from hashlib import blake2b
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from exporters.evidence.entries import SALT_BYTES

KEY_BYTES = 32
KEY_ID_BYTES = 16
NONCE_BYTES = 12
TAG_BYTES = 16
OVERHEAD_BYTES = KEY_ID_BYTES + NONCE_BYTES + TAG_BYTES
"""How much longer a payload becomes."""

NOBODY = 0
"""The tag of payloads that concern no person."""

_BODY = KEY_ID_BYTES + NONCE_BYTES

FindKey = Callable[[bytes], bytes | None]
"""The key of a key id; ``None`` where it is not known."""


class KeyStore(Protocol):
    """Where the keys of persons are kept."""

    def get_or_make(self, tag: int) -> tuple[bytes, bytes]:
        """Key id (16 bytes) and key (32 bytes) of a person; new ones where there are none."""


class Sealer:
    """Seals payloads under the keys of a store."""

    def __init__(self, keys: KeyStore, random_bytes: Callable[[int], bytes] = os.urandom) -> None:
        self._keys = keys
        self._random_bytes = random_bytes

    def seal(self, payload: bytes, salt: bytes, tag: int) -> bytes:
        """One payload, sealed under the key of the person with this tag."""
        return self.seal_all([payload], salt, [tag])[0]

    def seal_all(self, payloads: Sequence[bytes], salts: bytes, tags: Sequence[int]) -> list[bytes]:
        """Seal n payloads; each key is asked for once.

        Args:
            salts: 32 n bytes; tags: (n,).
        """
        known = {tag: self._keys.get_or_make(tag) for tag in dict.fromkeys(tags)}
        ciphers = {tag: (key_id, AESGCM(key).encrypt) for tag, (key_id, key) in known.items()}
        nonces = self._random_bytes(NONCE_BYTES * len(payloads))
        sealed: list[bytes] = []
        for number, (payload, tag) in enumerate(zip(payloads, tags, strict=True)):
            key_id, encrypt = ciphers[tag]
            nonce = nonces[NONCE_BYTES * number : NONCE_BYTES * (number + 1)]
            salt = salts[SALT_BYTES * number : SALT_BYTES * (number + 1)]
            sealed.append(b"".join((key_id, nonce, encrypt(nonce, payload, salt))))
        return sealed


def open_sealed(blob: bytes, salt: bytes, find_key: FindKey) -> bytes | None:
    """The plain payload.

    Args:
        find_key: the key of a key id, ``None`` where it is no longer there.

    Returns:
        ``None`` where the key is gone, or where the blob was changed or belongs to another salt or key.
    """
    if len(blob) < OVERHEAD_BYTES:
        return None
    key = find_key(blob[:KEY_ID_BYTES])
    if key is None:
        return None
    try:
        return AESGCM(key).decrypt(blob[KEY_ID_BYTES:_BODY], blob[_BODY:], salt)
    except InvalidTag:
        return None


def subject_tags(subjects: Iterable[str], pepper: bytes) -> list[int]:
    """The tag of each subject; never 0, which means nobody.

    Args:
        pepper: 32 random bytes of the log: without them a tag cannot be guessed from a name.
    """
    digests = (blake2b(subject.encode(), digest_size=16, key=pepper).digest() for subject in subjects)
    return [int.from_bytes(digest[:8], "little") or 1 for digest in digests]
