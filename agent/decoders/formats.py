"""The table of formats that may be wrapped around an event, told by the record's headers. One line, one file each."""

from __future__ import annotations

from collections.abc import Callable

from agent.decoders import cloudevents_binary, cloudevents_structured
from agent.decoders.envelope import Outer
from agent.source import Headers

Unwrap = Callable[[bytes, Headers], tuple[bytes, Outer] | None]

FORMATS: dict[str, Unwrap] = {
    "cloudevents-binary": cloudevents_binary.unwrap,
    "cloudevents-structured": cloudevents_structured.unwrap,
}


def unwrap(value: bytes, headers: Headers) -> tuple[bytes, Outer] | None:
    """The event inside, by the first format that recognises the record; ``None`` where it is not wrapped.

    Raises:
        RecordRejected: a format recognises it and cannot read it.
    """
    for attempt in FORMATS.values():
        found = attempt(value, headers)
        if found is not None:
            return found
    return None
