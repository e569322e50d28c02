"""A full, recorded range of the log becomes a pack, a payload file and an index; its segment can go then.

Each file is written under a temporary name, synced, renamed, and its directory synced, before the caller removes the
segment: a crash in between leaves the segment, and the range is packed again.
"""

from __future__ import annotations

from pathlib import Path

from config.errors import LogDamaged
from exporters.evidence import layout, pack, payload_frame
from exporters.evidence.files import Files, Output, replace, written_whole
from exporters.evidence.frames import ENTRIES, ENTRIES_PER_FRAME, PAYLOADS, RANGE_ENTRIES, Frame, FrameEncoder
from exporters.evidence.index import Index, indexed_hash
from exporters.evidence.paths import decode_bundle
from exporters.evidence.segment import Segment

SMALL_ENTRIES = 1_024
"""Payloads frames of fewer entries are merged with their neighbours."""


def pack_range(files: Files, shard: Path, segment: Segment, encoder: FrameEncoder) -> None:
    """Write pack, payload file and index of a segment whose range is full, durably.

    Raises:
        LogDamaged: the segment is not what was written, or does not hold its whole range.
    """
    number = segment.number
    hashes: list[int | None] = []
    with (
        written_whole(files, layout.range_path(shard, layout.PACK, number)) as pack_output,
        written_whole(files, layout.range_path(shard, layout.PAYLOAD, number)) as payload_output,
    ):
        entries = _PackWriter(pack_output, encoder)
        payloads = _PayloadWriter(payload_output, encoder)
        for frame in segment.frames():
            if frame.head.kind == ENTRIES:
                raw = frame.raw()
                hashes += map(indexed_hash, decode_bundle(raw, frame.where, frame.head.first, frame.head.count))
                entries.add(frame, raw)
            else:
                payloads.add(frame)
        payloads.finish()
        entries.finish()
        if len(hashes) != RANGE_ENTRIES or payloads.count != RANGE_ENTRIES:
            raise LogDamaged(
                str(segment.path), f"{len(hashes)} entries and {payloads.count} payloads, not {RANGE_ENTRIES} of each"
            )
    replace(files, layout.range_path(shard, layout.INDEX, number), Index.of_hashes(hashes).to_bytes(), durable=True)


class _PackWriter:
    """Frames of 256 entries: full ones are copied as they are stored, parts of one are put together."""

    def __init__(self, output: Output, encoder: FrameEncoder) -> None:
        self._output = output
        self._encoder = encoder
        self._offsets: list[int] = []
        self._size = 0
        self._raw: list[bytes] = []
        self._waiting = 0

    def add(self, frame: Frame, raw: bytes) -> None:
        if frame.head.count == ENTRIES_PER_FRAME:
            self._write(frame.data)
            return
        self._raw.append(raw)
        self._waiting += frame.head.count
        if self._waiting == ENTRIES_PER_FRAME:
            first = frame.head.end - ENTRIES_PER_FRAME
            self._write(self._encoder.encode(ENTRIES, first, ENTRIES_PER_FRAME, b"".join(self._raw)))
            self._raw.clear()
            self._waiting = 0

    def finish(self) -> None:
        self._output.write(pack.encode_trailer(self._offsets))

    def _write(self, data: bytes) -> None:
        self._offsets.append(self._size)
        self._output.write(data)
        self._size += len(data)


class _PayloadWriter:
    """Payloads frames: large ones are copied as they are stored, small neighbours merged."""

    def __init__(self, output: Output, encoder: FrameEncoder) -> None:
        self._output = output
        self._encoder = encoder
        self._small: list[Frame] = []
        self._waiting = 0
        self._waiting_bytes = 0
        self.count = 0

    def add(self, frame: Frame) -> None:
        head = frame.head
        self.count += head.count
        if head.count >= SMALL_ENTRIES or head.raw_bytes >= payload_frame.MAX_BLOB_BYTES:
            self.finish()
            self._output.write(frame.data)
            return
        full = self._waiting + head.count > payload_frame.MAX_ENTRIES
        if full or self._waiting_bytes + head.raw_bytes > payload_frame.MAX_BLOB_BYTES:
            self.finish()
        self._small.append(frame)
        self._waiting += head.count
        self._waiting_bytes += head.raw_bytes

    def finish(self) -> None:
        """Write what waits for neighbours."""
        if len(self._small) == 1:
            self._output.write(self._small[0].data)
        elif self._small:
            block = payload_frame.merge(
                [payload_frame.parse(frame.raw(), frame.head.count, frame.where) for frame in self._small]
            )
            first = self._small[0].head.first
            self._output.write(self._encoder.encode(PAYLOADS, first, len(block), block.to_bytes()))
        self._small.clear()
        self._waiting = self._waiting_bytes = 0
