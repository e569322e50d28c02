"""The table of formats that may be wrapped around an event, told by the record's headers. One line, one file each."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from agent.decoders import cloudevents_binary, cloudevents_structured
from agent.decoders.cloudevents import own_headers
from agent.decoders.envelope import Outer
from agent.source import Headers

Unwrap = Callable[[bytes, Mapping[str, str]], tuple[bytes, Outer] | None]
"""From a record's value and its own headers (lower-case names) to the event inside; ``None``: not this format."""

FORMATS: dict[str, Unwrap] = {
    "cloudevents-binary": cloudevents_binary.unwrap,
    "cloudevents-structured": cloudevents_structured.unwrap,
}


def unwrap(value: bytes, headers: Headers) -> tuple[bytes, Outer] | None:
    """The event inside, by the first format that recognises the record; ``None`` where it is not wrapped.

    Raises:
        RecordRejected: a format recognises it and cannot read it.
    """
    texts = own_headers(headers)
    for attempt in FORMATS.values() if texts else ():
        found = attempt(value, texts)
        if found is not None:
            return found
    return None
