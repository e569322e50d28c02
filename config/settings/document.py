"""Reading a settings file: YAML 1.2's plain types, the line of every key, and every duplicate at once.

PyYAML follows YAML 1.1, where the country ``NO`` is false, ``10:30`` is 630 and ``3.10`` as a key is 3.1. Here only
``true`` and ``false`` are truth values, numbers are decimal, and keys are the text that was written.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from config.errors import Problem, SettingsError

MAX_FILE_BYTES = 1 << 20
MERGE_KEY = "<<"

Location = tuple[str | int, ...]


class _Loader(yaml.SafeLoader):
    """SafeLoader with the implicit types of YAML 1.2's core schema."""


_Loader.yaml_implicit_resolvers = {}
_Loader.add_implicit_resolver("tag:yaml.org,2002:null", re.compile(r"^(~|null|Null|NULL|)$"), ["~", "n", "N", ""])
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:bool", re.compile(r"^(true|True|TRUE|false|False|FALSE)$"), list("tTfF")
)
_Loader.add_implicit_resolver("tag:yaml.org,2002:int", re.compile(r"^[-+]?(0|[1-9][0-9]*)$"), list("-+0123456789"))
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(
        r"^[-+]?([0-9]+\.[0-9]*|\.[0-9]+|[0-9]+(?=[eE]))([eE][-+]?[0-9]+)?$|^[-+]?\.(inf|Inf|INF)$|^\.(nan|NaN|NAN)$"
    ),
    list("-+0123456789."),
)
_Loader.add_implicit_resolver("tag:yaml.org,2002:merge", re.compile(r"^<<$"), ["<"])


@dataclass(slots=True)
class Document:
    """What was written: plain data, and where each part of it stands.

    Attributes:
        lines: line (from 1) of every key and list element, by location.
        origins: where a value did not come from the file: the environment variable or secret file that gave it.
        problems: duplicate keys and other mistakes that the reader can step over.
    """

    data: dict[str, Any] = field(default_factory=dict)
    lines: dict[Location, int] = field(default_factory=dict)
    origins: dict[Location, str] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)


BEGIN = "Begin with source: and systems:, see docs/settings.md."


def read_document(path: Path, begin: str = BEGIN) -> Document:
    """Read a settings file; ``begin`` is what to do about an empty one.

    Raises:
        SettingsError: the file cannot be read, is not YAML, or is not a mapping of keys to values.
    """
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise SettingsError((Problem(str(path), "the file is larger than 1 MiB", "Is this the settings file?"),))
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        what = f"the file cannot be read: {error.strerror or error}"
        raise SettingsError((Problem(str(path), what, "Check the name and the permissions."),)) from None
    except UnicodeDecodeError as error:
        what = f"byte {error.start} is not UTF-8"
        raise SettingsError((Problem(str(path), what, "Save the file as UTF-8."),)) from None
    return parse_document(text, str(path), begin)


def parse_document(text: str, name: str, begin: str = BEGIN) -> Document:
    """Parse the text of a settings file; ``name`` is the file's name for messages.

    Raises:
        SettingsError: as ``read_document``.
    """
    try:
        root = yaml.compose(text, _Loader)
    except yaml.MarkedYAMLError as error:
        raise SettingsError((_syntax_problem(error, name),)) from None
    except yaml.YAMLError as error:
        raise SettingsError((Problem(name, f"this is not YAML: {error}", "Remove what cannot be text."),)) from None
    if not isinstance(root, yaml.MappingNode):
        what = "the file is empty" if root is None else "the file is not a mapping of keys to values"
        raise SettingsError((Problem(name, what, begin),))
    return _Builder(_Loader("")).build(root)


def _syntax_problem(error: yaml.MarkedYAMLError, name: str) -> Problem:
    mark = error.problem_mark or error.context_mark
    place = f"{name}:{mark.line + 1}:{mark.column + 1}" if mark is not None else name
    what = " ".join(part for part in (error.context, error.problem) if part)
    remedy = "Mind the indentation, and put text with : # or quotes into quotes."
    if "'\\t'" in what:
        what, remedy = "a tab where YAML allows only spaces", "Indent with spaces."
    return Problem(place, f"YAML syntax: {what}" if "tab" not in what else what, remedy)


class _Builder:
    """Turns YAML nodes into plain data, once per document."""

    def __init__(self, loader: _Loader) -> None:
        self._loader = loader
        self._document = Document()
        self._open: set[int] = set()

    def build(self, root: yaml.MappingNode) -> Document:
        self._document.data = self._mapping(root, ())
        return self._document

    def _value(self, node: yaml.Node, at: Location) -> Any:
        if id(node) in self._open:
            self._problem(node, at, "the value contains itself", "Remove the alias.")
            return None
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node, at)
        self._open.add(id(node))
        try:
            return self._mapping(node, at) if isinstance(node, yaml.MappingNode) else self._sequence(node, at)
        finally:
            self._open.discard(id(node))

    def _scalar(self, node: yaml.ScalarNode, at: Location) -> Any:
        try:
            return self._loader.construct_object(node)
        except yaml.YAMLError:
            self._problem(node, at, f"the YAML tag {node.tag} is not supported", "Write a plain value.")
            return None

    def _sequence(self, node: yaml.Node, at: Location) -> list[Any]:
        values = []
        for i, child in enumerate(node.value):
            self._document.lines[(*at, i)] = child.start_mark.line + 1
            values.append(self._value(child, (*at, i)))
        return values

    def _mapping(self, node: yaml.MappingNode, at: Location) -> dict[str, Any]:
        result: dict[str, Any] = {}
        merged: dict[str, Any] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                self._problem(key_node, at, "a key is not a plain text", "Write key: value.")
                continue
            key = key_node.value
            if key_node.tag.endswith(":merge"):
                merged |= self._merged(value_node, at)
                continue
            if key in result:
                self._problem(key_node, (*at, key), "the key is written twice", "Keep one of them.")
                continue
            self._document.lines[(*at, key)] = key_node.start_mark.line + 1
            result[key] = self._value(value_node, (*at, key))
        return merged | result

    def _merged(self, node: yaml.Node, at: Location) -> dict[str, Any]:
        """``<<: *anchor`` or ``<<: [*a, *b]``; keys written beside it win, then earlier ones."""
        nodes = node.value if isinstance(node, yaml.SequenceNode) else [node]
        values: dict[str, Any] = {}
        for part in nodes:
            if isinstance(part, yaml.MappingNode):
                values = self._value(part, at) | values
            else:
                self._problem(part, at, "<< merges something that is no mapping", "Merge an anchored mapping.")
        return values

    def _problem(self, node: yaml.Node, at: Location, what: str, remedy: str) -> None:
        self._document.problems.append(Problem(format_location(at), what, remedy, node.start_mark.line + 1))


def format_location(location: Location) -> str:
    """``systems[0].models[0].window``; names that are no identifiers are quoted."""
    text = ""
    for part in location:
        if isinstance(part, int):
            text += f"[{part}]"
        elif re.fullmatch(r"[A-Za-z_][\w-]*", part):
            text += f".{part}" if text else part
        else:
            text += f"['{part}']"
    return text or "(file)"
