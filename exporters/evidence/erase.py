"""Erasing payloads: their bytes, salts and tags leave every file of a shard, and everything else stays as it was written.

The leaf keeps its commitment, which says nothing without the salt, so every proof still verifies. A compressed frame cannot
lose a part of itself: it is composed anew, and with it its file, which then takes the old one's place.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path

import numpy as np

from exporters.evidence import layout
from exporters.evidence.entries import PLAIN, SALT_BYTES
from exporters.evidence.files import Files, written_whole
from exporters.evidence.frames import PAYLOADS, RANGE_ENTRIES, Frame, FrameEncoder, read_frames
from exporters.evidence.payload_frame import ERASED, PayloadBlock, parse


def erase_entries(files: Files, shard: Path, entries: Collection[int], encoder: FrameEncoder) -> None:
    """Erase the payloads of some entries of a shard, durably; erasing what is gone changes nothing.

    No file of the shard may be open for writing.

    Raises:
        LogDamaged: a frame is not what was written; nothing of its file was changed.
    """
    for number in sorted({entry // RANGE_ENTRIES for entry in entries}):
        chosen = frozenset(entry for entry in entries if entry // RANGE_ENTRIES == number)
        for kind in (layout.PAYLOAD, layout.SEGMENT):
            path = layout.range_path(shard, kind, number)
            if path.name in files.names(path.parent):
                _rewrite(files, path, chosen, encoder)


def without(block: PayloadBlock, numbers: Collection[int]) -> PayloadBlock:
    """A block in which the payloads of these entries, by their number in it, are erased."""
    gone = np.zeros(len(block), dtype=np.bool_)
    gone[list(numbers)] = True
    salts = np.frombuffer(block.salts, np.uint8).reshape(len(block), SALT_BYTES)
    kept = (payload for payload, is_gone in zip(block.payloads(), gone.tolist(), strict=True) if not is_gone)
    return PayloadBlock(
        subjects=np.where(gone, 0, block.subjects).astype(np.uint64),
        lengths=np.where(gone, ERASED, block.lengths).astype(np.uint32),
        forms=np.where(gone, PLAIN, block.forms).astype(np.uint8),
        salts=np.where(gone[:, None], 0, salts).astype(np.uint8).tobytes(),
        blobs=b"".join(payload for payload in kept if payload is not None),
    )


def _rewrite(files: Files, path: Path, chosen: Collection[int], encoder: FrameEncoder) -> None:
    """Write the file again without the chosen payloads, and let it take the old one's place, durably."""
    with files.read(path) as file, written_whole(files, path) as output:
        for frame in read_frames(file, str(path)):
            output.write(_erased(frame, chosen, encoder))


def _erased(frame: Frame, chosen: Collection[int], encoder: FrameEncoder) -> bytes:
    """The frame as it is to be stored."""
    head = frame.head
    numbers = list(_within(head.first, head.end, chosen)) if head.kind == PAYLOADS else []
    if not numbers:
        return frame.data
    block = without(parse(frame.raw(), head.count, frame.where), numbers)
    return encoder.encode(PAYLOADS, head.first, head.count, block.to_bytes())


def _within(first: int, end: int, chosen: Collection[int]) -> Iterator[int]:
    if len(chosen) < end - first:
        return (entry - first for entry in chosen if first <= entry < end)
    return (number for number in range(end - first) if first + number in chosen)
