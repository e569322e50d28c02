from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.errors import ProofError
from exporters.evidence.proofs import check_consistency, check_inclusion, prove_consistency, prove_inclusion
from exporters.evidence.tree import EMPTY_ROOT, fold
from tests.exporters.evidence import naive
from tests.exporters.evidence.naive import LEAVES

ROOTS = [fold(LEAVES[:size]) for size in range(601)]


def read(level: int, index: int) -> bytes:
    """The hash of a complete subtree, as a log would read it from its tiles."""
    width = 1 << level
    assert (index + 1) * width <= len(LEAVES), "asked for a subtree that is not complete"
    return fold(LEAVES[index * width : (index + 1) * width])


def flip(data: bytes, bit: int) -> bytes:
    return (int.from_bytes(data, "big") ^ (1 << bit)).to_bytes(len(data), "big")


def test_every_leaf_of_every_small_tree_is_proven_as_the_rfc_says() -> None:
    for size in range(1, 71):
        for index in range(size):
            proof = prove_inclusion(index, size, read)
            assert proof == naive.inclusion(index, LEAVES[:size])
            check_inclusion(LEAVES[index], index, size, ROOTS[size], proof)


def test_every_small_tree_is_proven_to_begin_every_larger_one_as_the_rfc_says() -> None:
    for new in range(1, 71):
        for old in range(1, new + 1):
            proof = prove_consistency(old, new, read)
            assert proof == naive.consistency(old, LEAVES[:new])
            check_consistency(old, ROOTS[old], new, ROOTS[new], proof)


@pytest.mark.slow
def test_every_leaf_of_every_tree_up_to_600_is_proven() -> None:
    known: dict[tuple[int, int], bytes] = {}

    def remembered(level: int, index: int) -> bytes:
        if (level, index) not in known:
            known[level, index] = read(level, index)
        return known[level, index]

    for size in range(1, 601):
        for index in range(size):
            check_inclusion(LEAVES[index], index, size, ROOTS[size], prove_inclusion(index, size, remembered))
            check_consistency(index, ROOTS[index], size, ROOTS[size], prove_consistency(index, size, remembered))


@given(st.data())
def test_a_proof_of_any_tree_is_that_of_the_rfc(data: st.DataObject) -> None:
    size = data.draw(st.integers(1, 600))
    index = data.draw(st.integers(0, size - 1))
    assert prove_inclusion(index, size, read) == naive.inclusion(index, LEAVES[:size])
    assert prove_consistency(index + 1, size, read) == naive.consistency(index + 1, LEAVES[:size])


@given(st.data())
def test_an_inclusion_proof_fails_when_anything_in_it_is_changed(data: st.DataObject) -> None:
    size = data.draw(st.integers(2, 600))
    index = data.draw(st.integers(0, size - 1))
    proof = prove_inclusion(index, size, read)
    bit = data.draw(st.integers(0, 255))
    where = data.draw(st.integers(0, len(proof) - 1))
    changed = [*proof[:where], flip(proof[where], bit), *proof[where + 1 :]]
    wrong = [
        (flip(LEAVES[index], bit), index, size, ROOTS[size], proof),
        (LEAVES[index], index, size, flip(ROOTS[size], bit), proof),
        (LEAVES[index], index, size, ROOTS[size], changed),
        (LEAVES[index], index, size, ROOTS[size], proof[:-1]),
        (LEAVES[index], index, size, ROOTS[size], [*proof, LEAVES[0]]),
        (LEAVES[index], (index + 1) % size, size, ROOTS[size], proof),
    ]
    for arguments in wrong:
        with pytest.raises(ProofError):
            check_inclusion(*arguments)


@given(st.data())
def test_a_consistency_proof_fails_when_anything_in_it_is_changed(data: st.DataObject) -> None:
    new = data.draw(st.integers(2, 600))
    old = data.draw(st.integers(1, new - 1))
    proof = prove_consistency(old, new, read)
    bit = data.draw(st.integers(0, 255))
    where = data.draw(st.integers(0, len(proof) - 1))
    changed = [*proof[:where], flip(proof[where], bit), *proof[where + 1 :]]
    wrong = [
        (old, flip(ROOTS[old], bit), new, ROOTS[new], proof),
        (old, ROOTS[old], new, flip(ROOTS[new], bit), proof),
        (old, ROOTS[old], new, ROOTS[new], changed),
        (old, ROOTS[old], new, ROOTS[new], proof[:-1]),
        (old, ROOTS[old], new, ROOTS[new], [*proof, LEAVES[0]]),
        (old, ROOTS[old], new, ROOTS[new], []),
    ]
    for arguments in wrong:
        with pytest.raises(ProofError):
            check_consistency(*arguments)


def test_a_tree_with_another_beginning_is_not_consistent() -> None:
    other = [LEAVES[1], LEAVES[0], *LEAVES[2:9]]
    proof = naive.consistency(5, other)
    with pytest.raises(ProofError, match="the root of 5 entries"):
        check_consistency(5, ROOTS[5], 9, fold(other), proof)


def test_every_tree_begins_with_the_empty_one() -> None:
    assert prove_consistency(0, 5, read) == []
    check_consistency(0, EMPTY_ROOT, 5, ROOTS[5], [])
    check_consistency(0, EMPTY_ROOT, 0, EMPTY_ROOT, [])


def test_an_empty_tree_with_a_root_of_its_own_is_refused() -> None:
    with pytest.raises(ProofError, match="the root of 0 entries"):
        check_consistency(0, ROOTS[1], 5, ROOTS[5], [])


def test_trees_of_one_size_have_one_root() -> None:
    check_consistency(5, ROOTS[5], 5, ROOTS[5], [])
    with pytest.raises(ProofError, match="not one history"):
        check_consistency(5, ROOTS[5], 5, ROOTS[4], [])


def test_hashes_where_nothing_is_to_be_proven_are_refused() -> None:
    with pytest.raises(ProofError, match="nothing is to be proven"):
        check_consistency(5, ROOTS[5], 5, ROOTS[5], [LEAVES[0]])


@pytest.mark.parametrize(("index", "size"), [(0, 0), (5, 5), (-1, 5)])
def test_a_leaf_that_is_not_in_the_tree_has_no_proof(index: int, size: int) -> None:
    with pytest.raises(ProofError, match="there is no entry"):
        prove_inclusion(index, size, read)
    with pytest.raises(ProofError, match="there is no entry"):
        check_inclusion(LEAVES[0], index, size, ROOTS[size], [])


@pytest.mark.parametrize(("old", "new"), [(6, 5), (-1, 5)])
def test_a_larger_tree_does_not_begin_a_smaller_one(old: int, new: int) -> None:
    with pytest.raises(ProofError, match="is not the beginning"):
        prove_consistency(old, new, read)
    with pytest.raises(ProofError, match="is not the beginning"):
        check_consistency(old, ROOTS[0], new, ROOTS[5], [])
