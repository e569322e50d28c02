"""Proofs about the tree: RFC 9162 section 2.1.3 (inclusion) and 2.1.4 (consistency), the same as those of RFC 6962.

Making a proof needs only hashes of complete subtrees, ``read(level, index)``: the root over the leaves
``[index * 2^level, (index + 1) * 2^level)``. Checking one needs nothing but the proof, and follows the RFC's own
verification steps, which share no code with the making.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from config.errors import ProofError
from exporters.evidence.tree import EMPTY_ROOT, node_hash

ReadHash = Callable[[int, int], bytes]
"""``read(level, index)``: hash of the complete subtree number ``index`` among those of 2^level leaves."""


def prove_inclusion(index: int, size: int, read: ReadHash) -> list[bytes]:
    """Return the hashes that lead from leaf ``index`` to the root of a tree of ``size`` leaves, from its sibling upwards.

    Raises:
        ProofError: the tree has no such leaf.
    """
    if not 0 <= index < size:
        raise ProofError(f"there is no entry {index} in a tree of {size} entries")
    proof: list[bytes] = []
    start, stop = 0, size
    while stop - start > 1:
        middle = start + _split(stop - start)
        if index < middle:
            proof.append(_root_between(middle, stop, read))
            stop = middle
        else:
            proof.append(_root_between(start, middle, read))
            start = middle
    return proof[::-1]


def prove_consistency(old: int, new: int, read: ReadHash) -> list[bytes]:
    """Return the hashes that prove the tree of ``old`` leaves to be the beginning of that of ``new`` leaves.

    The proof is empty where there is nothing to prove: from the empty tree, and between equal sizes.

    Raises:
        ProofError: the old tree is the larger one.
    """
    if not 0 <= old <= new:
        raise ProofError(f"a tree of {old} entries is not the beginning of one of {new}")
    if old == 0:
        return []
    proof: list[bytes] = []
    start, stop = 0, new
    while old != stop:
        middle = start + _split(stop - start)
        if old <= middle:
            proof.append(_root_between(middle, stop, read))
            stop = middle
        else:
            proof.append(_root_between(start, middle, read))
            start = middle
    if start > 0:  # else the checker has this hash: it is the old root
        proof.append(_root_between(start, stop, read))
    return proof[::-1]


def check_inclusion(leaf: bytes, index: int, size: int, root: bytes, proof: Sequence[bytes]) -> None:
    """Return if the proof leads from the leaf hash at ``index`` to the root of a tree of ``size`` leaves.

    Raises:
        ProofError: it does not.
    """
    if not 0 <= index < size:
        raise ProofError(f"there is no entry {index} in a tree of {size} entries")
    position, last = index, size - 1
    found = leaf
    for sibling in proof:
        if last == 0:
            raise ProofError(f"the proof of entry {index} is too long for a tree of {size} entries")
        if position & 1 or position == last:
            found = node_hash(sibling, found)
            position, last = _to_right_child(position, last)
        else:
            found = node_hash(found, sibling)
        position, last = position >> 1, last >> 1
    if last != 0:
        raise ProofError(f"the proof of entry {index} is too short for a tree of {size} entries")
    if found != root:
        raise ProofError(f"the proof of entry {index} leads to the root {found.hex()}, not to {root.hex()}")


def check_consistency(old: int, old_root: bytes, new: int, new_root: bytes, proof: Sequence[bytes]) -> None:
    """Return if the proof shows the tree of ``old`` leaves to be the beginning of that of ``new`` leaves.

    Raises:
        ProofError: it does not.
    """
    if not 0 <= old <= new:
        raise ProofError(f"a tree of {old} entries is not the beginning of one of {new}")
    if old in (0, new):
        _check_trivial(old, old_root, new_root, proof)
        return
    path = [old_root, *proof] if _is_power_of_two(old) else list(proof)
    if not path:
        raise ProofError(f"the proof from {old} to {new} entries is empty")
    position, last = _to_right_child_above(old - 1, new - 1)
    old_found = new_found = path[0]
    for sibling in path[1:]:
        if last == 0:
            raise ProofError(f"the proof from {old} to {new} entries is too long")
        if position & 1 or position == last:
            old_found, new_found = node_hash(sibling, old_found), node_hash(sibling, new_found)
            position, last = _to_right_child(position, last)
        else:
            new_found = node_hash(new_found, sibling)
        position, last = position >> 1, last >> 1
    if last != 0:
        raise ProofError(f"the proof from {old} to {new} entries is too short")
    _expect_root(old, old_found, old_root)
    _expect_root(new, new_found, new_root)


def _check_trivial(old: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]) -> None:
    if proof:
        raise ProofError(f"the proof from {old} entries holds hashes where nothing is to be proven")
    _expect_root(old, old_root, EMPTY_ROOT if old == 0 else new_root)


def _expect_root(size: int, found: bytes, stated: bytes) -> None:
    if found != stated:
        raise ProofError(f"the root of {size} entries is {found.hex()} here and {stated.hex()} there: not one history")


def _to_right_child(position: int, last: int) -> tuple[int, int]:
    """Pass the levels at which a rightmost node has no sibling, and so no hash in the proof."""
    while position and not position & 1:
        position, last = position >> 1, last >> 1
    return position, last


def _to_right_child_above(position: int, last: int) -> tuple[int, int]:
    """Pass the levels at which the old tree ends in a right child: begin at its last complete subtree."""
    while position & 1:
        position, last = position >> 1, last >> 1
    return position, last


def _split(width: int) -> int:
    """The greatest power of two below ``width``, which is at least 2: leaves of the left subtree."""
    return 1 << ((width - 1).bit_length() - 1)


def _is_power_of_two(number: int) -> bool:
    return number & (number - 1) == 0


def _root_between(start: int, stop: int, read: ReadHash) -> bytes:
    """The root over the leaves [start, stop), from complete subtrees; none of them is wider than ``start`` allows."""
    subtrees = []
    while start < stop:
        level = (stop - start).bit_length() - 1
        subtrees.append(read(level, start >> level))
        start += 1 << level
    root = subtrees.pop()
    while subtrees:
        root = node_hash(subtrees.pop(), root)
    return root
