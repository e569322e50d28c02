from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.errors import EvidenceError, LogDamaged
from exporters.evidence.paths import (
    MAX_ENTRY_BYTES,
    Bundle,
    Tile,
    bundles,
    decode_bundle,
    encode_bundle,
    entries_path,
    parse_entries_path,
    parse_tile_path,
    tile_path,
    tiles,
)

INDICES = st.integers(0, 2**55)
WIDTHS = st.integers(1, 256)


def test_a_tile_lies_where_the_standard_says() -> None:
    assert tile_path(0, 1234067) == "tile/0/x001/x234/067"
    assert tile_path(2, 0, 8) == "tile/2/000.p/8"
    assert tile_path(1, 1000) == "tile/1/x001/000"


def test_entries_lie_where_the_standard_says() -> None:
    assert entries_path(999) == "tile/entries/999"
    assert entries_path(1234067, 255) == "tile/entries/x001/x234/067.p/255"


@pytest.mark.parametrize(("level", "n", "width"), [(64, 0, 256), (-1, 0, 256), (0, -1, 256), (0, 0, 0), (0, 0, 257)])
def test_what_no_tree_has_gets_no_path(level: int, n: int, width: int) -> None:
    with pytest.raises(ValueError, match=r"there is no|a width of"):
        tile_path(level, n, width)


@given(st.integers(0, 63), INDICES, WIDTHS)
def test_the_path_of_a_tile_names_that_tile(level: int, index: int, width: int) -> None:
    assert parse_tile_path(Tile(level, index, width).path) == Tile(level, index, width)


@given(INDICES, WIDTHS)
def test_the_path_of_entries_names_those_entries(index: int, width: int) -> None:
    assert parse_entries_path(Bundle(index, width).path) == Bundle(index, width)


@pytest.mark.parametrize(
    "rest",
    [
        "",
        "1",
        "01",
        "0001",
        "x000/001",
        "001/002",
        "x001",
        "x001/x002",
        "001.p",
        "001.p/0",
        "001.p/256",
        "001.p/01",
        "001.p/8/",
        "/001",
        "001 ",
        "001\n",
        "-01",
        "٠٠١",
        "001.p/-1",
        "../001",
    ],
)
def test_a_path_has_one_spelling(rest: str) -> None:
    with pytest.raises(LogDamaged, match="no path of a tile"):
        parse_tile_path(f"tile/0/{rest}")
    with pytest.raises(LogDamaged, match="no path of entries"):
        parse_entries_path(f"tile/entries/{rest}")


@pytest.mark.parametrize(
    "path", ["tile/64/001", "tile/00/001", "tile/-1/001", "tile/data/001", "0/001", "tile/8/0/001"]
)
def test_a_level_has_one_spelling(path: str) -> None:
    with pytest.raises(LogDamaged, match="no path of a tile"):
        parse_tile_path(path)


def test_a_tree_of_70_000_has_the_tiles_that_the_standard_lists() -> None:
    found = list(tiles(70_000))
    assert [tile for tile in found if tile.width == 256] == [Tile(0, n) for n in range(273)] + [Tile(1, 0)]
    assert [tile for tile in found if tile.width < 256] == [Tile(0, 273, 112), Tile(1, 1, 17), Tile(2, 0, 1)]


def test_a_tree_of_256_has_a_full_tile_and_one_of_width_1_above_it() -> None:
    assert list(tiles(256)) == [Tile(0, 0), Tile(1, 0, 1)]


def test_an_empty_tree_has_no_tiles() -> None:
    assert list(tiles(0)) == []
    assert list(bundles(0)) == []


def test_every_tile_of_level_0_has_its_entries() -> None:
    assert [(each.index, each.width) for each in bundles(70_000)] == [
        (tile.index, tile.width) for tile in tiles(70_000) if tile.level == 0
    ]


@given(st.integers(0, 140_000), st.integers(0, 140_000))
def test_a_tree_that_grew_needs_the_tiles_that_it_did_not_have(one: int, other: int) -> None:
    old, new = sorted((one, other))
    had = set(tiles(old))
    assert list(tiles(new, since=old)) == [tile for tile in tiles(new) if tile not in had]


@given(st.lists(st.binary(max_size=300), max_size=300))
def test_entries_come_back_from_their_bundle(entries: list[bytes]) -> None:
    assert decode_bundle(encode_bundle(entries), "tile/entries/000", width=len(entries)) == entries


def test_each_entry_stands_behind_its_length() -> None:
    assert encode_bundle([b"ab", b"", b"x" * 258]) == b"\x00\x02ab" + b"\x00\x00" + b"\x01\x02" + b"x" * 258


def test_the_longest_entry_fits_and_a_longer_one_is_named() -> None:
    assert len(encode_bundle([bytes(MAX_ENTRY_BYTES)])) == 2 + MAX_ENTRY_BYTES
    with pytest.raises(EvidenceError, match="entry 513 has 65536 bytes"):
        encode_bundle([b"fits", bytes(MAX_ENTRY_BYTES + 1)], first=512)


@pytest.mark.parametrize("cut", range(1, 9))
def test_an_entry_that_is_cut_off_is_named_with_its_offset(cut: int) -> None:
    data = encode_bundle([b"first", b"second!"])
    with pytest.raises(LogDamaged, match="tile/entries/002: entry 513 at byte 7 is cut off: the file ends at byte"):
        decode_bundle(data[:-cut], "tile/entries/002", first=512)


@pytest.mark.parametrize("width", [1, 3])
def test_a_bundle_of_another_width_is_refused(width: int) -> None:
    with pytest.raises(LogDamaged, match=f"holds 2 entries from entry 512 on, not {width}"):
        decode_bundle(encode_bundle([b"a", b"b"]), "tile/entries/002", first=512, width=width)
