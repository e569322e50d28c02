"""Native events: the contract of docs/events.md, written as the three mappings that read it."""

from __future__ import annotations

from agent.decoders.shape import Names, Shape, compile_shape
from config.contract import EVENT_TYPES, FIELDS, EventType
from config.mapping import JsonPath, Mapping, When

EVENT_TYPE = JsonPath(("event_type",))
SCHEMA = JsonPath(("schema_version",))
_NESTED = {"model": JsonPath(("model", "name")), "version": JsonPath(("model", "version"))}


def native_shapes(names: Names) -> tuple[Shape, ...]:
    """The shapes of inference, label and oversight events, in that order."""
    return tuple(
        compile_shape(_mapping(event_type), names, {"schema_version": SCHEMA}, _known(event_type))
        for event_type in EVENT_TYPES
    )


def _mapping(event_type: EventType) -> Mapping:
    paths = {name: _NESTED.get(name, JsonPath((name,))) for name in FIELDS[event_type]}
    return Mapping(type=event_type, when=When(path=EVENT_TYPE, equals=event_type), fields=paths)


def _known(event_type: EventType) -> frozenset[str]:
    return frozenset((*FIELDS[event_type], "event_type", "schema_version")) - {"version"}
