from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.errors import EvidenceError
from exporters.evidence.tree import (
    EMPTY_ROOT,
    Frontier,
    fold,
    leaf_hash,
    leaf_hashes,
    node_hash,
    reduce_level,
    split_hashes,
)
from tests.exporters.evidence import naive
from tests.exporters.evidence.naive import LEAVES

# The eight entries and the roots over the first n of them that Certificate Transparency's implementations are tested with.
CT_ENTRIES = [bytes.fromhex(text) for text in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657")] + [
    bytes.fromhex("606162636465666768696a6b6c6d6e6f")
]
CT_ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


@pytest.mark.parametrize("size", range(9))
def test_the_roots_are_those_of_certificate_transparency(size: int) -> None:
    assert fold(leaf_hashes(CT_ENTRIES[:size])).hex() == CT_ROOTS[size]


def test_a_leaf_and_a_node_over_the_same_bytes_differ() -> None:
    left, right = LEAVES[:2]
    assert leaf_hash(left + right) != node_hash(left, right)


def test_leaf_hashes_are_those_of_each_entry() -> None:
    assert leaf_hashes(iter(CT_ENTRIES)) == [leaf_hash(entry) for entry in CT_ENTRIES]


def test_the_root_of_any_number_of_leaves_is_the_recursive_one() -> None:
    frontier = Frontier()
    for size, leaf in enumerate(LEAVES[:600], start=1):
        frontier.append(leaf)
        assert frontier.root() == fold(LEAVES[:size]) == naive.root(LEAVES[:size])


def test_an_empty_tree_has_the_hash_of_nothing() -> None:
    assert Frontier().root() == fold([]) == EMPTY_ROOT


def test_a_full_tile_reduces_to_the_root_over_it() -> None:
    assert reduce_level(LEAVES[:256]) == reduce_level(b"".join(LEAVES[:256])) == naive.root(LEAVES[:256])


def test_several_full_tiles_reduce_to_one_hash_each() -> None:
    assert split_hashes(reduce_level(LEAVES[:512])) == [naive.root(LEAVES[:256]), naive.root(LEAVES[256:512])]


@pytest.mark.parametrize("count", [0, 1, 255, 257])
def test_a_tile_that_is_not_full_does_not_reduce(count: int) -> None:
    with pytest.raises(ValueError, match=f"{count} hashes do not fill tiles of 256"):
        reduce_level(LEAVES[:count])


def test_a_tile_that_ends_inside_a_hash_is_refused() -> None:
    with pytest.raises(ValueError, match="33 bytes ends inside a hash"):
        split_hashes(bytes(33))


@given(st.lists(st.integers(0, 300), max_size=8))
def test_a_frontier_is_the_same_however_its_leaves_came(parts: list[int]) -> None:
    frontier, start = Frontier(), 0
    for part in parts:
        stop = min(start + part, len(LEAVES))
        frontier.extend(LEAVES[start:stop])
        start = stop
    assert frontier.size == start
    assert frontier.root() == naive.root(LEAVES[:start])


def test_whole_subtrees_can_be_appended_by_their_roots() -> None:
    frontier = Frontier()
    frontier.append_subtree(8, reduce_level(LEAVES[:256]))
    frontier.append_subtree(8, reduce_level(LEAVES[256:512]))
    frontier.append_subtree(4, naive.root(LEAVES[512:528]))
    assert (frontier.size, frontier.root()) == (528, naive.root(LEAVES[:528]))


def test_a_subtree_where_none_can_begin_is_refused() -> None:
    frontier = Frontier()
    frontier.append(LEAVES[0])
    with pytest.raises(ValueError, match="no subtree of 2 leaves begins at leaf 1"):
        frontier.append_subtree(1, LEAVES[1])


def test_a_copy_grows_on_its_own() -> None:
    frontier = Frontier()
    frontier.extend(LEAVES[:5])
    frontier.copy().extend(LEAVES[5:9])
    assert (frontier.size, frontier.root()) == (5, naive.root(LEAVES[:5]))


@given(st.integers(0, 600))
def test_a_frontier_survives_being_written_and_read(size: int) -> None:
    frontier = Frontier()
    frontier.extend(LEAVES[:size])
    again = Frontier.from_bytes(frontier.to_bytes())
    again.append(LEAVES[size])
    assert (again.size, again.root()) == (size + 1, naive.root(LEAVES[: size + 1]))


@pytest.mark.parametrize("data", [b"", bytes(7), (3).to_bytes(8, "big") + bytes(32), bytes(40)])
def test_a_frontier_whose_length_does_not_fit_its_size_is_refused(data: bytes) -> None:
    with pytest.raises(EvidenceError, match="the frontier of a tree of"):
        Frontier.from_bytes(data)
