"""One shard, read once from its first entry to its last: frames, leaves, payloads, and the tree over them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from config.errors import LogDamaged
from exporters.evidence import layout
from exporters.evidence.findings import Findings, ShardReport
from exporters.evidence.frames import ENTRIES_PER_FRAME, RANGE_ENTRIES, Frame
from exporters.evidence.index import Index
from exporters.evidence.paths import decode_bundle
from exporters.evidence.payload_frame import parse
from exporters.evidence.range_reader import RangeReader, open_range
from exporters.evidence.torn import was_changed
from exporters.evidence.tree import leaf_hashes
from exporters.evidence.verify_heads import Head
from exporters.evidence.verify_leaves import LeafCheck, commitments_of, ids_of
from exporters.evidence.verify_order import misplaced
from exporters.evidence.verify_payloads import PayloadCheck
from exporters.evidence.verify_tree import TreeCheck


@dataclass(slots=True)
class _Range:
    """What is known of a range that is being checked.

    Attributes:
        commitments, ids: of its leaves.
    """

    commitments: list[bytes | None] = field(default_factory=list)
    ids: list[str | None] = field(default_factory=list)


class ShardCheck:
    """Checks what a shard holds; which files lie there is checked by ``verify_files.py``.

    Attributes:
        heads: signed heads whose signature verified.
        tree: as recomputed; payloads: as found, with what was erased.
        entries: whole entries that were read.
    """

    def __init__(
        self,
        path: Path,
        heads: list[Head],
        leaves: LeafCheck,
        findings: Findings,
        progress: Callable[[int], None],
        *,
        with_payloads: bool,
    ) -> None:
        self.path = path
        self.heads = heads
        self.tree = TreeCheck(heads, findings)
        self.payloads = PayloadCheck(findings)
        self.entries = 0
        self._leaves = leaves
        self._findings = findings
        self._progress = progress
        self._with_payloads = with_payloads

    @property
    def signed(self) -> int:
        """Entries that the last head covers."""
        return self.heads[-1].size if self.heads else 0

    def run(self) -> None:
        """Read everything."""
        for number in range(self._range_count()):
            self._check_range(number)
        if self.entries < self.signed and self.tree.broken_at is None:
            self._findings.add(
                self.path,
                f"holds {self.entries} entries, but a checkpoint over {self.signed} was signed: its end is gone",
            )
        elif self.tree.broken_at is not None and self.tree.checked < len(self.heads):
            self._findings.note(
                self.path,
                f"{len(self.heads) - self.tree.checked} of {len(self.heads)} checkpoints cannot be recomputed: entries "
                f"from {self.tree.broken_at} on cannot be read",
            )
        elif self.entries > self.signed:
            self._findings.note(
                self.path,
                f"the last {self.entries - self.signed} of {self.entries} entries are recorded, not yet signed",
            )

    def report(self) -> ShardReport:
        """What was looked at."""
        return ShardReport(
            self.path.name,
            self.entries,
            self.signed,
            self.heads[-1].root if self.heads else None,
            self.tree.checked,
            dict(sorted(self.payloads.states.items())),
        )

    def _range_count(self) -> int:
        numbers = [*layout.ranges(self.path, layout.PACK), *layout.ranges(self.path, layout.SEGMENT)]
        return max(numbers, default=-1) + 1

    def _check_range(self, number: int) -> None:
        try:
            found = open_range(self.path, number)
        except LogDamaged as error:
            self._break_off(error)
            self.entries = (number + 1) * RANGE_ENTRIES
            return
        if found is None:
            what = f"neither pack nor segment of range {number}, entries {number * RANGE_ENTRIES} and on, is there"
            self._break_off(LogDamaged(str(self.path), what))
            return
        with found:
            self._check_open(found)

    def _check_open(self, found: RangeReader) -> None:
        checked = _Range()
        try:
            for frame in _in_order(found.entry_frames(), found.number * RANGE_ENTRIES):
                self._check_entries(frame, checked, is_packed=found.is_packed)
        except LogDamaged as error:
            self._break_off(error)
            self.entries = found.end
            return
        if self._with_payloads:
            self._check_payloads(found, checked)
        if found.is_packed:
            self._check_index(found.number, checked.ids)
        elif (offset := misplaced(found.heads)) is not None:
            where = f"{found.payload_name}, byte {offset}"
            self._findings.add(where, "the frame stands where no step would have put it")
        if found.torn_bytes:
            self._check_tail(found)

    def _check_entries(self, frame: Frame, checked: _Range, *, is_packed: bool) -> None:
        head = frame.head
        if head.first // ENTRIES_PER_FRAME != (head.end - 1) // ENTRIES_PER_FRAME:
            raise LogDamaged(frame.where, f"a frame of entries crosses a multiple of {ENTRIES_PER_FRAME}")
        entries = decode_bundle(frame.raw(), frame.where, head.first, head.count)
        self.tree.extend(leaf_hashes(entries), keep=not is_packed)
        leaves = self._leaves.read(self.path.name, frame.where, head.first, entries)
        if self._with_payloads:
            checked.commitments += commitments_of(leaves)
        if is_packed:
            checked.ids += ids_of(leaves)
        self.entries = head.end
        self._progress(head.count)

    def _check_payloads(self, found: RangeReader, checked: _Range) -> None:
        base = found.number * RANGE_ENTRIES
        reached = base
        try:
            for frame in _in_order(found.payload_frames(), base):
                head = frame.head
                block = parse(frame.raw(), head.count, frame.where)
                if head.end > base + len(checked.commitments):
                    raise LogDamaged(frame.where, f"payloads of entries up to {head.end - 1}, which are not there")
                self.payloads.check(
                    frame.where, head.first, block, checked.commitments[head.first - base : head.end - base]
                )
                reached = head.end
        except LogDamaged as error:
            self._findings.damaged(error)
            return
        if reached < found.end and not (found.torn_bytes and reached >= self.signed):
            self._findings.add(
                found.payload_name, f"the payloads of entries {reached} to {found.end - 1} are missing", "payloads"
            )

    def _check_index(self, number: int, ids: list[str | None]) -> None:
        path = layout.range_path(self.path, layout.INDEX, number)
        if path.is_file() and path.read_bytes() != Index.of_ids(ids).to_bytes():
            self._findings.add(path, "the index is not that of the entries; it can be built again from them")

    def _check_tail(self, found: RangeReader) -> None:
        """Bytes behind the last whole frame of a segment: an append that was interrupted, or is going on."""
        where = f"{found.payload_name}, byte {found.whole_bytes}"
        if was_changed(found.tail(), found.following):
            self._findings.add(where, "the frame is not what was written: its length was changed", "damaged")
        elif found.is_packed or self.entries < self.signed:
            self._findings.add(where, f"the frame is torn: {found.torn_bytes} of its bytes are there", "damaged")
        else:
            self._findings.note(where, f"{found.torn_bytes} bytes of an append that was not finished, nor recorded")

    def _break_off(self, error: LogDamaged) -> None:
        self._findings.damaged(error)
        self.tree.break_off()


def _in_order(frames: Iterator[Frame], first: int) -> Iterator[Frame]:
    """Frames, each of which must begin where the one before ended.

    Raises:
        LogDamaged: one does not.
    """
    for frame in frames:
        if frame.head.first != first:
            raise LogDamaged(
                frame.where, f"a frame of entries {frame.head.first} and on, where entry {first} should follow"
            )
        first = frame.head.end
        yield frame
