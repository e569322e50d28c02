"""CloudEvents 1.0: what its two modes have in common. Each mode is a file of its own."""

from __future__ import annotations

from collections.abc import Mapping

from agent.source import Headers
from config.errors import RecordRejected

SPEC_VERSION = "1.0"
STRUCTURED_TYPE = "application/cloudevents+json"


def own_headers(headers: Headers) -> dict[str, str]:
    """The headers that CloudEvents defines, by lower-case name; what is not UTF-8 is replaced."""
    return {
        name.lower(): value.decode("utf-8", "replace")
        for name, value in headers
        if value is not None and name[:3].lower() in ("ce_", "con")
    }


def content_type(headers: Mapping[str, str]) -> str:
    """The media type without its parameters, in lower case; empty where there is none."""
    return headers.get("content-type", "").partition(";")[0].strip().lower()


def is_json(media_type: str) -> bool:
    return media_type in ("", "text/json", "application/json") or media_type.endswith("+json")


def check_version(version: str) -> None:
    """Raises:
    RecordRejected: the envelope is of another version.
    """
    if version != SPEC_VERSION:
        raise RecordRejected("bad_cloudevent", f"specversion {version[:20]!a}; this version reads {SPEC_VERSION}")
