"""Whether every record of a partition is in the log, once: the offsets of its leaves, in the order of the log.

Per (topic, partition) offsets rise by one. Leaves of type ``gap`` explain what was not read, with its range and cause; after
a ``takeover`` reading begins anew at the positions that it names, since another member, with a log of its own, has read the
records between. Anything else is a hole or a repetition, and named by its range.

What is proven is that no entry and no record between the first and the last offset is missing; a producer that never sent an
event is seen by nobody.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from exporters.evidence.leaf import Gap, Inference, Label, Leaf, Oversight, Record, Start, Takeover

OF_RECORDS = (Inference, Record, Label, Oversight)
"""Leaves that stand for one record of the source each."""


@dataclass(frozen=True, slots=True)
class Missing:
    """Records [first, end) of a partition that the log does not hold.

    Attributes:
        cause: as the log explains it (``retention``, ``not_delivered``, ``cut_back``, ``takeover``); ``None`` where it
            does not.
    """

    topic: str
    partition: int
    first: int
    end: int
    cause: str | None

    def __str__(self) -> str:
        return f"{self.topic}/{self.partition} offsets {self.first} to {self.end - 1}"


class Offsets:
    """Follows the offsets of all partitions through the leaves of a log, shard after shard.

    Attributes:
        missing: what was explained by the log, in its order.
    """

    def __init__(self) -> None:
        self._next: dict[tuple[str, int], int] = {}
        self.missing: list[Missing] = []

    @property
    def positions(self) -> dict[tuple[str, int], int]:
        """The offset that each partition comes to next."""
        return dict(self._next)

    def follow(self, leaves: Iterable[Leaf | None]) -> Iterator[tuple[int, str]]:
        """Take in leaves, ``None`` for one that cannot be read.

        Yields:
            The place of each leaf, from 0, whose offset is not the next, and what is wrong.
        """
        for place, leaf in enumerate(leaves):
            if isinstance(leaf, OF_RECORDS):
                topic, partition, offset = leaf.source
                expected = self._next.get((topic, partition), offset)
                self._next[topic, partition] = offset + 1
                if offset != expected:
                    yield place, self._wrong(topic, partition, offset, expected)
            elif isinstance(leaf, Gap):
                yield from ((place, what) for what in self._gap(leaf))
            elif isinstance(leaf, Start):
                self._begin(leaf)
            elif isinstance(leaf, Takeover):
                self._begin_anew(leaf)

    def _wrong(self, topic: str, partition: int, offset: int, expected: int) -> str:
        if offset < expected:
            return f"{topic}/{partition} offset {offset} comes again or too late; {expected} was next"
        hole = Missing(topic, partition, expected, offset, None)
        return f"{hole} are missing, and no gap, takeover or retention explains it"

    def _gap(self, gap: Gap) -> Iterator[str]:
        topic, partition = gap.source
        expected = self._next.get((topic, partition), gap.from_)
        self._next[topic, partition] = gap.to
        if gap.cause == "cut_back":
            first, end = sorted((gap.from_, gap.to))
        else:
            first, end = gap.from_, gap.to
        self.missing.append(Missing(topic, partition, first, end, gap.cause))
        if gap.from_ != expected:
            yield f"the gap of {topic}/{partition} begins at {gap.from_}, but {expected} was next"

    def _begin(self, start: Start) -> None:
        """A start goes on where the log stands; it is news only for partitions that the log has not seen."""
        for topic, partition, offset in start.positions:
            self._next.setdefault((topic, partition), offset)

    def _begin_anew(self, takeover: Takeover) -> None:
        for topic, partition, offset in takeover.positions:
            stood = self._next.get((topic, partition), offset)
            if stood < offset:
                self.missing.append(Missing(topic, partition, stood, offset, "takeover"))
            self._next[topic, partition] = offset
