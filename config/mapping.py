"""``mappings``: how JSON of any shape becomes events. Paths are parsed and checked when the settings are read.

A path is a small part of JSONPath (RFC 9535), the part that names one place:

    $.request.id        members by name
    $['a.b'].c          a name with dots, spaces or quotes
    $.scores[0]         an element, counted from 0
"""

from __future__ import annotations

import re
from typing import Annotated, NamedTuple

from pydantic import (
    BeforeValidator,
    Field,
    PlainSerializer,
    PlainValidator,
    ValidationInfo,
    WithJsonSchema,
    field_validator,
)

from config.contract import ENVELOPE, FIELDS, OBJECT_FIELDS, EventType, TimeFormat
from config.section import Name, Section, mistake

MAX_STEPS = 32
MAX_INDEX = 999

_STEP = re.compile(
    r"""\.(?P<member>[^\W\d][\w-]*)|\[(?P<index>[0-9]+)\]|\['(?P<single>(?:[^'\\]|\\.)+)'\]|\["(?P<double>(?:[^"\\]|\\.)+)"\]"""
)
_ESCAPE = re.compile(r"\\(.)")
_PATH_REMEDY = "Write it from the root, as $.request.id, $.scores[0] or $['a.b']."

Step = str | int


class JsonPath(NamedTuple):
    """A parsed path; the empty one is the whole value."""

    steps: tuple[Step, ...]

    def __str__(self) -> str:
        return "$" + "".join(_format_step(step) for step in self.steps)


def parse_path(text: str) -> JsonPath:
    """Parse a path.

    Raises:
        ValueError: it is not a path of the form above, has more than 32 steps or an index above 999.
    """
    if not text.startswith("$"):
        raise ValueError("a path begins with $")
    steps: list[Step] = []
    at = 1
    while at < len(text):
        match = _STEP.match(text, at)
        if match is None:
            raise ValueError(f"it cannot be read from {text[at : at + 20]!r} on")
        steps.append(_step(match))
        at = match.end()
    if len(steps) > MAX_STEPS:
        raise ValueError(f"it has more than {MAX_STEPS} steps")
    return JsonPath(tuple(steps))


def _step(match: re.Match[str]) -> Step:
    if match["index"] is not None:
        index = int(match["index"])
        if index > MAX_INDEX:
            raise ValueError(f"index {index} is above {MAX_INDEX}")
        return index
    quoted = match["single"] or match["double"]
    return _ESCAPE.sub(r"\1", quoted) if quoted else str(match["member"])


def _format_step(step: Step) -> str:
    if isinstance(step, int):
        return f"[{step}]"
    if re.fullmatch(r"[^\W\d][\w-]*", step):
        return f".{step}"
    return "['" + step.replace("\\", "\\\\").replace("'", "\\'") + "']"


def _read_path(value: object) -> object:
    if isinstance(value, JsonPath):
        return value
    if not isinstance(value, str):
        raise mistake(f"{value!r} is not a path", _PATH_REMEDY)
    try:
        return parse_path(value)
    except ValueError as error:
        raise mistake(f"{value!r} is not a path: {error}", _PATH_REMEDY) from None


Path = Annotated[
    JsonPath,
    BeforeValidator(_read_path),
    PlainSerializer(str, return_type=str),
    WithJsonSchema({"type": "string", "pattern": r"^\$", "examples": ["$.request.id"]}),
]


def _read_scalar(value: object) -> object:
    if isinstance(value, str | int | float):
        return value
    raise mistake("this is not a text, a number, true or false", "Write a single value.")


Scalar = Annotated[
    str | int | float | bool,
    PlainValidator(_read_scalar),
    WithJsonSchema({"type": ["string", "number", "boolean"]}),
]


class When(Section):
    """A condition on the record."""

    path: Path
    """Where the value stands."""
    equals: Scalar
    """The value it must have."""


class Mapping(Section):
    """One shape of records. For each record the first mapping of its topic whose ``when`` holds is used."""

    topic: Name | None = None
    """The topic whose records it reads; without it, any."""
    when: When | None = None
    """Which records it reads; without it, all that no earlier mapping took."""
    type: EventType = "inference"
    """What they are: ``inference``, ``label`` or ``oversight``."""
    time: TimeFormat = "iso"
    """How times are written: ISO 8601, or a number since 1970 in ``s``, ``ms``, ``us`` or ``ns``."""
    constants: dict[Name, Scalar] = Field(default_factory=dict)
    """Fields that the records do not carry, with their value."""
    fields: dict[Name, Path] = Field(default_factory=dict, validate_default=True)
    """Where each field stands, as ``event_id: $.request.id``, ``features: $.input``, ``features.income: $.x.income``."""

    @field_validator("constants", "fields")
    @classmethod
    def _known_fields(cls, value: dict[str, object], info: ValidationInfo) -> dict[str, object]:
        event_type: EventType | None = info.data.get("type")
        if event_type is None:
            return value
        known = FIELDS[event_type]
        for name in value:
            if not _is_field(name, known):
                raise mistake(f"{name!r} is not a field of {event_type} events", f"Fields: {', '.join(known)}.")
        return value

    @field_validator("constants")
    @classmethod
    def _constant_texts(cls, value: dict[str, object]) -> dict[str, object]:
        for name in ("system_id", "model", "version"):
            if name in value and not isinstance(value[name], str):
                raise mistake(f"{name} is {value[name]!r}, not a text", f'Put it in quotes: {name}: "{value[name]}".')
        for name in value:
            if name in (*OBJECT_FIELDS, "event_id", "occurred_at", "ref_event_id"):
                raise mistake(f"{name} cannot be the same for all records", "Give its path under fields.")
        return value

    @field_validator("fields")
    @classmethod
    def _complete(cls, value: dict[str, JsonPath], info: ValidationInfo) -> dict[str, JsonPath]:
        event_type, constants = info.data.get("type"), info.data.get("constants")
        if event_type is None or constants is None:
            return value
        missing = [name for name in ENVELOPE[event_type] if name not in value and name not in constants]
        if missing:
            raise mistake(f"no path for {', '.join(missing)}", "Add one under fields, or a value under constants.")
        _check_overlap(value)
        return value


def _is_field(name: str, fields: tuple[str, ...]) -> bool:
    head, dot, member = name.partition(".")
    return (head in OBJECT_FIELDS and bool(member) and head in fields) if dot else name in fields


def _check_overlap(fields: dict[str, JsonPath]) -> None:
    """One place cannot be a single value for one field and an object for another: the decoder is typed."""
    single = {path.steps: name for name, path in fields.items() if name not in OBJECT_FIELDS}
    for name, path in fields.items():
        for end in range(len(path.steps)):
            if path.steps[:end] in single:
                other = single[path.steps[:end]]
                raise mistake(f"{name} lies inside {other}, which is read as one value", "Map one of the two.")
