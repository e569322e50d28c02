"""Where events come from, as the loop sees it: a source is polled, told where to begin, and committed to, last."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import NamedTuple, Protocol


class Partition(NamedTuple):
    """One ordered log of records: a Kafka topic partition, or a file."""

    topic: str
    number: int = 0

    def __str__(self) -> str:
        return f"{self.topic}/{self.number}"


Headers = Sequence[tuple[str, bytes]]
TopicIds = Mapping[str, str]
"""By topic, what sets it apart from another of its name, before it or after it; offsets mean nothing there."""
NO_IDS: TopicIds = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Fetched:
    """Consecutive records of one partition; the sequences have equal length.

    Attributes:
        offsets: strictly increasing, not necessarily dense (compaction, transaction markers).
        values: the bytes as sent; ``None`` for a tombstone.
        headers: per record; an empty sequence means that no record of the batch has headers.
    """

    partition: Partition
    offsets: Sequence[int]
    values: Sequence[bytes | None]
    headers: Sequence[Headers] = ()

    def __len__(self) -> int:
        return len(self.offsets)


@dataclass(frozen=True, slots=True)
class Committed:
    """What was last committed for a partition: the next offset and the note that went with it."""

    offset: int
    note: str


@dataclass(frozen=True, slots=True)
class Assignment:
    """A new ownership. Nothing is fetched until ``Source.begin`` says where from.

    Attributes:
        partitions: all owned partitions; empty for a standby.
        committed: the last commit per partition, where there is one.
        beginnings, ends: first available and next offset per partition, as seen now.
        starts: the offset that the settings' ``start`` means per partition.
    """

    partitions: tuple[Partition, ...]
    committed: Mapping[Partition, Committed] = field(default_factory=dict)
    beginnings: Mapping[Partition, int] = field(default_factory=dict)
    ends: Mapping[Partition, int] = field(default_factory=dict)
    starts: Mapping[Partition, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Gap:
    """A position outside what the source holds; reading goes on at ``got``.

    ``got`` > ``wanted``: the records [wanted, got) were gone before they were read (retention). ``got`` < ``wanted``: the
    log was cut back or made anew, and offsets from ``got`` on come again with other records.
    """

    partition: Partition
    wanted: int
    got: int


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why nothing can be read now, in words for an operator; ``kind`` is a bounded name for metrics."""

    kind: str
    message: str


@dataclass(frozen=True, slots=True)
class Poll:
    """What one poll brought.

    Attributes:
        epoch: ownership epoch; it changes with every assignment and loss.
        assignment: set once per new epoch.
        fetched: records by partition; each partition at most once.
        caught_up: owned partitions that stand at their end, confirmed by a fetch response of the last seconds. A
            partition leaves the set with new records, a failed fetch, silence, ``hold``, ``begin`` or a gap, so that
            staying in it from poll to poll is being idle.
        lag: records between the position and the end, per partition where known.
        finished: nothing will ever come again (files).
        topic_ids: what was fetched belongs to these.
    """

    epoch: int
    assignment: Assignment | None = None
    fetched: tuple[Fetched, ...] = ()
    caught_up: AbstractSet[Partition] = frozenset()
    lag: Mapping[Partition, int] = field(default_factory=dict)
    gaps: tuple[Gap, ...] = ()
    trouble: Trouble | None = None
    finished: bool = False
    topic_ids: TopicIds = field(default_factory=dict)


class Source(Protocol):
    """A replayable source of records with offsets."""

    def poll(self, timeout_seconds: float) -> Poll:
        """Fetch what is there; never raises for what a broker or network does, that is ``Poll.trouble``."""
        ...

    def begin(self, positions: Mapping[Partition, int], topic_ids: TopicIds = NO_IDS) -> None:
        """Fetch from these offsets on; answers the last ``Assignment``. A partition without one begins at its start.

        Args:
            topic_ids: of the topics that the offsets belong to, where they are known; in another one they are a ``Gap``.
        """
        ...

    def hold(self, partitions: AbstractSet[Partition]) -> None:
        """Pause exactly these partitions, fetch the others; a new ``Assignment`` starts with none held."""
        ...

    def still_owner(self, epoch: int) -> bool:
        """Whether a step begun in ``epoch`` may still be written."""
        ...

    def commit(self, offsets: Mapping[Partition, Committed]) -> bool:
        """Commit next offsets with their notes; False where it did not succeed (it will be tried with the next)."""
        ...

    def close(self, deadline_seconds: float) -> None:
        """Leave; safe twice and safe without a start."""
        ...
