"""The order of frames in a segment: each step's entries, then the payloads of the same entries."""

from __future__ import annotations

from collections.abc import Sequence

from exporters.evidence.frames import ENTRIES, Head
from exporters.evidence.packing import SMALL_ENTRIES
from exporters.evidence.payload_frame import MAX_BLOB_BYTES


def misplaced(heads: Sequence[tuple[int, Head]]) -> int | None:
    """Byte offset of the first frame that stands where no step would have put it; ``None`` where all are in order.

    Payloads come behind their entries. They end where their step's entries end, unless they fill their frame.
    """
    written = 0
    for place, (offset, head) in enumerate(heads):
        if head.kind == ENTRIES:
            written = head.end
        elif head.end > written or (head.end < written and not _is_full(head, heads[place + 1 : place + 2])):
            return offset
    return None


def _is_full(head: Head, following: Sequence[tuple[int, Head]]) -> bool:
    with_next = head.raw_bytes + sum(other.raw_bytes for _, other in following)
    return head.count >= SMALL_ENTRIES or with_next > MAX_BLOB_BYTES
