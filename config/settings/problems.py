"""From pydantic's errors to problems an operator can act on: where, what, what to do."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from config.errors import Problem
from config.settings.document import Document, Location, format_location
from config.settings.schema import keys_of, section_at

SENSITIVE = frozenset({"sasl", "password", "secret", "headers", "basic_auth_users"})
"""Below these keys no value is ever repeated in a message."""

_SEE = "See docs/settings.md."
_MAX_SHOWN = 60

_TEXTS: dict[str, tuple[str, str]] = {
    "missing": ("the key is missing", "Add it: {description}"),
    "string_type": ("{input} is not a text", "Put it in quotes."),
    "string_too_short": ("the text is empty", "Write something."),
    "string_too_long": ("the text is longer than {max_length} characters", "Shorten it."),
    "string_pattern_mismatch": ("{input} holds control characters", "Write one line of plain text."),
    "int_type": ("{input} is not a whole number", "Write a whole number."),
    "int_parsing": ("{input} is not a whole number", "Write a whole number."),
    "int_from_float": ("{input} is not a whole number", "Write a whole number."),
    "float_type": ("{input} is not a number", "Write a number."),
    "float_parsing": ("{input} is not a number", "Write a number."),
    "finite_number": ("{input} is not a finite number", "Write a finite number."),
    "bool_type": ("{input} is neither true nor false", "Write true or false."),
    "bool_parsing": ("{input} is neither true nor false", "Write true or false."),
    "greater_than": ("{input} is not above {gt}", "Write a larger number."),
    "greater_than_equal": ("{input} is below {ge}", "Write at least {ge}."),
    "less_than": ("{input} is not below {lt}", "Write a smaller number."),
    "less_than_equal": ("{input} is above {le}", "Write at most {le}."),
    "literal_error": ("{input} is none of the choices", "Write one of: {expected}."),
    "union_tag_invalid": ("type {tag} is none of the choices", "Write one of: {expected_tags}."),
    "union_tag_not_found": ("the key type is missing", "Add it, as type: {all_tags}."),
    "tuple_type": ("{input} is not a list", "Write a list, as [a, b]."),
    "too_short": ("the list has fewer than {min_length} entries", "Add what is missing."),
    "too_long": ("the list has more than {max_length} entries", "Shorten it."),
    "dict_type": ("{input} is not a mapping of names to values", "Write name: value lines below the key."),
    "model_type": ("{input} is not a section", "Write the section's keys below it, or {{}} for its defaults."),
    "path_type": ("{input} is not a file name", "Write a path."),
}
_TEXTS["model_attributes_type"] = _TEXTS["model_type"]


def explain(error: ValidationError, document: Document, root: type[BaseModel]) -> list[Problem]:
    """One problem per error; a default that waits for another key is no mistake of its own."""
    found = (details for details in error.errors(include_url=False) if details["type"] != "default_factory_not_called")
    return [_explain(details, document, root) for details in found]


def in_file_order(problems: list[Problem]) -> tuple[Problem, ...]:
    """Sorted by line; what is not written in the file comes last."""
    return tuple(sorted(problems, key=lambda problem: (problem.line is None, problem.line or 0)))


def placed(problems: Iterable[Problem], document: Document) -> tuple[Problem, ...]:
    """Problems that were found later, with the lines of what they speak of, in file order."""
    lines = {format_location(location): line for location, line in document.lines.items()}
    return in_file_order([_placed(problem, lines) for problem in problems])


def _placed(problem: Problem, lines: Mapping[str, int]) -> Problem:
    """With the line of its path, or of the nearest section around it that is written in the file."""
    if problem.line is not None or problem.path.endswith(")"):  # (from VARIABLE)
        return problem
    path = problem.path
    while path and path not in lines:
        path = path[: max(path.rfind("."), path.rfind("["), 0)]
    return replace(problem, line=lines.get(path))


def _explain(details: ErrorDetails, document: Document, root: type[BaseModel]) -> Problem:
    location = _location(details, document.data)
    what, remedy = _texts(details, location, document, root)
    origin = _origin(location, document)
    path = format_location(location)
    if origin is not None:
        return Problem(f"{path} (from {origin})", what, remedy)
    return Problem(path, what, remedy, _line(location, document))


def _location(details: ErrorDetails, data: Any) -> Location:
    """The place as written: pydantic's also names the chosen member of a union, which nobody wrote."""
    location: Location = ()
    last = len(details["loc"]) - 1
    for i, step in enumerate(details["loc"]):
        within = isinstance(data, dict) and step in data
        element = isinstance(data, list | tuple) and isinstance(step, int) and step < len(data)
        if within or element:
            data = data[step]
        elif i < last or step == "[key]":
            continue
        location = (*location, step)
    return location


def _texts(details: ErrorDetails, location: Location, document: Document, root: type[BaseModel]) -> tuple[str, str]:
    context = details.get("ctx", {})
    if details["type"] == "wachter":
        return context["what"], context["remedy"]
    if details["type"] == "extra_forbidden":
        return "unknown key", _suggest(location, document, root)
    what, remedy = _TEXTS.get(details["type"], (details["msg"], _SEE))
    facts = {"input": _shown(details["input"], location), "description": ""} | context
    if details["type"] == "missing":
        facts["description"] = _description(location, document, root)
    if details["type"] == "union_tag_not_found":
        facts["all_tags"] = _all_tags(location, root)
    return what.format_map(facts), remedy.format_map(facts)


def _suggest(location: Location, document: Document, root: type[BaseModel]) -> str:
    section = section_at(root, location[:-1], document.data)
    known = list(keys_of(section)) if section is not None else []
    close = difflib.get_close_matches(str(location[-1]), known, n=1)
    if close:
        return f"Did you mean {close[0]}?"
    return f"Known keys: {', '.join(known)}." if known else _SEE


def _description(location: Location, document: Document, root: type[BaseModel]) -> str:
    section = section_at(root, location[:-1], document.data)
    key = keys_of(section).get(str(location[-1])) if section is not None else None
    return key.description.replace("``", "") if key is not None and key.description else _SEE


def _all_tags(location: Location, root: type[BaseModel]) -> str:
    """The choices of ``type``; only top-level keys have sections that are told apart by it."""
    key = keys_of(root)[str(location[0])]
    return " or type: ".join(tag for section in key.sections for tag in _tags(section))


def _tags(section: type[BaseModel]) -> tuple[str, ...]:
    field = section.model_fields.get("type")
    return tuple(getattr(field.annotation, "__args__", ())) if field is not None else ()


def _shown(value: Any, location: Location) -> str:
    """The mistaken value, where it is short, plain and cannot be a secret."""
    if SENSITIVE.intersection(location) or isinstance(value, dict | list | tuple):
        return "the value"
    text = repr(value)
    return text if len(text) <= _MAX_SHOWN else f"{text[:_MAX_SHOWN]}..."


def _origin(location: Location, document: Document) -> str | None:
    for end in range(len(location), 0, -1):
        if location[:end] in document.origins:
            return document.origins[location[:end]]
    return None


def _line(location: Location, document: Document) -> int | None:
    for end in range(len(location), 0, -1):
        if location[:end] in document.lines:
            return document.lines[location[:end]]
    return None
