"""Where reading begins, and where records are missing: first starts and gaps."""

from __future__ import annotations

from statistics import median_low

import msgspec

from agent.flow.buffer import Slice
from agent.source import Gap, Partition
from agent.state.ledger import Ledger
from agent.state.store import Position
from config.settings import Settings
from detectors.windows import BEGINNING_OF_TIME, FRONTIER_MIN_EVENTS


class Cuts:
    """Owned by the loop's thread. Windows that a cut touches are partial."""

    def __init__(self, settings: Settings, ledger: Ledger) -> None:
        self.ledger = ledger
        self._lateness_us = {system.id: system.lateness_us for system in settings.systems}

    def begin(self, partition: Partition, offset: int) -> None:
        """A partition is read for the first time; what lies before the offset is not known."""
        cut = BEGINNING_OF_TIME if offset > 0 else None
        self.ledger.positions[partition] = Position(offset, cut_from_us=cut)

    def gap(self, gap: Gap) -> None:
        """Records were gone before they were read: windows around it are partial."""
        position = self.ledger.position(gap.partition)
        known = position.progress.inferences.value_us
        since = BEGINNING_OF_TIME if known is None else known
        self.ledger.count("gap_records", max(0, gap.got - gap.wanted), topic=gap.partition.topic)
        self.ledger.positions[gap.partition] = msgspec.structs.replace(
            position, next_offset=gap.got, cut_from_us=since, cut_seen_us=(), topic_id=""
        )

    def look_behind(self, position: Position, part: Slice) -> Position:
        """The first events behind the missing records tell how far those had come, whatever the size of a slice."""
        if position.cut_from_us is None:
            return position
        seen = (*position.cut_seen_us, *part.first_us)[:FRONTIER_MIN_EVENTS]
        if len(seen) < FRONTIER_MIN_EVENTS:
            return msgspec.structs.replace(position, cut_seen_us=seen)
        self._cut(position.cut_from_us, median_low(seen))
        return msgspec.structs.replace(position, cut_from_us=None, cut_seen_us=())

    def _cut(self, since_us: int, until_us: int) -> None:
        """Records between two frontiers were not read; each may lie off its frontier by the lateness."""
        for system, lateness_us in self._lateness_us.items():
            cut = (since_us - lateness_us, until_us + lateness_us + 1)
            clock = self.ledger.clock(system)
            self.ledger.clocks[system] = msgspec.structs.replace(clock, cuts=(*clock.cuts, cut))
            self.ledger.forget_runs_in(system, *cut)
            self.ledger.revision += 1
