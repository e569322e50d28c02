"""The places that a mapping reads, as a tree: what msgspec's typed decoder is compiled from.

Each object of the tree becomes a Struct whose fields are the members that are read, each array a Struct in array form; what
is not read is skipped without being built. The same tree salvages a record that the typed decoder refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
from msgspec.structs import astuple

from agent.decoders.blocks import as_sent
from agent.decoders.lenient import UNREADABLE, readable
from config.mapping import JsonPath, Step

Number = float | bool | str | None
"""Texts too: a number in quotes is the commonest mistake, and must not cost a second reading of the record."""
Scalar = str | int | float | bool | None
Identity = str | int | None
Scores = dict[str, float | None] | None
Time = int | float | str | None


class PathConflict(ValueError):
    """One place would have to be a single value and an object, or an object and a list."""


@dataclass(slots=True)
class Leaf:
    """One value that is read: where it stands, what JSON it may be, how it is read when it is something else, and how its
    column is held."""

    path: JsonPath
    type: Any
    clean: Callable[[Any], Any] = readable
    hold: Callable[[Sequence[Any]], Sequence[Any]] = as_sent


@dataclass(slots=True)
class Node:
    """A place in the record: an object or an array with further places below, or a value (``leaf``)."""

    children: dict[Step, Node] = field(default_factory=dict)
    leaf: Leaf | None = None
    struct: type[msgspec.Struct] | None = None
    names: dict[Step, str] = field(default_factory=dict)
    blank: msgspec.Struct | None = None
    spoilt: msgspec.Struct | None = None

    @property
    def is_array(self) -> bool:
        return any(isinstance(step, int) for step in self.children)


def plant(leaves: Iterable[Leaf]) -> Node:
    """The tree of all leaves, with its Structs.

    Raises:
        PathConflict: two paths cannot both be read.
    """
    root = Node()
    for leaf in leaves:
        node = root
        for step in leaf.path.steps:
            _check_kind(node, step, leaf)
            node = node.children.setdefault(step, Node())
        if node.children:
            raise PathConflict(f"{leaf.path} is read as one value and as an object")
        node.leaf = leaf if node.leaf is None else _either(node.leaf, leaf)
    _forge(root)
    return root


def _either(known: Leaf, leaf: Leaf) -> Leaf:
    """One place that is read for two fields."""
    if known.type == leaf.type:
        return leaf
    return Leaf(leaf.path, known.type | leaf.type, leaf.clean)


def _check_kind(node: Node, step: Step, leaf: Leaf) -> None:
    if node.leaf is not None:
        raise PathConflict(f"{node.leaf.path} is read as one value, and {leaf.path} lies inside it")
    if node.children and node.is_array != isinstance(step, int):
        raise PathConflict(f"{leaf.path} reads as a list what another path reads as an object")


def _forge(node: Node) -> None:
    """Make the Structs of a node and of all below it."""
    for child in node.children.values():
        if child.leaf is None:
            _forge(child)
    if node.is_array:
        _forge_array(node)
    else:
        _forge_object(node)
    struct = node.struct
    assert struct is not None
    node.blank = struct()
    node.spoilt = struct(**{name: _spoilt(node.children[step]) for step, name in node.names.items()})


def _forge_object(node: Node) -> None:
    node.names = {step: f"f{i}" for i, step in enumerate(node.children)}
    fields = [(node.names[step], _type(child), None) for step, child in node.children.items()]
    rename = {name: str(step) for step, name in node.names.items()}
    node.struct = msgspec.defstruct("Object", fields, rename=rename, gc=False, eq=False)


def _forge_array(node: Node) -> None:
    node.names = {step: f"f{step}" for step in node.children}
    length = 1 + max(int(step) for step in node.children)
    # an element that nobody reads stays raw; msgspec skips it only where the type is Raw alone, not Raw or None
    fields = [(f"f{i}", _type(node.children[i]) if i in node.children else msgspec.Raw, None) for i in range(length)]
    node.struct = msgspec.defstruct("Array", fields, array_like=True, gc=False, eq=False)


def _type(node: Node) -> Any:
    return node.struct | None if node.leaf is None else node.leaf.type  # type: ignore[operator]


def _spoilt(node: Node) -> Any:
    return UNREADABLE if node.leaf is not None else node.spoilt


def salvage(node: Node, value: Any) -> msgspec.Struct | None:
    """What the typed decoder would have made of a plain value, with whatever stands where it expects something else.

    A value that is no object where one belongs makes everything below it unreadable; null makes it missing.
    """
    if value is None:
        return None
    if not isinstance(value, list if node.is_array else dict):
        return node.spoilt
    assert node.struct is not None
    return node.struct(**{node.names[step]: _salvaged(child, value, step) for step, child in node.children.items()})


def _salvaged(child: Node, value: Any, step: Step) -> Any:
    inner = value.get(step) if isinstance(value, dict) else (value[step] if int(step) < len(value) else None)
    return salvage(child, inner) if child.leaf is None else child.leaf.clean(inner)


def read_columns(
    node: Node, structs: Sequence[Any], at: tuple[Step, ...] = ()
) -> dict[tuple[Step, ...], Sequence[Any]]:
    """The values of every leaf, by its path: n values for n structs."""
    columns: dict[tuple[Step, ...], Sequence[Any]] = {}
    members = _members(node, structs)
    for step, child in node.children.items():
        column = members[node.names[step]]
        if child.leaf is None:
            columns |= read_columns(child, column, (*at, step))
        else:
            columns[(*at, step)] = child.leaf.hold(column)
    return columns


def _members(node: Node, structs: Sequence[Any]) -> dict[str, Sequence[Any]]:
    """The values of each field of n structs, where ``None`` stands for one without any."""
    assert node.struct is not None
    assert node.blank is not None
    try:
        rows = list(map(astuple, structs))
    except TypeError:  # some are None
        rows = [astuple(node.blank if struct is None else struct) for struct in structs]
    names = node.struct.__struct_fields__
    return dict(zip(names, zip(*rows, strict=True), strict=True)) if rows else dict.fromkeys(names, ())
