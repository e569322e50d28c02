"""A checkpoint that was kept elsewhere, against the log: the one thing that who writes the log cannot rewrite."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from config.errors import NoteError
from exporters.evidence.findings import Findings
from exporters.evidence.leaf import Leaf, Retention
from exporters.evidence.note import Checkpoint, Verifier, open_checkpoint
from exporters.evidence.verify_shard import ShardCheck

_WHERE = "the checkpoint that was kept"


class KeptCheck:
    """Checks whether a log continues a checkpoint.

    Args:
        checks: of the shards that are there; about: what the log says of itself.
    """

    def __init__(
        self,
        verifiers: Sequence[Verifier],
        checks: Mapping[str, ShardCheck],
        about: Sequence[tuple[str, int, Leaf]],
        findings: Findings,
    ) -> None:
        self._verifiers = verifiers
        self._checks = checks
        self._about = about
        self._findings = findings

    def run(self, kept: bytes) -> None:
        """Check one."""
        try:
            head = open_checkpoint(kept, self._verifiers)
        except NoteError as error:
            self._findings.add(_WHERE, f"does not verify: {error}")
            return
        shard = head.origin.rpartition("/")[2]
        check = self._checks.get(shard)
        if check is None:
            self._compare_with_removed(head, shard)
        elif head.size > check.entries:
            self._findings.add(_WHERE, f"covers {head.size} entries of {shard}, of which {check.entries} are left")
        elif not any(known.size == head.size and known.root == head.root for known in check.heads):
            self._findings.add(_WHERE, f"is not among the checkpoints of {shard}: this is another history")

    def _compare_with_removed(self, head: Checkpoint, shard: str) -> None:
        """Of a month that was removed the log has kept the last size and root."""
        removed = next(
            (leaf for _, _, leaf in self._about if isinstance(leaf, Retention) and leaf.shard == shard), None
        )
        if removed is None or not self._is_of_this_log(head, shard):
            self._findings.add(_WHERE, f"is of {head.origin!r}, of which this log has no shard")
        elif head.size > removed.size:
            self._findings.add(_WHERE, f"covers {head.size} entries of {shard}, which was removed with {removed.size}")
        elif head.size < removed.size:
            self._findings.note(
                _WHERE,
                f"covers {head.size} of the {removed.size} entries of {shard}, which was removed, as the log says: only a "
                "copy of that month shows that it continues this checkpoint",
            )
        elif head.root != removed.root:
            self._findings.add(
                _WHERE, f"has another root than {shard} had when it was removed: this is another history"
            )
        else:
            self._findings.note(_WHERE, f"is the last one of {shard}, which was removed, as the log says")

    def _is_of_this_log(self, head: Checkpoint, shard: str) -> bool:
        origins = (check.heads[-1].origin for check in self._checks.values() if check.heads)
        name = head.origin.removesuffix(f"/{shard}")
        return all(origin.rpartition("/")[0] == name for origin in origins)
