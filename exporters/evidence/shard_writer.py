"""The shard that is written: its segments, the edge of its tree, its tiles and its heads."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from exporters.evidence import layout
from exporters.evidence.edge import Edge
from exporters.evidence.entries import Entries
from exporters.evidence.files import Files
from exporters.evidence.frames import RANGE_ENTRIES, FrameEncoder
from exporters.evidence.heads import Heads, Signed, origin_of
from exporters.evidence.note import Signer
from exporters.evidence.packing import pack_range
from exporters.evidence.segment import Segment, compose_parts
from exporters.evidence.tile_store import FullTiles, LooseTiles
from exporters.evidence.tree import leaf_hashes


class ShardWriter:
    """A shard as it lies on the disk, and what the writer keeps of it in memory.

    Every call may raise ``OSError``: then what is in memory may be ahead of the disk, and the shard is loaded anew.

    Attributes:
        name: the month; recorded: entries that the state has recorded.
        edge: hashes up to the last entry written; segments: of the ranges not yet packed, in order.
    """

    def __init__(self, files: Files, path: Path, encoder: FrameEncoder) -> None:
        self._files = files
        self._path = path
        self._encoder = encoder
        self.name = path.name
        self.recorded = 0
        self.edge = Edge()
        self.segments: list[Segment] = []
        self.heads = Heads(files, path)
        self.loose = LooseTiles(files, path)
        self.full = FullTiles(files, path)

    @property
    def size(self) -> int:
        """Entries that were written."""
        return self.edge.size

    def write(self, entries: Entries) -> None:
        """Append entries and wait for the disk: one write and one sync in each range that they belong to."""
        start = 0
        while start < len(entries.leaves):
            first = self.edge.size
            room = RANGE_ENTRIES - first % RANGE_ENTRIES
            part = entries if start == 0 and room >= len(entries.leaves) else entries.part(start, start + room)
            segment = self._segment(first // RANGE_ENTRIES)
            segment.write(list(compose_parts(self._encoder, first, part)))
            segment.sync()
            self.edge.extend(leaf_hashes(part.leaves))
            start += len(part.leaves)

    def pack(self) -> None:
        """Pack the ranges that are full and recorded."""
        while (self.edge.packed + 1) * RANGE_ENTRIES <= self.recorded:
            segment = self.segments[0]
            pack_range(self._files, self._path, segment, self._encoder)
            for tile, content in self.edge.tiles_of_range():
                self.full.write(tile, content)
            self.edge.forget_range()
            self.segments.pop(0).close()
            self.loose.update(self.edge, self._open_segment(), self.signed_size)
            self._files.remove(segment.path, durable=True)

    def publish(self, signers: Sequence[Signer], name: str) -> Signed | None:
        """Write the tiles of the recorded size, then sign its head; ``None`` if nothing was recorded since the last one."""
        self.heads.mend()
        if self.recorded == self.signed_size:
            return None
        self.loose.update(self.edge, self._open_segment(), self.recorded)
        return self.heads.sign(self.recorded, self.edge.root(self.recorded), signers, origin_of(name, self.name))

    def finish(self, signers: Sequence[Signer], name: str) -> None:
        """Sign the last head of the shard, and let its files be on the disk for good."""
        self.publish(signers, name)
        self.loose.sync()
        self.close()

    @property
    def signed_size(self) -> int:
        """Entries that the last signed head covers."""
        return self.heads.last.size if self.heads.last else 0

    def close(self) -> None:
        """Give the descriptors back; safe twice."""
        for segment in self.segments:
            segment.close()

    def _open_segment(self) -> Segment | None:
        return self.segments[0] if self.segments else None

    def _segment(self, number: int) -> Segment:
        if not self.segments or self.segments[-1].number != number:
            path = layout.range_path(self._path, layout.SEGMENT, number)
            self.segments.append(Segment(self._files, path, number))
        return self.segments[-1]
