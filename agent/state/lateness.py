"""How far the watermark had come when a record was read, remembered where it mattered: where an event was late.

Whoever reads the records of open windows again, after a hand-over, must leave out the events that were left out the first
time, or the windows would differ. The watermark of that second reading does not tell: it begins anew and comes along another
way. So each late event leaves a mark (offset, end of its pane): *in this partition, from this offset on, events of panes
that ended by then are late*. Marks that others imply are not kept, so there is at most one for each pane of open windows,
and none where no event is late.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from agent.source import Partition
from agent.state.store import Position
from detectors.windows import BEGINNING_OF_TIME

Ints = NDArray[np.int64]


class Mark(NamedTuple):
    """From ``offset`` on the watermark had come at least to ``watermark_us``."""

    offset: int
    watermark_us: int


class Lateness:
    """Owned by the loop's thread. Marks of a partition and system ascend in offset and in watermark."""

    def __init__(self, positions: Mapping[Partition, Position]) -> None:
        self._marks: dict[tuple[Partition, str], list[Mark]] = {}
        for partition, position in positions.items():
            for system, offset, watermark_us in position.late:
                self._marks.setdefault((partition, system), []).append(Mark(offset, watermark_us))

    def __iter__(self) -> Iterator[tuple[Partition, str, Mark]]:
        return ((partition, system, mark) for (partition, system), marks in self._marks.items() for mark in marks)

    def of(self, partition: Partition) -> tuple[tuple[str, int, int], ...]:
        """(system, offset, watermark) of a partition's marks, in order."""
        return tuple(sorted((system, *mark) for of, system, mark in self if of == partition))

    def add(self, partition: Partition, system: str, mark: Mark) -> bool:
        """Remember a mark; whether it tells anything new."""
        marks = self._marks.get((partition, system), [])
        if any(known.offset <= mark.offset and known.watermark_us >= mark.watermark_us for known in marks):
            return False
        others = (known for known in marks if known.offset < mark.offset or known.watermark_us > mark.watermark_us)
        self._marks[partition, system] = sorted((*others, mark))
        return True

    def forget(self, system: str, before_us: int) -> None:
        """Panes that ended by a time will never be read again."""
        for key, marks in list(self._marks.items()):
            kept = [mark for mark in marks if mark.watermark_us > before_us]
            if key[1] == system and kept:
                self._marks[key] = kept
            elif key[1] == system:
                del self._marks[key]

    def watermark(self, partition: Partition, system: str, offsets: Ints) -> Ints:
        """How far the watermark had come at least at each offset, (n,) to (n,)."""
        marks = self._marks.get((partition, system), [])
        reached = np.array([BEGINNING_OF_TIME, *(mark.watermark_us for mark in marks)], dtype=np.int64)
        return reached[np.searchsorted([mark.offset for mark in marks], offsets, side="right")]

    def knows(self, system: str) -> bool:
        """Whether there are marks of a system at all."""
        return any(key[1] == system for key in self._marks)
