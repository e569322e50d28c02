"""Which records windows rest on: the lowest offset by partition and pane.

A successor without this state reads again from the lowest of them. Panes of open windows are all kept. Before those, only
runs of undecided windows (thresholds.py) ask for records, so each run's first window stands for all panes from there to the
next run's; that keeps a few entries instead of one for each pane of weeks.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping

from agent.source import Partition
from agent.state.store import Position

MAX_RUN_RECORDS = 5_000_000
"""So many records, over all partitions, a successor reads again for the sake of runs, beyond those of the open windows.
Runs that reach further back are not handed over: minutes of reading would stand between a failure and the next window."""

Offsets = dict[tuple[str, int], int]
"""Lowest offset by system and start of a pane."""


class Needs:
    """Owned by the loop's thread."""

    def __init__(self, positions: Mapping[Partition, Position]) -> None:
        self._offsets: dict[Partition, Offsets] = {
            partition: {(system, pane): offset for system, pane, offset in position.needed}
            for partition, position in positions.items()
        }

    def add(self, partition: Partition, system: str, pane_us: int, offset: int) -> None:
        """A pane rests on a record of this offset."""
        needs = self._offsets.setdefault(partition, {})
        key = (system, pane_us)
        needs[key] = min(offset, needs.get(key, offset))

    def of(self, partition: Partition) -> tuple[tuple[str, int, int], ...]:
        """(system, pane start, lowest offset), in order."""
        return tuple(sorted((*key, offset) for key, offset in self._offsets.get(partition, {}).items()))

    def lowest(self, partition: Partition) -> int | None:
        """The lowest offset of a partition that anything rests on."""
        return min(self._offsets.get(partition, {}).values(), default=None)

    def keep(self, system: str, open_from_us: int, run_starts_us: Iterable[int]) -> int:
        """Let go of what neither open windows nor runs ask for any more.

        Args:
            open_from_us: start of the earliest pane of an open window of the system.
            run_starts_us: starts of the first windows of runs.

        Returns:
            The start from which on all panes can still be rebuilt: that of the earliest run within ``MAX_RUN_RECORDS``.
        """
        starts = sorted({start for start in run_starts_us if start < open_from_us})
        kept = [start for start in starts if self._records(system, start, open_from_us) <= MAX_RUN_RECORDS]
        for partition, needs in self._offsets.items():
            self._offsets[partition] = _merged(needs, system, open_from_us, kept)
        return min(kept, default=open_from_us)

    def _records(self, system: str, since_us: int, open_from_us: int) -> int:
        """How many records lie between what is needed since a time and what open windows need."""
        records = 0
        for needs in self._offsets.values():
            older = [at for (of, pane), at in needs.items() if of == system and since_us <= pane < open_from_us]
            newer = [at for (of, pane), at in needs.items() if of == system and pane >= open_from_us]
            if older:
                records += max(0, min(newer, default=max(older)) - min(older))
        return records


def _merged(needs: Offsets, system: str, open_from_us: int, run_starts_us: list[int]) -> Offsets:
    merged: Offsets = {}
    for (of, pane), offset in needs.items():
        if of != system or pane >= open_from_us:
            merged[of, pane] = offset
        elif at := bisect_right(run_starts_us, pane):
            key = (system, run_starts_us[at - 1])
            merged[key] = min(offset, merged.get(key, offset))
    return merged
