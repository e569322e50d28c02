"""Walking the types of the settings: which section, with which keys, stands at a location."""

from __future__ import annotations

import types
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from config import units
from config.section import key_of
from config.settings.document import Location


@dataclass(frozen=True, slots=True)
class Key:
    """One key of a section: its name in the file, its field, and the sections that may stand below it."""

    name: str
    field: FieldInfo
    sections: tuple[type[BaseModel], ...]

    @property
    def description(self) -> str:
        return " ".join((self.field.description or "").split())


def json_schema(root: type[BaseModel]) -> dict[str, Any]:
    """The JSON Schema of the file, with its defaults as people write them."""
    schema: dict[str, Any] = root.model_json_schema(by_alias=True)
    _write_defaults(schema)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def _write_defaults(node: Any) -> None:
    if isinstance(node, list):
        for item in node:
            _write_defaults(item)
    if not isinstance(node, dict):
        return
    write = _WRITERS.get(node.get("pattern"))
    if write is not None and isinstance(node.get("default"), int):
        node["default"] = write(node["default"])
    for item in node.values():
        _write_defaults(item)


_WRITERS: dict[Any, Callable[[int], str]] = {
    units.DURATION_PATTERN: units.format_duration,
    units.SIZE_PATTERN: units.format_size,
}


def keys_of(section: type[BaseModel]) -> dict[str, Key]:
    """The keys of a section, in the order of the file."""
    return {
        key_of(name): Key(key_of(name), field, tuple(_sections(field.annotation)))
        for name, field in section.model_fields.items()
    }


def section_at(root: type[BaseModel], location: Location, data: Any) -> type[BaseModel] | None:
    """The section that a location lies in or is; ``None`` where there is no section.

    Args:
        data: what was written, which decides between sections that are told apart by ``type``.
    """
    section: type[BaseModel] | None = root
    candidates: tuple[type[BaseModel], ...] = ()
    for step in location:
        data = _child(data, step)
        if section is not None and isinstance(step, str) and step in keys_of(section):
            candidates = keys_of(section)[step].sections
        section = _choose(candidates, data)
    return section


def _child(data: Any, step: str | int) -> Any:
    try:
        return data[step]
    except (KeyError, IndexError, TypeError):
        return None


def _choose(candidates: tuple[type[BaseModel], ...], data: Any) -> type[BaseModel] | None:
    """The section of this value; containers of sections have none of their own."""
    if not candidates or not isinstance(data, dict):
        return None
    for section in candidates:
        tag = section.model_fields.get("type")
        if tag is not None and len(candidates) > 1 and data.get("type") in get_args(tag.annotation):
            return section
    return candidates[0] if len(candidates) == 1 else None


def _sections(annotation: Any) -> Iterator[type[BaseModel]]:
    """All section types inside an annotation."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
        return
    origin = get_origin(annotation)
    if origin is Annotated:
        yield from _sections(get_args(annotation)[0])
    elif origin in (tuple, dict, Union, types.UnionType) and origin is not Literal:
        for argument in get_args(annotation):
            yield from _sections(argument)
