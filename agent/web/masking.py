"""Values of events as the pages show them: masked, unless the settings reveal the field."""

from __future__ import annotations

from collections.abc import Collection, Iterator

import msgspec

KNOWN = frozenset({"schema_version", "event_type", "occurred_at", "system_id", "model.name", "model.version"})
"""Fields of native events that say nothing about a person."""
MOST_FIELDS = 60
MOST_CHARACTERS = 200


def masked_fields(record: bytes, reveal: Collection[str]) -> tuple[tuple[str, str], ...]:
    """Path and shown value of every field of a JSON record, at most 60.

    Args:
        record: JSON in UTF-8.
        reveal: names of fields, or whole paths as ``features.income``, that are shown as they are.

    Raises:
        msgspec.DecodeError, UnicodeDecodeError: it is no JSON.
    """
    shown: list[tuple[str, str]] = []
    for path, value in _flat(msgspec.json.decode(record), ""):
        if len(shown) == MOST_FIELDS:
            return (*shown, ("...", "more fields are left out"))
        open_ = path in reveal or path.rpartition(".")[2] in reveal or path in KNOWN
        shown.append((path, _plain(value) if open_ else masked(value)))
    return tuple(shown)


def masked(value: object) -> str:
    """What kind of value stands there, and nothing of what it is."""
    match value:
        case None:
            return "nothing"
        case bool():
            return "true or false"
        case int() | float():
            return "a number"
        case str():
            return "a text" if value else "an empty text"
        case _:
            return "a list or an object"


def _plain(value: object) -> str:
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return text if len(text) <= MOST_CHARACTERS else f"{text[:MOST_CHARACTERS]} ..."


def _flat(value: object, path: str) -> Iterator[tuple[str, object]]:
    """Fields with their paths; lists and empty objects are values."""
    if not isinstance(value, dict) or not value:
        yield path or "$", value
        return
    for name, inner in value.items():
        yield from _flat(inner, f"{path}.{name}" if path else str(name))
