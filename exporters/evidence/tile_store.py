"""Tiles of a shard as files: the loose ones that change with every checkpoint, and the full ones above packs, for good."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from exporters.evidence import layout
from exporters.evidence.edge import Edge
from exporters.evidence.files import Files, read_whole, replace
from exporters.evidence.frames import ENTRIES_PER_FRAME
from exporters.evidence.pack import FRAMES, Pack
from exporters.evidence.paths import Tile, decode_bundle, entries_path, tile_path
from exporters.evidence.segment import Segment
from exporters.evidence.tree import HASH_BYTES, TILE_WIDTH, leaf_hashes, reduce_level, split_hashes


class LooseTiles:
    """The tiles and entry bundles of the signed size that packs do not give.

    They are not synced: whatever a power loss takes of them is written again when the log is opened.
    """

    def __init__(self, files: Files, shard: Path) -> None:
        self._files = files
        self._shard = shard
        self._present: set[str] = set()

    def load(self, edge: Edge, segment: Segment | None, size: int, present: set[str]) -> None:
        """Make the files those of a signed size: mend what a crash left torn, missing or behind.

        Args:
            present: paths below the shard of the tiles and bundles that are there.
        """
        wanted = self._wanted(edge, size)
        self._present = {path for path in present if path not in wanted or self._is_right(path, wanted[path], segment)}
        self.update(edge, segment, size)

    def update(self, edge: Edge, segment: Segment | None, size: int) -> None:
        """Write what a tree of ``size`` entries has more, then remove what it no longer has."""
        wanted = self._wanted(edge, size)
        for path, content in wanted.items():
            if path not in self._present:
                replace(self._files, self._shard / path, _content(content, segment), durable=False)
                self._present.add(path)
        for path in sorted(self._present - wanted.keys()):
            self._files.remove(self._shard / path)
            self._present.discard(path)

    def sync(self) -> None:
        """Wait for all of them: nobody opens this shard again to mend them."""
        for path in self._present:
            output = self._files.append(self._shard / path)
            try:
                output.sync()
            finally:
                output.close()
        folders = {parent for path in self._present for parent in (self._shard / path).parents}
        for folder in sorted(folder for folder in folders if self._shard in (folder, *folder.parents)):
            self._files.sync_directory(folder)

    def _wanted(self, edge: Edge, size: int) -> dict[str, bytes | Tile]:
        """Path and content of each file; of a bundle the tile over it, since its entries are read when needed."""
        wanted: dict[str, bytes | Tile] = {}
        for tile in edge.loose_tiles(size):
            wanted[tile.path] = edge.tile_bytes(tile)
            if tile.level == 0:
                wanted[entries_path(tile.index, tile.width)] = tile
        return wanted

    def _is_right(self, path: str, content: bytes | Tile, segment: Segment | None) -> bool:
        return read_whole(self._files, self._shard / path) == _content(content, segment)


def _content(content: bytes | Tile, segment: Segment | None) -> bytes:
    if isinstance(content, bytes):
        return content
    assert segment is not None
    return segment.bundle(content.index % FRAMES, content.width)


class FullTiles:
    """The full tiles of level 1 and above; one that is missing is made again from what lies below it."""

    def __init__(self, files: Files, shard: Path) -> None:
        self._files = files
        self._shard = shard

    def write(self, tile: Tile, content: bytes) -> None:
        """Keep a tile, durably."""
        replace(self._files, self._shard / tile.path, content, durable=True)

    def hashes(self, level: int, index: int) -> Sequence[bytes]:
        """The 256 hashes of a full tile.

        Raises:
            LogDamaged: it is missing, and the pack from which it comes is damaged.
        """
        content = read_whole(self._files, self._shard / tile_path(level, index))
        if content is None or len(content) != TILE_WIDTH * HASH_BYTES:
            content = self._computed(level, index)
            self.write(Tile(level, index), content)
        return split_hashes(content)

    def leaves(self, number: int, count: int) -> list[bytes]:
        """Leaf hashes of the first ``count`` entries of a packed range.

        Raises:
            LogDamaged: the pack is not what was written.
        """
        path = layout.range_path(self._shard, layout.PACK, number)
        hashes: list[bytes] = []
        with self._files.read(path) as file:
            pack = Pack(file, str(path), number)
            for frame_number in range(-(-count // ENTRIES_PER_FRAME)):
                frame = pack.frame(frame_number)
                hashes += leaf_hashes(decode_bundle(frame.raw(), frame.where, frame.head.first, frame.head.count))
        return hashes[:count]

    def _computed(self, level: int, index: int) -> bytes:
        if level == 1:
            return reduce_level(self.leaves(index, FRAMES * ENTRIES_PER_FRAME))
        below = range(index * TILE_WIDTH, (index + 1) * TILE_WIDTH)
        return b"".join(reduce_level(self.hashes(level - 1, tile)) for tile in below)
