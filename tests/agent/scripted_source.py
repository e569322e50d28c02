"""A source in memory that speaks ``agent.source``: partitions that a test appends to, takes away and breaks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet

from agent.source import NO_IDS, Assignment, Committed, Fetched, Gap, Partition, Poll, TopicIds, Trouble


class ScriptedSource:
    """Logs by partition; each poll gives at most ``batch`` records of each partition that is not held.

    Attributes:
        trouble: what the next polls say.
        away: partitions whose end nobody confirms.
        owner: what ``still_owner`` answers.
        commits: everything that was committed, in order.
        begun: the positions of each ``begin``; expected: the topics that they were said to belong to.
        topic_ids: what the topics are now.
    """

    def __init__(self, partitions: Iterable[Partition] = (Partition("t"),), *, batch: int = 100) -> None:
        self.logs: dict[Partition, list[bytes | None]] = {partition: [] for partition in partitions}
        self.first: dict[Partition, int] = dict.fromkeys(self.logs, 0)
        self.starts: dict[Partition, int] = {}
        self.committed: dict[Partition, Committed] = {}
        self.batch = batch
        self.epoch = 0
        self.trouble: Trouble | None = None
        self.away: set[Partition] = set()
        self.owner = True
        self.finished = False
        self.takes_commits = True
        self.commits: list[dict[Partition, Committed]] = []
        self.begun: list[dict[Partition, int]] = []
        self.topic_ids: TopicIds = NO_IDS
        self.expected: list[dict[str, str]] = []
        self.held: AbstractSet[Partition] = frozenset()
        self.closed = 0
        self._gaps: list[Gap] = []
        self._positions: dict[Partition, int] = {}
        self._owned: tuple[Partition, ...] = ()
        self._announced = -1
        self.assign(self.logs)

    def append(self, *records: bytes | None, to: Partition | None = None) -> None:
        """Add records to a partition, the first one where none is named."""
        self.logs[to or next(iter(self.logs))].extend(records)

    def assign(self, partitions: Iterable[Partition]) -> None:
        """Own these partitions from the next poll on."""
        self.epoch += 1
        self._owned = tuple(partitions)
        self._positions, self.held = {}, frozenset()

    def delete_before(self, partition: Partition, offset: int) -> None:
        """Retention: records below an offset are gone."""
        self.first[partition] = offset

    def poll(self, timeout_seconds: float) -> Poll:
        if self._announced != self.epoch:
            self._announced = self.epoch
            return Poll(self.epoch, self._assignment())
        if self.trouble is not None:
            return Poll(self.epoch, trouble=self.trouble)
        fetched = tuple(part for partition in self._owned if (part := self._fetch(partition)) is not None)
        gaps, self._gaps = tuple(self._gaps), []
        at_end = frozenset(p for p in self._owned if p not in self.away and p not in self.held and self.lag(p) == 0)
        lag = {partition: self.lag(partition) for partition in self._owned}
        finished = self.finished and not any(lag.values())
        return Poll(self.epoch, None, fetched, at_end, lag, gaps, finished=finished, topic_ids=self.topic_ids)

    def begin(self, positions: Mapping[Partition, int], topic_ids: TopicIds = NO_IDS) -> None:
        self.begun.append(dict(positions))
        self.expected.append(dict(topic_ids))
        self._positions = {p: positions.get(p, self.starts.get(p, self.first[p])) for p in self._owned}

    def hold(self, partitions: AbstractSet[Partition]) -> None:
        self.held = partitions

    def still_owner(self, epoch: int) -> bool:
        return self.owner and epoch == self.epoch

    def commit(self, offsets: Mapping[Partition, Committed]) -> bool:
        if self.takes_commits:
            self.commits.append(dict(offsets))
            self.committed.update(offsets)
        return self.takes_commits

    def close(self, deadline_seconds: float) -> None:
        self.closed += 1

    def lag(self, partition: Partition) -> int:
        """Records that were not yet read."""
        return len(self.logs[partition]) - self._positions[partition]

    @property
    def drained(self) -> bool:
        """Whether everything that is owned has been announced, begun and read."""
        return self._announced == self.epoch and all(p in self._positions and not self.lag(p) for p in self._owned)

    def _assignment(self) -> Assignment:
        return Assignment(
            partitions=self._owned,
            committed={p: self.committed[p] for p in self._owned if p in self.committed},
            beginnings={p: self.first[p] for p in self._owned},
            ends={p: len(self.logs[p]) for p in self._owned},
            starts={p: self.starts.get(p, self.first[p]) for p in self._owned},
        )

    def _fetch(self, partition: Partition) -> Fetched | None:
        if partition in self.held:
            return None
        if self._positions[partition] < self.first[partition]:
            self._gaps.append(Gap(partition, self._positions[partition], self.first[partition]))
            self._positions[partition] = self.first[partition]
            return None
        at = self._positions[partition]
        values = self.logs[partition][at : at + self.batch]
        self._positions[partition] += len(values)
        return Fetched(partition, range(at, at + len(values)), values) if values else None
