"""Blocks: so many records that what is made of them stays in the processor's cache from their bytes to their columns."""

from __future__ import annotations

import struct
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

BLOCK_RECORDS = 512
"""Measured: twice as many or half as many cost the same, ten times as many a third more."""


@dataclass(frozen=True, slots=True)
class Block:
    """Records that were read in one shape: their rows, and the values of every field in their order."""

    rows: list[int]
    columns: dict[str, Sequence[Any]]


def pack(values: Sequence[Any]) -> Sequence[Any]:
    """Numbers as an array, where each of them is one; else the values as they are."""
    try:
        return array("d", struct.pack(f"{len(values)}d", *values))
    except struct.error:
        return values


def share(values: Sequence[Any]) -> Sequence[Any]:
    """Equal texts as one object, which is then compared and looked up at once; where not all are texts, the values as
    they are. Not ``sys.intern``: Python 3.12 never forgets what it was given."""
    if not values or values[0] is None:
        return values
    if isinstance(values[0], str) and values.count(values[0]) == len(values):
        return [values[0]] * len(values)
    if set(map(type, values)) != {str}:
        return values
    known: dict[str, str] = {}
    return list(map(known.setdefault, values, values))


def as_sent(values: Sequence[Any]) -> Sequence[Any]:
    """The values as they are: texts that differ from event to event."""
    return values


def join_blocks(blocks: Sequence[Block]) -> Block:
    """One block of all, one after the other."""
    if len(blocks) == 1:
        return blocks[0]
    rows = [row for block in blocks for row in block.rows]
    return Block(rows, {name: concatenate([block.columns[name] for block in blocks]) for name in blocks[0].columns})


def in_order(block: Block) -> Block:
    """The same by row: what was read a second time belongs in between."""
    order = sorted(range(len(block.rows)), key=block.rows.__getitem__)
    return Block(pick(block.rows, order), {name: pick(column, order) for name, column in block.columns.items()})


def concatenate(parts: Sequence[Sequence[Any]]) -> Sequence[Any]:
    """The values of all parts; an array where each of them is one."""
    if not all(isinstance(part, array) for part in parts):
        return list(chain.from_iterable(parts))
    joined = array("d")
    for part in parts:
        joined.extend(part)
    return joined


def pick(column: Sequence[Any], rows: Sequence[int]) -> list[Any]:
    """Some values of a column, in the order of ``rows``."""
    return [column[row] for row in rows]
