"""Which files a shard must have, and which hold what can be computed again from the entries: its tiles."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from config.errors import LogDamaged
from exporters.evidence import layout
from exporters.evidence.findings import Findings
from exporters.evidence.frame_file import FrameFile
from exporters.evidence.frames import PAYLOADS, RANGE_ENTRIES
from exporters.evidence.paths import (
    Bundle,
    Tile,
    tiles,
)
from exporters.evidence.range_reader import RangeReader, is_packed_now
from exporters.evidence.tree import TILE_WIDTH, leaf_hashes, reduce_level
from exporters.evidence.verify_tiles import TileCheck, last_range
from exporters.evidence.verify_tree import TreeCheck

_TILE_BITS = 8
_OF_PACKED = (layout.PACK, layout.PAYLOAD, layout.INDEX)
_HEADS = frozenset((layout.CHECKPOINT, layout.CHECKPOINTS))


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What a shard need not have, or may have beside what is known.

    Attributes:
        has_payloads: whether there are payload files: not in every export.
        is_of_tiles: an export without packs.
        live: a writer may add and remove files meanwhile.
    """

    has_payloads: bool = True
    is_of_tiles: bool = False
    live: bool = False


class FileCheck:
    """Checks which files lie in a shard.

    Args:
        path: of the shard; tree: as recomputed; signed: entries that the last head covers.
    """

    def __init__(
        self, path: Path, tree: TreeCheck, signed: int, findings: Findings, circumstances: Circumstances
    ) -> None:
        self._path = path
        self._tree = tree
        self._signed = signed
        self._findings = findings
        self._is_of_tiles = circumstances.is_of_tiles
        self._live = circumstances.live
        self._kinds = _OF_PACKED if circumstances.has_payloads else (layout.PACK, layout.INDEX)
        self._present = frozenset(file.relative_to(path).as_posix() for file in layout.files_below(path))
        self._packed = self._packed_ranges()
        self._tiles = TileCheck(path, tree, self._present, findings, live=circumstances.live)

    def run(self) -> None:
        """Check everything but the heads themselves."""
        expected = set(self._expected())
        for name in sorted(expected - self._present):
            self._missing(name)
        for name in sorted(self._present - _HEADS):
            self._check(name, expected=name in expected)

    def _packed_ranges(self) -> int:
        count = 0
        while self._has(layout.PACK, count) and is_packed_now(self._path, count):
            count += 1
        return count

    def _has(self, kind: str, number: int) -> bool:
        return self._name(kind, number) in self._present

    def _name(self, kind: str, number: int) -> str:
        return layout.range_path(self._path, kind, number).relative_to(self._path).as_posix()

    def _expected(self) -> Iterator[str]:
        for number in range(self._packed):
            yield from (self._name(kind, number) for kind in self._kinds)
        for tile in self._expected_tiles():
            yield tile.path
            if tile.level == 0:
                yield Bundle(tile.index, tile.width).path

    def _expected_tiles(self) -> Iterator[Tile]:
        """Of packed ranges the full tiles of level 1 and above; of the others everything that was signed."""
        packed = self._packed * RANGE_ENTRIES
        for tile in tiles(max(packed, self._signed)):
            behind_packs = tile.index >= packed >> (_TILE_BITS * (tile.level + 1))
            if not behind_packs and tile.level and tile.width == TILE_WIDTH:
                yield tile
        for tile in tiles(self._signed):
            if tile.index >= packed >> (_TILE_BITS * (tile.level + 1)):
                yield tile

    def _missing(self, name: str) -> None:
        """A file that is not there. An interrupted checkpoint leaves a wider tile in its place, which says as much."""
        if self._tiles.has_grown(name):
            self._findings.note(self._path / name, "the tile has grown, and no checkpoint was signed yet")
        elif (number := last_range(name)) is not None and self._has(layout.SEGMENT, number):
            self._findings.note(self._path / name, "missing since a packing was interrupted; the agent mends it")
        else:
            self._findings.add(self._path / name, "the file is missing")

    def _check(self, name: str, *, expected: bool) -> None:
        if name.endswith(layout.FRESH):
            self._findings.note(self._path / name, "left by a write that was interrupted; the agent removes it")
        elif name.startswith(f"{layout.TILE}/"):
            self._tiles.check(name, expected=expected)
        elif not expected and not self._is_of_range(name):
            self._findings.add(self._path / name, "no file of the log; nothing of this name belongs here")

    def _is_of_range(self, name: str) -> bool:
        """Whether it is a segment, or left by a packing that was interrupted."""
        kind, _, rest = name.partition("/")
        number = layout.parse_range(rest)
        if number is None or kind not in (*_OF_PACKED, layout.SEGMENT):
            return False
        if number >= self._packed and (kind == layout.SEGMENT or self._is_beside_tiles(kind, number)):
            return True
        if not self._has(layout.SEGMENT, number) or not self._is_repeated(kind, number):
            return False
        self._findings.note(self._path / name, "left by a packing that was interrupted; the agent mends it")
        return True

    def _is_beside_tiles(self, kind: str, number: int) -> bool:
        """Whether it holds the payloads of exported entries that lie in tiles."""
        is_payload = kind == layout.PAYLOAD and kind in self._kinds
        return self._is_of_tiles and is_payload and number * RANGE_ENTRIES < self._signed

    def _is_repeated(self, kind: str, number: int) -> bool:
        """Whether a file holds what another file of its full range holds: only a full range is packed."""
        first, end = number * RANGE_ENTRIES, (number + 1) * RANGE_ENTRIES
        if kind == layout.INDEX or self._tree.size < end:
            return self._live  # being packed, and filled since its entries were read
        try:
            if kind == layout.PAYLOAD:
                return _payloads_end(self._path / self._name(kind, number), first) == end
            hashes: list[bytes] = []
            with RangeReader(self._path, number, "pack" if kind == layout.PACK else "segment") as again:
                for block in again.entry_blocks():
                    hashes += leaf_hashes(block.entries())
        except LogDamaged:
            return False
        except FileNotFoundError:
            return self._live
        wanted = self._tree.hashes(1, number, TILE_WIDTH)
        return len(hashes) == RANGE_ENTRIES and wanted is not None and reduce_level(hashes) == b"".join(wanted)


def _payloads_end(path: Path, first: int) -> int:
    """Where the payloads of a file end, if each frame follows the one before; else where they break off.

    Raises:
        LogDamaged: a frame is not what was written.
    """
    with closing(FrameFile(path, (PAYLOADS,))) as file:
        for frame in file.frames(PAYLOADS):
            if frame.head.first != first:
                break
            first = frame.head.end
    return first
