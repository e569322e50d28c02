"""A second look: what seemed wrong may have been erased, by a writer at work, since it was read."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from config.errors import LogDamaged
from exporters.evidence.payload_frame import ERASED
from exporters.evidence.reader import LogReader


def still_there(reader: LogReader, shard: str, entries: Collection[int]) -> list[int]:
    """Those of the entries that have a payload now, ascending; none of a shard that is gone or cannot be read."""
    if not entries:
        return []
    wanted, found = np.array(sorted(entries)), []
    try:
        for first, block in reader.payload_blocks(shard, int(wanted[0]), int(wanted[-1]) + 1):
            inside = wanted[(wanted >= first) & (wanted < first + len(block))]
            found += inside[block.lengths[inside - first] < ERASED].tolist()
    except LogDamaged:  # said where it was checked
        return found
    return found
