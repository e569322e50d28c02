"""CloudEvents in binary mode: the attributes are Kafka headers (``ce_id``, ``ce_time``), the value is the event itself."""

from __future__ import annotations

from collections.abc import Mapping

from agent.decoders.cloudevents import check_version, content_type, is_json
from agent.decoders.envelope import Outer
from config.errors import RecordRejected


def unwrap(value: bytes, texts: Mapping[str, str]) -> tuple[bytes, Outer] | None:
    """The event and what the headers say about it; ``None`` where the record is none in binary mode.

    Raises:
        RecordRejected: it is one, but of another version, or its data are not JSON.
    """
    if "ce_specversion" not in texts:
        return None
    check_version(texts["ce_specversion"])
    media_type = content_type(texts)
    if not is_json(media_type):
        raise RecordRejected("bad_cloudevent", f"content-type {media_type[:60]!a}; only JSON is read")
    return value, Outer(texts.get("ce_id"), texts.get("ce_time"))
