"""The reference of all settings, as Markdown: what docs/settings.md prints below its introduction.

``python -m config.settings.reference docs/settings.md`` writes it there; a test holds the page to it.
"""

from __future__ import annotations

import re
import sys
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, SecretStr
from pydantic_core import PydanticUndefined

from config import units
from config.mapping import JsonPath
from config.settings.root import Settings
from config.settings.schema import Key, keys_of

BEGIN = "<!-- reference: written by python -m config.settings.reference -->"
_SCALARS = {str: "text", int: "whole number", float: "number", bool: "true or false", Path: "file"}


def reference() -> str:
    """One heading per section, one table row per key."""
    return "\n".join(_section("", Settings, ())).rstrip() + "\n"


def replace_reference(page: str) -> str:
    """The page with everything below the mark written anew."""
    introduction, mark, _ = page.partition(BEGIN)
    if not mark:
        raise ValueError(f"the page has no line {BEGIN}")
    return f"{introduction}{BEGIN}\n\n{reference()}"


def _section(path: str, section: type[BaseModel], seen: tuple[type[BaseModel], ...]) -> Iterator[str]:
    keys = keys_of(section)
    yield f"### {path or 'The whole file'}"
    yield ""
    yield _markdown(section.__doc__ or "")
    yield ""
    yield "| key | value | default | meaning |"
    yield "|---|---|---|---|"
    for key in keys.values():
        yield f"| `{key.name}` | {_form(key)} | {_default(key)} | {_markdown(key.description)} |"
    yield ""
    for key in keys.values():
        for below in key.sections:
            if below not in seen:
                yield from _section(_path(path, key, below), below, (*seen, section))


def _path(path: str, key: Key, below: type[BaseModel]) -> str:
    name = f"{path}.{key.name}" if path else key.name
    kind = get_origin(_plain(key.field.annotation))
    name += {tuple: "[]", dict: ".NAME"}.get(kind, "") if kind in (tuple, dict) else ""
    tags = get_args(below.model_fields["type"].annotation) if len(key.sections) > 1 else ()
    return f"{name} (type: {tags[0]})" if tags else name


def _form(key: Key) -> str:
    kind = get_origin(_plain(key.field.annotation))
    if key.sections:
        return {tuple: "list of sections", dict: "sections by name"}.get(kind, "section") if kind else "section"
    return _name(key.field.annotation, tuple(key.field.metadata))


def _name(annotation: Any, metadata: tuple[Any, ...] = ()) -> str:
    if units.format_duration in (getattr(item, "func", None) for item in metadata):
        return "duration"
    if units.format_size in (getattr(item, "func", None) for item in metadata):
        return "size"
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _name(arguments[0], arguments[1:])
    if origin is Literal:
        return " or ".join(f"`{choice}`" for choice in arguments)
    if origin in (Union, types.UnionType):
        return _union([argument for argument in arguments if argument is not type(None)])
    if origin is tuple:
        return f"list of {_name(arguments[0])}"
    if origin is dict:
        return f"{_name(arguments[1])} by name"
    return _SCALARS.get(annotation, {SecretStr: "secret", JsonPath: "path"}.get(annotation, "time"))


def _union(members: list[Any]) -> str:
    if set(members) == {str, int, float, bool}:
        return "single value"
    return " or ".join(_name(member) for member in members)


def _plain(annotation: Any) -> Any:
    """An annotation without its metadata and without None."""
    if get_origin(annotation) is Annotated:
        return _plain(get_args(annotation)[0])
    if get_origin(annotation) in (Union, types.UnionType):
        members = [argument for argument in get_args(annotation) if argument is not type(None)]
        return _plain(members[0]) if len(members) == 1 else annotation
    return annotation


def _default(key: Key) -> str:
    field = key.field
    if field.is_required():
        return "required"
    if field.default is PydanticUndefined:
        return "none" if key.name != "slide" else "length"
    return _written(field.default, _form(key))


def _written(value: Any, form: str) -> str:
    if value is None or value == ():
        return "none"
    if isinstance(value, BaseModel):
        return "all defaults"
    if form == "duration":
        return f"`{units.format_duration(value)}`"
    if form == "size":
        return f"`{units.format_size(value)}`"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    return f"`{', '.join(value)}`" if isinstance(value, tuple) else f"`{value}`"


def _markdown(text: str) -> str:
    return re.sub(r"\s+", " ", text.replace("``", "`")).strip().replace("|", "\\|")


if __name__ == "__main__":
    target = Path(sys.argv[1])
    target.write_text(replace_reference(target.read_text(encoding="utf-8")), encoding="utf-8")
