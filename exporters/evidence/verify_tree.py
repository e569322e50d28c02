"""The tree of a shard, computed again from its entries: the roots that were signed, and what its tiles must hold."""

from __future__ import annotations

from collections.abc import Sequence

from exporters.evidence.findings import Findings
from exporters.evidence.tree import TILE_WIDTH, Frontier, fold
from exporters.evidence.verify_heads import Head

_TILE_BITS = 8


class TreeCheck:
    """Grows with the entries, and compares each root that was signed when its size is reached.

    A byte of memory for eight entries: 32 for each group of 256, whose hashes stand in level 1.

    Attributes:
        size: entries so far.
        checked: heads whose root was recomputed, right or wrong.
        broken_at: the first entry that could not be read; no hash from its group of 256 on is known.
    """

    def __init__(self, heads: Sequence[Head], findings: Findings) -> None:
        self.size = 0
        self.checked = 0
        self.broken_at: int | None = None
        self._heads = heads
        self._findings = findings
        self._frontier = Frontier()
        self._open: list[bytes] = []
        self._levels: list[list[bytes]] = [[]]
        self._leaves: dict[int, list[bytes]] = {}

    def extend(self, hashes: Sequence[bytes], *, keep: bool) -> None:
        """Append leaves of one group of 256 by their hashes.

        Args:
            keep: whether the range is not packed, so that its tiles of level 0 are files.
        """
        if self.broken_at is not None:
            return
        self._open += hashes
        self.size += len(hashes)
        while self.checked < len(self._heads) and self._heads[self.checked].size <= self.size:
            self._compare(self._heads[self.checked])
        if keep:
            self._leaves[(self.size - 1) // TILE_WIDTH] = self._open
        if len(self._open) == TILE_WIDTH:
            subtree = fold(self._open)
            self._frontier.append_subtree(_TILE_BITS, subtree)
            self._add(0, subtree)
            self._open = []

    def break_off(self) -> None:
        """An entry cannot be read: roots and tiles behind it cannot be told."""
        if self.broken_at is None:
            self.broken_at = self.size

    def hashes(self, level: int, index: int, width: int) -> Sequence[bytes] | None:
        """What a tile holds; ``None`` where that is not known."""
        if level == 0:
            return self._known(self._leaves.get(index, ()), 0, width)
        known = self._levels[level - 1] if level <= len(self._levels) else ()
        return self._known(known, index * TILE_WIDTH, width)

    def root_at(self, size: int) -> bytes | None:
        """The root over the first entries; ``None`` where it can no longer be told."""
        full, rest = divmod(size, TILE_WIDTH)
        leaves = self.hashes(0, full, rest)
        if leaves is None or full > len(self._levels[0]):
            return None
        tree = Frontier()
        for subtree in self._levels[0][:full]:
            tree.append_subtree(_TILE_BITS, subtree)
        tree.extend(leaves)
        return tree.root()

    def _known(self, hashes: Sequence[bytes], start: int, width: int) -> Sequence[bytes] | None:
        return hashes[start : start + width] if start + width <= len(hashes) else None

    def _add(self, level: int, subtree: bytes) -> None:
        """Put a hash into level ``level`` + 1; a full tile gives one to the level above."""
        if level == len(self._levels):
            self._levels.append([])
        hashes = self._levels[level]
        hashes.append(subtree)
        if len(hashes) % TILE_WIDTH == 0:
            self._add(level + 1, fold(hashes[-TILE_WIDTH:]))

    def _compare(self, head: Head) -> None:
        self.checked += 1
        tree = self._frontier.copy()
        tree.extend(self._open[: head.size - tree.size])
        if tree.root() != head.root:
            self._findings.add(
                head.where, f"the first {head.size} entries do not give the root that was signed over them", "root"
            )
