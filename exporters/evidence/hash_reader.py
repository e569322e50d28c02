"""Hashes of complete subtrees, for proofs: from the tiles that lie there, or again from the entries where none does."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import lru_cache
from pathlib import Path

from exporters.evidence.paths import tile_path
from exporters.evidence.tree import HASH_BYTES, TILE_WIDTH, fold, leaf_hashes, split_hashes

_TILE_BITS = 8
_KEPT_TILES = 256
ReadEntries = Callable[[int, int], Iterable[bytes]]


class HashReader:
    """Reads a shard's tree.

    Args:
        shard: its directory; entries: reads the entries [start, stop).
    """

    def __init__(self, shard: Path, entries: ReadEntries) -> None:
        self._shard = shard
        self._entries = entries
        self._tile = lru_cache(_KEPT_TILES)(self._read_tile)

    def read(self, level: int, index: int) -> bytes:
        """The root over the leaves [index 2^level, (index + 1) 2^level), all of which must be there.

        Raises:
            LogDamaged: the entries below it cannot be read.
        """
        tile_level, within = divmod(level, _TILE_BITS)
        start = index << within
        tile, first = divmod(start, TILE_WIDTH)
        needed = first + (1 << within)
        return fold(self._tile(tile_level, tile, needed)[first:needed])

    def _read_tile(self, level: int, index: int, needed: int) -> list[bytes]:
        """At least ``needed`` hashes of a tile; one that is not full is only read as far."""
        if level == 0:
            start = index * TILE_WIDTH
            return leaf_hashes(self._entries(start, start + needed))
        path = self._shard / tile_path(level, index)
        if path.is_file() and path.stat().st_size == HASH_BYTES * TILE_WIDTH:
            return split_hashes(path.read_bytes())
        first = index * TILE_WIDTH
        return [fold(self._tile(level - 1, below, TILE_WIDTH)) for below in range(first, first + needed)]
