"""One shard of an export: its signed entries as C2SP tiles or as packs, its heads, and its payloads where asked for."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

from config.errors import LogDamaged
from exporters.evidence import layout
from exporters.evidence.entries import SALT_BYTES
from exporters.evidence.frames import ENTRIES, ENTRIES_PER_FRAME, PAYLOADS, RANGE_ENTRIES, FrameEncoder
from exporters.evidence.heads import Signed, stored
from exporters.evidence.paths import Tile, encode_bundle, entries_path
from exporters.evidence.payload_frame import PayloadBlock, stored_lengths
from exporters.evidence.reader import LogReader
from exporters.evidence.tree import TILE_WIDTH, Frontier, fold, leaf_hashes

_TILE_BITS = 8


def export_tiles(reader: LogReader, head: Signed, out: Path, *, payloads: bool) -> Iterator[int]:
    """Write every tile and bundle of the signed size; yields how many entries were done since.

    Raises:
        LogDamaged: the entries do not give the root that was signed.
    """
    yield from _write_tree(reader, head, out, loose_from=0)
    if payloads:
        for first, block in _blocks(reader, head, 0):
            path = layout.range_path(out, layout.PAYLOAD, first // RANGE_ENTRIES)
            _add(path, FrameEncoder().encode(PAYLOADS, first, len(block), block.to_bytes()))


def export_packs(reader: LogReader, head: Signed, out: Path, *, payloads: bool) -> Iterator[int]:
    """Write packs as they are, what lies behind them as segments, and the tiles that a log has beside them.

    Yields and raises as ``export_tiles``.
    """
    packed = _packed(reader, head)
    yield from _write_tree(reader, head, out, loose_from=packed * RANGE_ENTRIES)
    kinds = (layout.PACK, layout.INDEX, *((layout.PAYLOAD,) if payloads else ()))
    for number in range(packed):
        for kind in kinds:
            _copy(layout.range_path(reader.path(head.shard), kind, number), layout.range_path(out, kind, number))
    for first, block in _blocks(reader, head, packed * RANGE_ENTRIES):
        entries = list(reader.entries(head.shard, first, first + len(block)))
        path = layout.range_path(out, layout.SEGMENT, first // RANGE_ENTRIES)
        _add(path, b"".join(_entry_frames(first, entries)))
        if payloads:
            _add(path, FrameEncoder().encode(PAYLOADS, first, len(block), block.to_bytes()))


def _write_tree(reader: LogReader, head: Signed, out: Path, loose_from: int) -> Iterator[int]:
    tree = _Tiles(out, loose_from)
    for entries in _groups(reader, head):
        if tree.size >= loose_from:
            _put(out / entries_path(tree.size // TILE_WIDTH, len(entries)), encode_bundle(entries))
        tree.extend(leaf_hashes(entries))
        yield len(entries)
    tree.finish()
    _check_root(tree, head, reader)
    _write_heads(reader, head, out)


def _entry_frames(first: int, entries: Sequence[bytes]) -> Iterator[bytes]:
    """Frames of entries, none of which crosses a multiple of 256."""
    start = 0
    while start < len(entries):
        stop = start + ENTRIES_PER_FRAME - (first + start) % ENTRIES_PER_FRAME
        part = entries[start:stop]
        yield FrameEncoder().encode(ENTRIES, first + start, len(part), encode_bundle(part, first + start))
        start = stop


def _blocks(reader: LogReader, head: Signed, start: int) -> Iterator[tuple[int, PayloadBlock]]:
    """Payloads of the signed entries from ``start`` on, as they are stored."""
    for first, block in reader.payload_blocks(head.shard, start, head.size):
        yield first, _first(block, min(len(block), head.size - first))


class _Tiles:
    """Writes the tiles of a tree as it grows.

    Args:
        loose_from: tiles of level 0 are written from this entry on.
    """

    def __init__(self, out: Path, loose_from: int = 0) -> None:
        self.frontier = Frontier()
        self._out = out
        self._loose_from = loose_from
        self._levels: list[list[bytes]] = []
        self._counts: list[int] = []

    @property
    def size(self) -> int:
        return self.frontier.size

    def extend(self, hashes: Sequence[bytes]) -> None:
        """Append the leaves of a group of 256, or the last ones."""
        start = self.size
        self.frontier.extend(hashes)
        self._write(Tile(0, start // TILE_WIDTH, len(hashes)), hashes)
        if len(hashes) == TILE_WIDTH:
            self._add(1, fold(hashes))

    def finish(self) -> None:
        """Write the tiles that are not full."""
        for level, hashes in enumerate(self._levels, start=1):
            if hashes:
                self._write(Tile(level, self._counts[level - 1] // TILE_WIDTH, len(hashes)), hashes)

    def _add(self, level: int, subtree: bytes) -> None:
        if level > len(self._levels):
            self._levels.append([])
            self._counts.append(0)
        hashes = self._levels[level - 1]
        hashes.append(subtree)
        self._counts[level - 1] += 1
        if len(hashes) == TILE_WIDTH:
            self._write(Tile(level, self._counts[level - 1] // TILE_WIDTH - 1), hashes)
            self._levels[level - 1] = []
            self._add(level + 1, fold(hashes))

    def _write(self, tile: Tile, hashes: Sequence[bytes]) -> None:
        if tile.level or tile.index * TILE_WIDTH >= self._loose_from:
            _put(self._out / tile.path, b"".join(hashes))


def _groups(reader: LogReader, head: Signed) -> Iterator[list[bytes]]:
    """The signed entries in groups of 256."""
    group: list[bytes] = []
    for entry in reader.entries(head.shard, 0, head.size):
        group.append(entry)
        if len(group) == ENTRIES_PER_FRAME:
            yield group
            group = []
    if group:
        yield group


def _packed(reader: LogReader, head: Signed) -> int:
    """Ranges that are packed and signed as a whole."""
    path = reader.path(head.shard)
    packs = set(layout.ranges(path, layout.PACK)) & set(layout.ranges(path, layout.INDEX))
    count = 0
    while count in packs and (count + 1) * RANGE_ENTRIES <= head.size:
        count += 1
    return count


def _check_root(tree: _Tiles, head: Signed, reader: LogReader) -> None:
    if tree.size != head.size or tree.frontier.root() != head.root:
        raise LogDamaged(
            str(reader.path(head.shard)),
            f"the first {head.size} entries do not give the root that was signed over them. "
            "`wachter log verify` names what was changed; the export is of no use",
        )


def _write_heads(reader: LogReader, head: Signed, out: Path) -> None:
    """The head that is exported, and all that were signed up to it."""
    notes = (reader.path(head.shard) / layout.CHECKPOINTS).read_bytes()
    last = stored(head.note, head.size)
    at = notes.find(last)
    if at < 0:
        raise LogDamaged(str(reader.path(head.shard) / layout.CHECKPOINTS), "the last checkpoint is not in it")
    _put(out / layout.CHECKPOINTS, notes[: at + len(last)])
    _put(out / layout.CHECKPOINT, head.note)


def _first(block: PayloadBlock, count: int) -> PayloadBlock:
    """The first payloads of a block."""
    if count == len(block):
        return block
    lengths = block.lengths[:count]
    blobs = block.blobs[: int(stored_lengths(lengths).sum())]
    return PayloadBlock(block.subjects[:count], lengths, block.forms[:count], block.salts[: SALT_BYTES * count], blobs)


def _put(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def _add(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as file:
        file.write(data)


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
