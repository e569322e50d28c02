"""The edge of the tree gives roots and tiles as the whole tree would."""

from __future__ import annotations

from hashlib import sha256

from hypothesis import given
from hypothesis import strategies as st

from exporters.evidence.edge import Edge, edge_of_ranges
from exporters.evidence.frames import RANGE_ENTRIES
from exporters.evidence.paths import Tile
from exporters.evidence.tree import TILE_WIDTH, fold


def hashes(count: int, first: int = 0) -> list[bytes]:
    return [sha256(b"%d" % number).digest() for number in range(first, first + count)]


@given(st.lists(st.integers(0, 700), min_size=1, max_size=6), st.data())
def test_the_root_of_any_earlier_size_is_that_of_its_leaves(counts: list[int], data: st.DataObject) -> None:
    edge = Edge()
    for count in counts:
        edge.extend(hashes(count, edge.size))
    size = data.draw(st.integers(0, edge.size))
    assert edge.root(size) == fold(hashes(size))


def packed_edge(ranges: int) -> tuple[Edge, dict[Tile, bytes]]:
    """An edge through which many ranges have gone, all with the same entries, and the full tiles on their way."""
    leaves = hashes(RANGE_ENTRIES)
    tiles = [fold(leaves[start : start + TILE_WIDTH]) for start in range(0, RANGE_ENTRIES, TILE_WIDTH)]
    edge, full = Edge(), {}
    for _ in range(ranges):
        edge.leaves, edge._tiles = leaves.copy(), tiles.copy()
        full |= dict(edge.tiles_of_range())
        edge.forget_range()
    return edge, full


def test_packed_ranges_leave_full_tiles_and_the_right_root() -> None:
    edge, full = packed_edge(259)
    range_root = fold(hashes(RANGE_ENTRIES))
    assert sorted((tile.level, tile.index) for tile in full) == [*((1, n) for n in range(259)), (2, 0)]
    assert full[Tile(2, 0)] == range_root * TILE_WIDTH
    assert edge.root(edge.size) == fold([range_root] * 259)
    edge.extend(hashes(300))
    loose = {(tile.level, tile.index, tile.width): edge.tile_bytes(tile) for tile in edge.loose_tiles(edge.size)}
    base = 259 * TILE_WIDTH
    assert loose == {
        (0, base, 256): b"".join(hashes(256)),
        (0, base + 1, 44): b"".join(hashes(44, 256)),
        (1, 259, 1): fold(hashes(256)),
        (2, 1, 3): range_root * 3,
        (3, 0, 1): fold([range_root] * TILE_WIDTH),
    }


def test_the_edge_is_made_again_from_full_tiles() -> None:
    edge, full = packed_edge(259)
    asked: list[tuple[int, int]] = []

    def tile_hashes(level: int, index: int) -> list[bytes]:
        asked.append((level, index))
        content = full[Tile(level, index)]
        return [content[start : start + 32] for start in range(0, len(content), 32)]

    again = edge_of_ranges(259, tile_hashes)
    assert again.root(again.size) == edge.root(edge.size)
    assert asked == [(1, 256), (1, 257), (1, 258), (2, 0)]
