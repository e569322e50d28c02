"""What stands in a plain payload: a record's value and headers, or a document; the inverse of ``commitment.py``."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from config.errors import EvidenceError
from exporters.evidence.commitment import DOCUMENT, VALUE, WITH_HEADERS

_HEADERS = msgspec.json.Decoder(list[tuple[str, bytes]])


def record_of(payload: bytes) -> tuple[Sequence[tuple[str, bytes]], bytes]:
    """Headers and value of a record.

    Raises:
        EvidenceError: the payload is none of a record.
    """
    form = payload[:1]
    if form == VALUE:
        return (), payload[1:]
    end = 5 + int.from_bytes(payload[1:5], "little")
    if form != WITH_HEADERS or len(payload) < end:
        raise EvidenceError(f"a payload that begins with {payload[:5]!r} is no record")
    try:
        return _HEADERS.decode(payload[5:end]), payload[end:]
    except msgspec.DecodeError as error:
        raise EvidenceError(f"the headers of a payload cannot be read ({error})") from None


def document_of(payload: bytes) -> bytes:
    """The document.

    Raises:
        EvidenceError: the payload is none of a document.
    """
    if payload[:1] != DOCUMENT:
        raise EvidenceError(f"a payload that begins with {payload[:1]!r} is no document")
    return payload[1:]
