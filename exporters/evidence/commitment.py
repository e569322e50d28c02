"""Payloads and what a leaf says of them: SHA-256(salt || payload), in base64.

The first byte of a payload is its form: 0, a record's value follows; 1, a u32 (little-endian) and so many bytes of JSON
``[[key, base64 value], ...]`` with the record's headers, then its value; 2, a document follows. Thirty-two random bytes of
salt an entry keep anybody from guessing a payload by its commitment, and deleting the salt makes the commitment say nothing.
"""

from __future__ import annotations

import hashlib
from binascii import b2a_base64
from collections.abc import Sequence
from operator import add, methodcaller

import msgspec

from exporters.evidence.entries import SALT_BYTES

VALUE = b"\x00"
WITH_HEADERS = b"\x01"
DOCUMENT = b"\x02"

_TEXT_LENGTH = 44
_digest = methodcaller("digest")


def record_payload(value: bytes, headers: Sequence[tuple[str, bytes]] = ()) -> bytes:
    """The payload of a record."""
    if not headers:
        return VALUE + value
    told = msgspec.json.encode([(key, content) for key, content in headers])
    return WITH_HEADERS + len(told).to_bytes(4, "little") + told + value


def document_payload(document: bytes) -> bytes:
    """The payload of a document."""
    return DOCUMENT + document


def commitments(payloads: Sequence[bytes], salts: bytes) -> list[bytes]:
    """Base64 of each payload's commitment, without the ``=`` at its end.

    Args:
        payloads: n plain payloads, whatever is stored instead of them.
        salts: n x 32 bytes.
    """
    salted = map(add, _cut(salts, SALT_BYTES), payloads)
    digests = list(map(_digest, map(hashlib.sha256, salted)))
    # A zero byte behind each 32 makes them 33: all are then encoded in one go, and only the padding differs.
    text = b2a_base64(b"\0".join([*digests, b""]), newline=False)
    return [text[at : at + _TEXT_LENGTH - 1] for at in range(0, len(text), _TEXT_LENGTH)]


def _cut(data: bytes, size: int) -> list[bytes]:
    return [data[at : at + size] for at in range(0, len(data), size)]
