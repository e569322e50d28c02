"""The Merkle tree of the log: RFC 6962 section 2.1 (RFC 9162 section 2.1.1), SHA-256.

    leaf   SHA-256(0x00 || entry)
    node   SHA-256(0x01 || left || right)
    root   of n leaves: node(root of the first k, root of the others), k the greatest power of two below n

Pairing the hashes of a level from the left, and lifting a last one without a partner as it is, gives that same root.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from hashlib import sha256

from config.errors import EvidenceError

HASH_BYTES = 32
TILE_WIDTH = 256
"""Hashes in a full tile; a tile stands for this many to one hash of the tile above it."""

EMPTY_ROOT = sha256(b"").digest()
"""The root of a tree without leaves."""

_SIZE_BYTES = 8


def leaf_hash(entry: bytes) -> bytes:
    """Return the hash, 32 bytes, that stands for an entry in the tree."""
    return sha256(b"\x00" + entry).digest()


def leaf_hashes(entries: Iterable[bytes]) -> list[bytes]:
    """Return the leaf hash of every entry, in order; over a million entries of 300 bytes per second and core."""
    return [sha256(b"\x00" + entry).digest() for entry in entries]


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of the node over two subtrees."""
    return sha256(b"\x01" + left + right).digest()


def fold(hashes: Sequence[bytes]) -> bytes:
    """Return the root over hashes of subtrees of one size, or of leaves; ``EMPTY_ROOT`` for none.

    All subtrees must be complete. Their number may be any.
    """
    if not hashes:
        return EMPTY_ROOT
    level = list(hashes)
    while len(level) > 1:
        level = _parents(level)
    return level[0]


def reduce_level(hashes: bytes | Sequence[bytes]) -> bytes:
    """Return one hash for every 256 hashes given: full tiles of level L become hashes of level L + 1.

    Args:
        hashes: 256 k hashes, as a list or, as tiles hold them, one behind the other.

    Returns:
        k hashes, one behind the other, 32 k bytes.

    Raises:
        ValueError: the hashes do not fill tiles.
    """
    level = split_hashes(hashes) if isinstance(hashes, bytes) else list(hashes)
    if not level or len(level) % TILE_WIDTH:
        raise ValueError(f"{len(level)} hashes do not fill tiles of {TILE_WIDTH}; only full tiles have a parent")
    for _ in range(TILE_WIDTH.bit_length() - 1):
        level = _parents(level)
    return b"".join(level)


def split_hashes(tile: bytes) -> list[bytes]:
    """Return the hashes of a tile as a list.

    Raises:
        ValueError: the tile ends inside a hash.
    """
    if len(tile) % HASH_BYTES:
        raise ValueError(f"a tile of {len(tile)} bytes ends inside a hash of {HASH_BYTES}")
    return [tile[start : start + HASH_BYTES] for start in range(0, len(tile), HASH_BYTES)]


def _parents(level: list[bytes]) -> list[bytes]:
    parents = [sha256(b"\x01" + left + right).digest() for left, right in zip(level[::2], level[1::2], strict=False)]
    if len(level) % 2:
        parents.append(level[-1])
    return parents


class Frontier:
    """The right edge of a growing tree: all that appending and the root need, in at most 64 hashes.

    A tree of n leaves is a row of complete subtrees, one of 2^k leaves for each bit k of n, the greatest first. (The
    "compact range" of the transparency-dev projects.) Appending a leaf merges equal neighbours, as adding 1 carries.
    """

    __slots__ = ("_peaks", "_size")

    def __init__(self) -> None:
        self._size = 0
        self._peaks: list[bytes] = []

    @property
    def size(self) -> int:
        """Number of leaves."""
        return self._size

    def append(self, leaf: bytes) -> None:
        """Append one leaf by its hash."""
        self.append_subtree(0, leaf)

    def append_subtree(self, level: int, root: bytes) -> None:
        """Append a complete subtree of 2^level leaves by its root.

        Raises:
            ValueError: the size is no multiple of 2^level, so that no such subtree begins there.
        """
        if self._size % (1 << level):
            raise ValueError(f"no subtree of {1 << level} leaves begins at leaf {self._size}")
        position = self._size >> level
        while position & 1:
            root = node_hash(self._peaks.pop(), root)
            position >>= 1
        self._peaks.append(root)
        self._size += 1 << level

    def extend(self, leaves: Sequence[bytes]) -> None:
        """Append many leaves by their hashes: one hash computed a leaf, in whole subtrees."""
        start = 0
        while start < len(leaves):
            level = _largest_subtree(self._size, len(leaves) - start)
            end = start + (1 << level)
            self.append_subtree(level, fold(leaves[start:end]))
            start = end

    def root(self) -> bytes:
        """Return the root of the tree; ``EMPTY_ROOT`` of an empty one."""
        if not self._peaks:
            return EMPTY_ROOT
        root = self._peaks[-1]
        for peak in reversed(self._peaks[:-1]):
            root = node_hash(peak, root)
        return root

    def copy(self) -> Frontier:
        """Return a frontier that grows on its own."""
        twin = Frontier()
        twin._size = self._size
        twin._peaks = self._peaks.copy()
        return twin

    def to_bytes(self) -> bytes:
        """Return the size (8 bytes, big-endian) and the roots of the subtrees, the greatest first."""
        return self._size.to_bytes(_SIZE_BYTES, "big") + b"".join(self._peaks)

    @classmethod
    def from_bytes(cls, data: bytes) -> Frontier:
        """Return what ``to_bytes`` wrote.

        Raises:
            EvidenceError: the length does not belong to the size that the data names.
        """
        frontier = cls()
        frontier._size = int.from_bytes(data[:_SIZE_BYTES], "big")
        expected = _SIZE_BYTES + HASH_BYTES * frontier._size.bit_count()
        if len(data) != expected:
            raise EvidenceError(
                f"the frontier of a tree of {frontier._size} leaves is {expected} bytes, not {len(data)}: "
                "take it from an undamaged copy, or compute it again from the entries"
            )
        frontier._peaks = split_hashes(data[_SIZE_BYTES:])
        return frontier


def _largest_subtree(size: int, at_most: int) -> int:
    """Level of the greatest complete subtree that begins at leaf ``size`` and has no more than ``at_most`` leaves."""
    fits = at_most.bit_length() - 1
    if size == 0:
        return fits
    aligned = (size & -size).bit_length() - 1
    return min(fits, aligned)
