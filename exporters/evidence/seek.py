"""Finding the place in a log from which on something was logged: entries are in the order of the agent's clock, nearly."""

from __future__ import annotations

from exporters.evidence.frames import ENTRIES_PER_FRAME
from exporters.evidence.leaf import read_leaf
from exporters.evidence.reader import LogReader

SLACK_US = 3_600_000_000
"""How far the agent's clock may have been set back."""


def first_logged(reader: LogReader, shard: str, time_us: int) -> int:
    """An entry of a shard before which nothing was logged at ``time_us`` or later; a multiple of 256.

    A binary search over ``logged``, an hour early, so that a clock that was set back hides nothing.

    Raises:
        EvidenceError: an entry cannot be read.
    """
    low, high = 0, -(-reader.size(shard) // ENTRIES_PER_FRAME)
    while low < high:
        middle = (low + high) // 2
        index = middle * ENTRIES_PER_FRAME
        leaf = read_leaf(reader.entry(shard, index), f"{reader.path(shard)}, entry {index}")
        if leaf.logged < time_us - SLACK_US:
            low = middle + 1
        else:
            high = middle
    return max(0, low - 1) * ENTRIES_PER_FRAME
