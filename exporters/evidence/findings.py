"""What verifying a log comes to: what is wrong, what is worth knowing, and how much was looked at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from config.errors import LogDamaged
from exporters.evidence.completeness import Missing


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as it was written.

    Attributes:
        where: file below the log's directory, with byte offset or entry.
        what: what was found, and what was expected.
        more: how often the same was found further on in the same file.
    """

    where: str
    what: str
    more: int = 0

    def __str__(self) -> str:
        more = f" (and {self.more} more like it)" if self.more else ""
        return f"{self.where}: {self.what}{more}"


@dataclass(frozen=True, slots=True)
class ShardReport:
    """What was looked at in a shard.

    Attributes:
        entries: that are there; signed: that the last checkpoint covers, whose root is ``root``.
        checkpoints: signed heads whose root was recomputed.
        payloads: how many there are in each state; empty where they were not looked at.
    """

    name: str
    entries: int
    signed: int
    root: bytes | None
    checkpoints: int
    payloads: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Report:
    """The outcome of verifying a log.

    Attributes:
        findings: what is wrong; none in a log that is what was written.
        notes: what is no fault: unsigned entries, an interrupted write.
        shards: oldest first.
        missing: records that were never read, as the log itself explains them.
        positions: the next offset of each (topic, partition).
    """

    findings: tuple[Finding, ...]
    notes: tuple[Finding, ...]
    shards: tuple[ShardReport, ...]
    missing: tuple[Missing, ...]
    positions: Mapping[tuple[str, int], int]

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return not self.findings

    @property
    def entries(self) -> int:
        return sum(shard.entries for shard in self.shards)

    @property
    def checkpoints(self) -> int:
        return sum(shard.checkpoints for shard in self.shards)


class Findings:
    """Collects findings and notes; of a kind, in a file, the first one is told and the others are counted."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._found: dict[tuple[str, str], Finding] = {}
        self._notes: dict[tuple[str, str], Finding] = {}

    @property
    def findings(self) -> tuple[Finding, ...]:
        return tuple(self._found.values())

    @property
    def notes(self) -> tuple[Finding, ...]:
        return tuple(self._notes.values())

    def add(self, where: str | Path, what: str, kind: str = "") -> None:
        """Something is wrong.

        Args:
            where: path, with what lies within behind a comma.
            kind: what counts as the same thing; without it, what is equal.
        """
        _put(self._found, self._relative(where), what, kind)

    def note(self, where: str | Path, what: str, kind: str = "") -> None:
        """Something is worth knowing, and no fault."""
        _put(self._notes, self._relative(where), what, kind)

    def damaged(self, error: LogDamaged) -> None:
        """What a reader met."""
        self.add(error.where, error.what, "damaged")

    def take(self, others: Findings) -> None:
        """Add what others have collected."""
        self._found |= others._found
        self._notes |= others._notes

    def keep_common(self, others: Findings) -> None:
        """Forget the findings that others have not."""
        self._found = {key: finding for key, finding in self._found.items() if key in others._found}

    def _relative(self, where: str | Path) -> str:
        return str(where).removeprefix(f"{self._directory}/")


def _put(found: dict[tuple[str, str], Finding], where: str, what: str, kind: str) -> None:
    key = (where.partition(",")[0], kind or what)
    first = found.get(key)
    found[key] = Finding(where, what) if first is None else Finding(first.where, first.what, first.more + 1)
