"""CloudEvents in structured mode: one JSON object holds the attributes and, under ``data``, the event."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping

import msgspec

from agent.decoders.cloudevents import STRUCTURED_TYPE, check_version, content_type, is_json
from agent.decoders.envelope import Outer
from config.errors import RecordRejected

_ABSENT = msgspec.Raw()
_NULL = msgspec.Raw(b"null")


class _Envelope(msgspec.Struct, gc=False):
    specversion: str
    id: str | None = None
    time: str | None = None
    datacontenttype: str | None = None
    data: msgspec.Raw = _ABSENT
    data_base64: str | None = None


_DECODER = msgspec.json.Decoder(_Envelope)


def unwrap(value: bytes, texts: Mapping[str, str]) -> tuple[bytes, Outer] | None:
    """The event inside and what the envelope says about it; ``None`` where the record is not in structured mode.

    Raises:
        RecordRejected: the content-type says that it is, and it cannot be read; or it carries no JSON data.
    """
    if content_type(texts) != STRUCTURED_TYPE:
        return None
    found = recognise(value)
    if found is None:
        raise RecordRejected("bad_cloudevent", "the value is no CloudEvents object with a specversion")
    return found


def recognise(value: bytes) -> tuple[bytes, Outer] | None:
    """As ``unwrap``, for records without a content-type: told by ``specversion`` beside ``data`` or ``data_base64``."""
    try:
        envelope = _DECODER.decode(value)
    except (ValueError, RecursionError):
        return None
    if envelope.data in (_ABSENT, _NULL) and envelope.data_base64 is None:
        return None
    check_version(envelope.specversion)
    media_type = (envelope.datacontenttype or "").partition(";")[0].strip().lower()
    if not is_json(media_type):
        raise RecordRejected("bad_cloudevent", f"datacontenttype {media_type[:60]!a}; only JSON is read")
    return _data(envelope), Outer(envelope.id, envelope.time)


def _data(envelope: _Envelope) -> bytes:
    if envelope.data not in (_ABSENT, _NULL):
        return bytes(envelope.data)
    try:
        return base64.b64decode(envelope.data_base64 or "", validate=True)
    except (binascii.Error, ValueError):
        raise RecordRejected("bad_cloudevent", "data_base64 is not base64") from None
