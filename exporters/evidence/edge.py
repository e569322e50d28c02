"""The right edge of a shard's tree: the hashes of every tile that is not full, and of the ranges that are not packed.

With it the root of the recorded size, and every tile that changes, come without reading anything. A range of 65 536
entries is one full tile of level 1, so what is packed shows only from level 2 on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from exporters.evidence.frames import RANGE_ENTRIES
from exporters.evidence.paths import Tile
from exporters.evidence.tree import TILE_WIDTH, Frontier, fold, reduce_level, split_hashes

_RANGE_LEVEL = 2
_TILE_BITS = 8


class Edge:
    """The edge of a tree whose first ranges are packed.

    Attributes:
        packed: number of ranges that are packed; they are the first ones.
        leaves: hashes of all entries behind them.
    """

    def __init__(self, packed: int = 0, above: Sequence[Sequence[bytes]] = ()) -> None:
        """Args:
        packed: number of packed ranges; above: hashes in the tile that is not full, of level 2, 3 and so on.
        """
        self.packed = packed
        self.leaves: list[bytes] = []
        self._tiles: list[bytes] = []
        self._above = [list(hashes) for hashes in above]

    @property
    def base(self) -> int:
        """Entries in the packed ranges."""
        return self.packed * RANGE_ENTRIES

    @property
    def size(self) -> int:
        """Entries of the tree."""
        return self.base + len(self.leaves)

    def extend(self, hashes: Sequence[bytes]) -> None:
        """Append leaves by their hashes; each tile of 256 that fills is hashed once."""
        self.leaves += hashes
        begin = len(self._tiles) * TILE_WIDTH
        end = len(self.leaves) // TILE_WIDTH * TILE_WIDTH
        if begin < end:
            self._tiles += split_hashes(reduce_level(self.leaves[begin:end]))

    def root(self, size: int) -> bytes:
        """Root of the tree of the first ``size`` entries, not fewer than the packed ones."""
        count = size - self.base
        full = count // TILE_WIDTH
        tree = Frontier()
        for level in reversed(range(len(self._above))):
            for subtree in self._above[level]:
                tree.append_subtree((level + _RANGE_LEVEL) * _TILE_BITS, subtree)
        for subtree in self._tiles[:full]:
            tree.append_subtree(_TILE_BITS, subtree)
        tree.extend(self.leaves[full * TILE_WIDTH : count])
        return tree.root()

    def loose_tiles(self, size: int) -> Iterator[Tile]:
        """The tiles of a tree of ``size`` entries that packs do not give: they change, or cover a range not yet packed."""
        level = 0
        while count := size >> (_TILE_BITS * level):
            first = self.base >> (_TILE_BITS * (level + 1))
            for index in range(first, -(-count // TILE_WIDTH)):
                yield Tile(level, index, min(TILE_WIDTH, count - index * TILE_WIDTH))
            level += 1

    def tile_bytes(self, tile: Tile) -> bytes:
        """The hashes of one of ``loose_tiles``."""
        if tile.level >= _RANGE_LEVEL:
            return b"".join(self._above[tile.level - _RANGE_LEVEL][: tile.width])
        known = self._tiles if tile.level else self.leaves
        start = tile.index * TILE_WIDTH - (self.base >> (_TILE_BITS * tile.level))
        return b"".join(known[start : start + tile.width])

    def tiles_of_range(self) -> list[tuple[Tile, bytes]]:
        """The tiles of level 1 and above that are full once the first range not yet packed is."""
        full = [(Tile(1, self.packed), b"".join(self._tiles[:TILE_WIDTH]))]
        index = self.packed
        for above, hashes in enumerate(self._above):
            if len(hashes) < TILE_WIDTH - 1:
                break
            index //= TILE_WIDTH
            full.append((Tile(above + _RANGE_LEVEL, index), b"".join((*hashes, fold(split_hashes(full[-1][1]))))))
        return full

    def forget_range(self) -> None:
        """The first range not yet packed is packed now."""
        subtree = fold(self._tiles[:TILE_WIDTH])
        del self.leaves[:RANGE_ENTRIES], self._tiles[:TILE_WIDTH]
        self.packed += 1
        for hashes in self._above:
            hashes.append(subtree)
            if len(hashes) < TILE_WIDTH:
                return
            subtree = fold(hashes)
            hashes.clear()
        self._above.append([subtree])


def edge_of_ranges(ranges: int, tile_hashes: Callable[[int, int], Sequence[bytes]]) -> Edge:
    """The edge of a tree of this many full ranges.

    Args:
        tile_hashes: the hashes of a full tile, by level and index.
    """
    above: list[list[bytes]] = []
    count, level = ranges, 1
    while count:
        first = count // TILE_WIDTH * TILE_WIDTH
        above.append([fold(tile_hashes(level, index)) for index in range(first, count)])
        count, level = count // TILE_WIDTH, level + 1
    return Edge(ranges, above)
