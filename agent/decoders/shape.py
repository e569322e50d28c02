"""A mapping, compiled: which places of a record are which fields, and the typed decoder that reads them."""

from __future__ import annotations

from collections.abc import Mapping as MappingOf
from collections.abc import Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import msgspec

from agent.decoders import trie
from agent.decoders.blocks import pack, share
from agent.decoders.lenient import readable_scores
from config.contract import EventType, TimeFormat
from config.mapping import JsonPath, Mapping, Step, When

Path = tuple[Step, ...]

_IDS = ("event_id", "ref_event_id", "subject_ref")
_NAMES = ("system_id", "model", "version")
_NUMBERS = ("score", "latency_ms")
_TIMES = ("occurred_at", "ref_occurred_at")
_IGNORED = ("trace_id", "label_source")
"""Part of the contract, not of the columns."""


@dataclass(frozen=True, slots=True)
class Names:
    """The names below each object field that the settings declare: features with their types, the others as they are."""

    features: MappingOf[str, frozenset[str]]
    protected: tuple[str, ...] = ()
    segment: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Shape:
    """One compiled mapping.

    Attributes:
        fields: path of each field, by the names that ``Inferences.values`` and the envelope use.
        constants: fields that have one value in all records.
        class_scores: paths of ``scores.<class>`` fields, which are gathered into one object per event.
        decoder: bytes to the root Struct of ``tree``.
        objects: where ``features`` and its like stand, to notice members that nobody declared.
        known: members of the record's root that are expected, where that can be said (native events).
    """

    event_type: EventType
    time: TimeFormat
    when: When | None
    fields: dict[str, Path]
    constants: dict[str, Any]
    class_scores: dict[str, Path]
    tree: trie.Node
    decoder: msgspec.json.Decoder[Any]
    objects: dict[str, Path]
    known: frozenset[str] | None = None

    def columns(self, structs: Sequence[Any]) -> dict[str, Sequence[Any]]:
        """The values of every field, n for n structs."""
        by_path = trie.read_columns(self.tree, structs)
        columns: dict[str, Sequence[Any]] = {name: by_path[path] for name, path in self.fields.items()}
        for name, value in self.constants.items():
            columns[name] = [value] * len(structs)
        if self.class_scores:
            columns["scores"] = _gather({name: by_path[path] for name, path in self.class_scores.items()})
        return columns

    def conditions(self, structs: Sequence[Any]) -> list[Any]:
        """What ``when`` looks at in each of n structs."""
        assert self.when is not None
        node, values = self.tree, list(structs)
        for step in self.when.path.steps:
            name = node.names[step]
            values = [None if value is None else getattr(value, name) for value in values]
            node = node.children[step]
        return values


def compile_shape(
    mapping: Mapping,
    names: Names,
    further: MappingOf[str, JsonPath] = MappingProxyType({}),
    known: frozenset[str] | None = None,
) -> Shape:
    """Compile a mapping for the columns that the settings declare.

    Args:
        further: fields to read beside those of the mapping.
        known: see ``Shape``.

    Raises:
        trie.PathConflict: two of its paths cannot both be read.
    """
    fields = {**_expand(mapping, names), **further}
    leaves = [_leaf(name, path, names) for name, path in fields.items()]
    if mapping.when is not None:
        leaves.append(trie.Leaf(mapping.when.path, trie.Scalar))
    tree = trie.plant(leaves)
    decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder(tree.struct)
    return Shape(
        event_type=mapping.type,
        time=mapping.time,
        when=mapping.when,
        fields={name: path.steps for name, path in fields.items() if not name.startswith("scores.")},
        constants={name: value for name, value in mapping.constants.items() if name not in _IGNORED},
        class_scores={name[7:]: path.steps for name, path in fields.items() if name.startswith("scores.")},
        tree=tree,
        decoder=decoder,
        objects={
            name: path.steps for name, path in mapping.fields.items() if name in ("features", "protected", "segment")
        },
        known=known,
    )


def matches(when: When | None, value: Any) -> bool:
    """Whether a record whose condition's value is ``value`` is meant; true is not 1, "1" is not 1."""
    return when is None or (value == when.equals and type(value) is type(when.equals))


def find(path: Path, record: Any) -> Any:
    """The value at a path of a plain record; ``None`` where there is nothing."""
    for step in path:
        if isinstance(record, dict):
            record = record.get(step)
        elif isinstance(record, list) and isinstance(step, int) and step < len(record):
            record = record[step]
        else:
            return None
    return record


def _expand(mapping: Mapping, names: Names) -> dict[str, JsonPath]:
    """One path per column: an object field stands for all declared names below it that have no path of their own."""
    declared: dict[str, Sequence[str]] = {
        "features": tuple(names.features),
        "protected": names.protected,
        "segment": names.segment,
    }
    fields = {name: path for name, path in mapping.fields.items() if name not in _IGNORED and name not in declared}
    for head, members in declared.items():
        if head in mapping.fields:
            for member in members:
                fields.setdefault(f"{head}.{member}", JsonPath((*mapping.fields[head].steps, member)))
    return {name: path for name, path in fields.items() if _is_declared(name, declared)}


def _is_declared(name: str, declared: MappingOf[str, Sequence[str]]) -> bool:
    head, _, member = name.partition(".")
    return not member or head not in declared or member in declared[head]


def _leaf(name: str, path: JsonPath, names: Names) -> trie.Leaf:
    head, _, member = name.partition(".")
    if name == "scores":
        return trie.Leaf(path, trie.Scores, readable_scores)
    if name in _NUMBERS or head == "scores" or (head == "features" and names.features[member] == {"number"}):
        return trie.Leaf(path, trie.Number, hold=pack)
    if name in _TIMES:
        return trie.Leaf(path, trie.Time)
    if name in _IDS:
        return trie.Leaf(path, trie.Identity)
    return trie.Leaf(path, trie.Identity if name in _NAMES else trie.Scalar, hold=share)


def _gather(by_class: dict[str, Sequence[Any]]) -> list[dict[str, Any] | None]:
    """Per event an object of its classes' scores; None where it has none."""
    classes = tuple(by_class)
    rows = zip(*by_class.values(), strict=True)
    return [dict(zip(classes, row, strict=True)) if row.count(None) < len(row) else None for row in rows]
