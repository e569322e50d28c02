"""Changing payloads behind the log's back, with frame digests that fit: as somebody does who knows the format."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from exporters.evidence import layout
from exporters.evidence.entries import SEALED
from exporters.evidence.frames import PAYLOADS, FrameEncoder, read_frames
from exporters.evidence.payload_frame import ERASED, PayloadBlock, parse

Edit = Callable[[int, PayloadBlock], PayloadBlock]
"""Takes the index of the first entry, and its block."""


def edit_payloads(shard: Path, edit: Edit) -> None:
    """Change the payloads of the first range of a shard, which is a segment."""
    path = layout.range_path(shard, layout.SEGMENT, 0)
    with path.open("rb") as file:
        frames = list(read_frames(file, str(path)))
    with path.open("wb") as file:
        for frame in frames:
            head = frame.head
            if head.kind != PAYLOADS:
                file.write(frame.data)
                continue
            block = edit(head.first, parse(frame.raw(), head.count, frame.where))
            file.write(FrameEncoder().encode(PAYLOADS, head.first, head.count, block.to_bytes()))


def sealed_as(blob: bytes, *entries: int) -> Edit:
    """Puts these bytes, as a sealed payload, in place of the payloads of some entries, or of all that have one."""

    def edit(first: int, block: PayloadBlock) -> PayloadBlock:
        there = np.array(block.lengths < ERASED)
        if entries:
            there &= np.isin(np.arange(first, first + len(block)), entries)
        stored = zip(block.payloads(), there.tolist(), strict=True)
        return replace(
            block,
            lengths=np.where(there, len(blob), block.lengths).astype(np.uint32),
            forms=np.where(there, SEALED, block.forms).astype(np.uint8),
            blobs=b"".join(blob if is_chosen else payload or b"" for payload, is_chosen in stored),
        )

    return edit


def replaced(old: bytes, new: bytes) -> Edit:
    """Puts other bytes of the same length wherever these stand."""
    assert len(old) == len(new)
    return lambda first, block: replace(block, blobs=block.blobs.replace(old, new))
