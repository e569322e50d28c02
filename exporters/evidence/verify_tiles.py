"""Tiles and entry bundles of a shard, against what its entries give."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

from config.errors import LogDamaged
from exporters.evidence import layout
from exporters.evidence.findings import Findings
from exporters.evidence.paths import Tile, decode_bundle, parse_entries_path, parse_tile_path
from exporters.evidence.tree import HASH_BYTES, TILE_WIDTH, leaf_hashes, split_hashes
from exporters.evidence.verify_tree import TreeCheck


class TileCheck:
    """Checks tiles.

    Args:
        path: of the shard; tree: as recomputed; present: its files, by their paths below it.
        live: a writer may add and remove files meanwhile.
    """

    def __init__(
        self, path: Path, tree: TreeCheck, present: Collection[str], findings: Findings, *, live: bool
    ) -> None:
        self._path = path
        self._tree = tree
        self._findings = findings
        self._live = live
        self._widths: dict[str, int] = {}
        for name in present:
            tile = _tile_of(name)
            if tile is not None:
                self._widths[_stem(name)] = max(tile.width, self._widths.get(_stem(name), 0))

    def has_grown(self, name: str) -> bool:
        """Whether, instead of a tile or bundle that is missing, one with more in it is there."""
        tile = _tile_of(name)
        return tile is not None and self._widths.get(_stem(name), 0) > tile.width

    def check(self, name: str, *, expected: bool) -> None:
        """Check a file below ``tile``.

        Args:
            expected: whether the signed size asks for it.
        """
        tile = _tile_of(name)
        if tile is None:
            self._findings.add(self._path / name, "no path of a tile or of entries")
            return
        wanted = self._tree.hashes(tile.level, tile.index, tile.width)
        if wanted is None:
            if not expected and self._tree.broken_at is None and not self._is_newer(tile):
                self._findings.add(self._path / name, f"a tile that a shard of {self._tree.size} entries does not have")
            return
        found = self._hashes(name, tile)
        if found is None:
            return
        if list(wanted) != found:
            self._findings.add(self._path / name, _difference(tile, wanted, found))
        elif not expected:
            self._findings.note(self._path / name, "a tile of no checkpoint; its hashes are those of the entries")

    def _is_newer(self, tile: Tile) -> bool:
        """Whether a writer may have written it since the entries were read."""
        return self._live and (tile.index * TILE_WIDTH + tile.width) * TILE_WIDTH**tile.level > self._tree.size

    def _hashes(self, name: str, tile: Tile) -> list[bytes] | None:
        """What a tile holds, or what the entries of a bundle hash to."""
        path = self._path / name
        try:
            data = path.read_bytes()
        except OSError as error:
            if not (self._live and isinstance(error, FileNotFoundError)):
                self._findings.add(path, f"the tile cannot be read: {error.strerror}")
            return None
        try:
            if name.startswith(f"{layout.TILE}/entries/"):
                return leaf_hashes(decode_bundle(data, str(path), tile.index * TILE_WIDTH, tile.width))
            if len(data) != tile.width * HASH_BYTES:
                raise LogDamaged(str(path), f"the tile has {len(data)} bytes, not {tile.width * HASH_BYTES}")
        except LogDamaged as error:
            self._findings.damaged(error)
            return None
        return split_hashes(data)


def last_range(name: str) -> int | None:
    """The range with which a tile above level 0 becomes full; ``None`` for a tile that is not, and for other files."""
    tile = _tile_of(name)
    if tile is None or tile.level == 0 or tile.width < TILE_WIDTH:
        return None
    return int((tile.index + 1) * TILE_WIDTH ** (tile.level - 1)) - 1


def _stem(name: str) -> str:
    """What all widths of a tile have in common."""
    return name.partition(".p/")[0]


def _tile_of(name: str) -> Tile | None:
    """The tile that a path names, or whose entries it names."""
    try:
        if name.startswith(f"{layout.TILE}/entries/"):
            bundle = parse_entries_path(name)
            return Tile(0, bundle.index, bundle.width)
        return parse_tile_path(name)
    except LogDamaged:
        return None


def _difference(tile: Tile, wanted: Sequence[bytes], found: Sequence[bytes]) -> str:
    place = next(place for place, (one, other) in enumerate(zip(wanted, found, strict=True)) if one != other)
    span = TILE_WIDTH**tile.level
    first = (tile.index * TILE_WIDTH + place) * span
    entries = f"entry {first}" if span == 1 else f"entries {first} to {first + span - 1}"
    return f"hash {place} is not that of {entries}"
