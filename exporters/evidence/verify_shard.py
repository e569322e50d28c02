"""One shard, read once from its first entry to its last: frames, leaves, payloads, and the tree over them."""

from __future__ import annotations

from collections.abc import Callable

from config.errors import LogDamaged
from exporters.evidence.findings import Findings, ShardReport
from exporters.evidence.frames import RANGE_ENTRIES
from exporters.evidence.range_reader import range_count
from exporters.evidence.reader import LogReader
from exporters.evidence.verify_again import still_there
from exporters.evidence.verify_heads import Head
from exporters.evidence.verify_leaves import LeafCheck
from exporters.evidence.verify_payloads import PayloadCheck
from exporters.evidence.verify_range import RangeCheck
from exporters.evidence.verify_seals import SealCheck
from exporters.evidence.verify_tree import TreeCheck


class ShardCheck:
    """Checks what a shard holds; which files lie there is checked by ``verify_files.py``.

    Attributes:
        path: of the shard; heads: signed heads whose signature verified.
        tree: as recomputed; payloads: as found, with what was erased.
        entries: whole entries that were read; finished: nobody writes to this shard any more.
    """

    def __init__(
        self,
        reader: LogReader,
        shard: str,
        heads: list[Head],
        leaves: LeafCheck,
        seals: SealCheck,
        findings: Findings,
        progress: Callable[[int], None],
        *,
        with_payloads: bool,
        finished: bool,
    ) -> None:
        self.path = reader.path(shard)
        self.heads = heads
        self.tree = TreeCheck(heads, findings)
        self.payloads = PayloadCheck(shard, seals, findings)
        self.leaves = leaves
        self.findings = findings
        self.progress = progress
        self.with_payloads = with_payloads
        self.finished = finished
        self.entries = 0
        self._reader = reader

    @property
    def signed(self) -> int:
        """Entries that the last head covers."""
        return self.heads[-1].size if self.heads else 0

    def run(self) -> None:
        """Read everything."""
        for number in range(range_count(self.path)):
            self._check_range(number)
        if self.entries < self.signed and self.tree.broken_at is None:
            self.findings.add(
                self.path,
                f"holds {self.entries} entries, but a checkpoint over {self.signed} was signed: its end is gone",
            )
        elif self.tree.broken_at is not None and self.tree.checked < len(self.heads):
            self.findings.note(
                self.path,
                f"{len(self.heads) - self.tree.checked} of {len(self.heads)} checkpoints cannot be recomputed: entries "
                f"from {self.tree.broken_at} on cannot be read",
            )
        elif self.entries > self.signed:
            self.findings.note(
                self.path,
                f"the last {self.entries - self.signed} of {self.entries} entries are recorded, not yet signed",
            )

        self._check_unopened()

    def _check_unopened(self) -> None:
        """Of what is signed, the state has every key: it keeps them with the size of the log, and deletes none before the
        payloads are gone. An export, though, is not erased with its log."""
        signed = [entry for entry in self.payloads.unopened if entry < self.signed]
        for entry in still_there(self._reader, self.path.name, signed):
            where, what = (
                f"{self.path}, entry {entry}",
                "its payload is sealed under a key that the state does not have",
            )
            if self._reader.manifest is None:
                self.findings.add(where, f"{what}: replaced, or the person was erased since this copy was made", what)
            else:
                self.findings.note(where, f"{what}: the person was erased since, or it was replaced", what)

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

    def _check_range(self, number: int) -> None:
        try:
            found = self._reader.open_range(self.path.name, number)
            if found is None:
                what = f"neither pack nor segment of range {number}, entries {number * RANGE_ENTRIES} and on, is there"
                raise LogDamaged(str(self.path), what)
        except LogDamaged as error:
            self.findings.damaged(error)
            self.tree.break_off()
            self.entries = (number + 1) * RANGE_ENTRIES
            return
        with found:
            RangeCheck(self, found).run()
