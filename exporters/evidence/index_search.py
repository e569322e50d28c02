"""Looking up an id in the index of a packed range without reading it whole: a binary search over the mapped file."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np

from exporters.evidence import layout
from exporters.evidence.index import id_hash

_COUNT = struct.Struct("<I")
_DIGEST_BYTES = 32


def candidates(shard: Path, number: int, text: str) -> list[int] | None:
    """Numbers, in a range, of the entries whose id may be this one, ascending.

    Returns:
        ``None`` where there is no index of the right length: then the entries have to be read.
    """
    path = layout.range_path(shard, layout.INDEX, number)
    try:
        with path.open("rb") as file:
            count = _COUNT.unpack(file.read(_COUNT.size))[0]
        if path.stat().st_size != _COUNT.size + 10 * count + _DIGEST_BYTES:
            return None
    except (FileNotFoundError, struct.error):
        return None
    if count == 0:
        return []
    hashes = np.memmap(path, "<u8", "r", _COUNT.size, (count,))
    wanted = np.uint64(id_hash(text))
    start, stop = (int(np.searchsorted(hashes, wanted, side=side)) for side in ("left", "right"))
    entries = np.memmap(path, "<u2", "r", _COUNT.size + 8 * count, (count,))
    return sorted(entries[start:stop].tolist())
