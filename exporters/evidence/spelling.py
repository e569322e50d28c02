"""How bytes and numbers are spelled in notes and proofs: one value has one spelling, every other one is refused."""

from __future__ import annotations

import base64
import binascii

from config.errors import NoteError

MAX_NUMBER = 2**63 - 1
"""Greatest size and index: others read them into signed 64-bit integers."""

_MAX_DIGITS = len(str(MAX_NUMBER))


def encode_base64(data: bytes) -> str:
    """Return the data in the standard alphabet, padded (RFC 4648 section 4)."""
    return base64.b64encode(data).decode()


def decode_base64(text: str, what: str) -> bytes:
    """Return the bytes that the text spells; ``what`` names it in errors.

    Raises:
        NoteError: it is no base64, or not the one spelling of its bytes (missing padding, bits that stand for nothing).
    """
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise NoteError(f"the {what} is not base64: {text[:60]!r}") from None
    if encode_base64(data) != text:
        raise NoteError(f"the {what} is not the one base64 spelling of its bytes: {text[:60]!r}")
    return data


def decode_number(text: str, what: str) -> int:
    """Return a decimal number below 2^63 without sign and leading zeros.

    Raises:
        NoteError: it is not one.
    """
    digits = text.isascii() and text.isdecimal() and len(text) <= _MAX_DIGITS
    if not digits or str(int(text)) != text or int(text) > MAX_NUMBER:
        raise NoteError(f"the {what} is not a decimal number below 2^63 without leading zeros: {text[:60]!r}")
    return int(text)
