"""One range of a shard: its entries, then their payloads, then what lies beside them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from config.errors import LogDamaged
from exporters.evidence import layout
from exporters.evidence.frame_file import FrameFile
from exporters.evidence.frames import ENTRIES_PER_FRAME, RANGE_ENTRIES
from exporters.evidence.index import Index
from exporters.evidence.payload_frame import parse
from exporters.evidence.range_reader import EntryBlock, RangeReader
from exporters.evidence.torn import was_changed
from exporters.evidence.tree import leaf_hashes
from exporters.evidence.verify_leaves import commitments_of, ids_of
from exporters.evidence.verify_order import misplaced
from exporters.evidence.verify_payloads import Kind

if TYPE_CHECKING:
    from exporters.evidence.verify_shard import ShardCheck


class RangeCheck:
    """Checks a range for the check of its shard."""

    def __init__(self, shard: ShardCheck, found: RangeReader) -> None:
        self._shard = shard
        self._found = found
        self._first = found.number * RANGE_ENTRIES
        segment = layout.range_path(shard.path, layout.SEGMENT, found.number)
        self._has_loose_tiles = found.form != "pack" or segment.is_file()  # an interrupted packing leaves both
        self._kinds: list[Kind] = []
        self._commitments: list[bytes | None] = []
        self._ids: list[str | None] = []

    def run(self) -> None:
        """Check everything that can be read."""
        try:
            following = self._first
            for block in self._found.entry_blocks():
                _check_follows(block.where, block.first, following)
                self._check_entries(block)
                following = block.end
        except LogDamaged as error:
            self._shard.findings.damaged(error)
            self._shard.tree.break_off()
            self._shard.entries = self._found.end
            return
        if self._shard.with_payloads:
            self._check_payloads()
        if self._found.form == "pack":
            self._check_index()
        if self._found.framed is not None:
            self._check_framed(self._found.framed)

    def _check_entries(self, block: EntryBlock) -> None:
        if block.first // ENTRIES_PER_FRAME != (block.end - 1) // ENTRIES_PER_FRAME:
            raise LogDamaged(block.where, f"a frame of entries crosses a multiple of {ENTRIES_PER_FRAME}")
        entries = block.entries()
        shard = self._shard
        shard.tree.extend(leaf_hashes(entries), keep=self._has_loose_tiles)
        leaves = shard.leaves.read(shard.path.name, block.where, block.first, entries)
        if shard.with_payloads:
            self._kinds += map(type, leaves)
            self._commitments += commitments_of(leaves)
        if self._found.form == "pack":
            self._ids += ids_of(leaves)
        shard.entries = block.end
        shard.progress(block.size)

    def _check_payloads(self) -> None:
        reached = self._first
        try:
            for frame in self._found.payload_frames():
                head = frame.head
                _check_follows(frame.where, head.first, reached)
                block = parse(frame.raw(), head.count, frame.where)
                spoken_of = slice(head.first - self._first, head.end - self._first)
                commitments = self._commitments[spoken_of]
                if len(commitments) < head.count:
                    raise LogDamaged(frame.where, f"payloads of entries up to {head.end - 1}, which are not there")
                self._shard.payloads.check(frame.where, head.first, block, self._kinds[spoken_of], commitments)
                reached = head.end
        except LogDamaged as error:
            self._shard.findings.damaged(error)
            return
        if reached < self._found.end and not self._is_unfinished(reached):
            self._shard.findings.add(
                self._shard.path, f"the payloads of entries {reached} to {self._found.end - 1} are missing", "payloads"
            )

    def _is_unfinished(self, reached: int) -> bool:
        """Whether payloads end early because an append was interrupted, of which nothing was signed."""
        framed = self._found.framed
        is_segment = self._found.form == "segment" and framed is not None
        return is_segment and reached >= self._shard.signed

    def _check_index(self) -> None:
        path = layout.range_path(self._shard.path, layout.INDEX, self._found.number)
        if path.is_file() and path.read_bytes() != Index.of_ids(self._ids).to_bytes():
            self._shard.findings.add(path, "the index is not that of the entries; it can be built again from them")

    def _check_framed(self, framed: FrameFile) -> None:
        """The order of frames in a segment, and what lies behind the last whole one."""
        offset = misplaced(framed.heads) if self._found.form == "segment" else None
        if offset is not None:
            where = f"{framed.name}, byte {offset}"
            self._shard.findings.add(where, "the frame stands where no step would have put it")
        if framed.torn_bytes:
            self._check_tail(framed)

    def _check_tail(self, framed: FrameFile) -> None:
        """An append that was interrupted or is going on, or a file that was cut or changed."""
        where, findings = f"{framed.name}, byte {framed.whole_bytes}", self._shard.findings
        if was_changed(framed.tail(), framed.following(self._first)):
            findings.add(where, "the frame is not what was written: its length was changed", "damaged")
        elif self._found.form != "segment" or self._shard.entries < self._shard.signed:
            findings.add(where, f"the frame is torn: {framed.torn_bytes} of its bytes are there", "damaged")
        elif self._shard.finished:
            findings.add(where, f"{framed.torn_bytes} bytes behind the last frame of a month that has ended", "damaged")
        else:
            findings.note(where, f"{framed.torn_bytes} bytes of an append that was not finished, nor recorded")


def _check_follows(where: str, first: int, expected: int) -> None:
    if first != expected:
        raise LogDamaged(where, f"a frame of entries {first} and on, where entry {expected} should follow")
