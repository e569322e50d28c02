"""Reading records in the shapes of their topic: in blocks by typed decoders, and with care what those refuse."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import compress
from typing import Any

from agent.decoders.batch import Batch
from agent.decoders.blocks import BLOCK_RECORDS, Block, in_order, join_blocks
from agent.decoders.lenient import parse_object
from agent.decoders.shape import Shape, find, matches
from agent.decoders.trie import salvage
from config.errors import RecordRejected


@dataclass(slots=True)
class _Found:
    """What a shape's decoder made of records, and their rows, in parallel."""

    rows: list[int]
    structs: list[Any]


def read(batch: Batch, rows: Sequence[int]) -> Iterator[tuple[Shape, Block]]:
    """What each shape of the topic takes of the rows. Rows that no shape takes become flaws."""
    taken: list[list[Block]] = [[] for _ in batch.lane.shapes]
    refused: list[int] = []
    for start in range(0, len(rows), BLOCK_RECORDS):
        _read_block(batch, rows[start : start + BLOCK_RECORDS], taken, refused)
    _read_again(batch, refused, taken)
    for shape, blocks in zip(batch.lane.shapes, taken, strict=True):
        if blocks:
            block = join_blocks(blocks)
            yield shape, in_order(block) if refused else block


def _read_block(batch: Batch, rows: Sequence[int], taken: list[list[Block]], refused: list[int]) -> None:
    looked_at: dict[int, Any] = {}
    for shape, blocks in zip(batch.lane.shapes, taken, strict=True):
        found, values = _split(shape, _decode_typed(shape, batch, rows, refused))
        if found.rows:
            blocks.append(Block(found.rows, shape.columns(found.structs)))
        looked_at = values | looked_at
        rows = list(values)
    for row in rows:
        batch.flaws.add(row, *batch.lane.unmatched(looked_at[row]))


def _decode_typed(shape: Shape, batch: Batch, rows: Sequence[int], refused: list[int]) -> _Found:
    """The hot loop: one C call a record."""
    decode = shape.decoder.decode
    payloads = batch.payloads
    structs: list[Any] = []
    read: list[int] = []
    for row in rows:
        try:
            structs.append(decode(payloads[row]))
        except (ValueError, RecursionError):  # msgspec's errors and UnicodeDecodeError are ValueErrors
            refused.append(row)
        else:
            read.append(row)
    return _Found(read, structs)


def _split(shape: Shape, found: _Found) -> tuple[_Found, dict[int, Any]]:
    """What the shape's condition holds for, and by row of the others what it looked at."""
    if shape.when is None:
        return found, {}
    values = shape.conditions(found.structs)
    if values.count(shape.when.equals) == len(values) and isinstance(shape.when.equals, str):
        return found, {}
    fits = [matches(shape.when, value) for value in values]
    left = {row: value for row, value, fit in zip(found.rows, values, fits, strict=True) if not fit}
    return _Found(list(compress(found.rows, fits)), list(compress(found.structs, fits))), left


def _read_again(batch: Batch, refused: Sequence[int], taken: list[list[Block]]) -> None:
    """Read with care what no typed decoder could."""
    again = [_Found([], []) for _ in taken]
    for row in refused:
        _read_carefully(batch, row, again)
    for shape, found, blocks in zip(batch.lane.shapes, again, taken, strict=True):
        if found.rows:
            blocks.append(Block(found.rows, shape.columns(found.structs)))


def _read_carefully(batch: Batch, row: int, again: list[_Found]) -> None:
    try:
        record = parse_object(batch.payloads[row])
    except RecordRejected as error:
        batch.flaws.add(row, error.reason, error.detail)
        return
    shapes = batch.lane.shapes
    for shape, found in zip(shapes, again, strict=True):
        if shape.when is None or matches(shape.when, find(shape.when.path.steps, record)):
            found.rows.append(row)
            found.structs.append(salvage(shape.tree, record))
            return
    first = shapes[0].when
    batch.flaws.add(row, *batch.lane.unmatched(None if first is None else find(first.path.steps, record)))
