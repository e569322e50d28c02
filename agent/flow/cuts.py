"""Where reading begins, and where records are missing: first starts, gaps, windows taken over from another member."""

from __future__ import annotations

from collections.abc import Mapping
from statistics import median_low

import msgspec

from agent.flow.buffer import Slice
from agent.flow.contexts import Contexts
from agent.flow.handover import LaneNote, Note
from agent.source import Gap, Partition
from agent.state.ledger import Ledger
from agent.state.store import Position, SystemClock
from config.settings import Settings
from detectors.columns import ModelKey
from detectors.windows import BEGINNING_OF_TIME, FRONTIER_MIN_EVENTS


class Cuts:
    """Owned by the loop's thread. Windows that a cut touches are partial."""

    def __init__(self, settings: Settings, contexts: Contexts, ledger: Ledger) -> None:
        self.contexts = contexts
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
            position, next_offset=gap.got, cut_from_us=since, cut_seen_us=()
        )

    def rebuild(self, starts: Mapping[Partition, int], note: Note | None) -> None:
        """Begin where another member's open windows begin.

        Args:
            starts: per partition the lowest offset that an unclosed window needs.
            note: where its windows stood; without it, the first windows are partial.
        """
        for partition, offset in starts.items():
            self.ledger.positions[partition] = Position(offset, cut_from_us=BEGINNING_OF_TIME if note is None else None)
        self.ledger.forget_runs()
        for system, closed_us in (note.closed if note else {}).items():
            floor = min(
                (c.plan.first_start_after(closed_us) for c in self.contexts.of_system(system)), default=closed_us
            )
            begun_before = ((BEGINNING_OF_TIME, closed_us + 1),) if note is None or note.lanes is None else ()
            self.ledger.clocks[system] = SystemClock(floor, closed_us, begun_before)
        for lane in (note.lanes if note else None) or ():
            self._rebuild_lane(lane)

    def _rebuild_lane(self, note: LaneNote) -> None:
        key = ModelKey(*note.key[:3])
        if not self.contexts.knows(key):
            return
        context = self.contexts.of(key)
        self.ledger.put_context(context.digest, msgspec.json.encode(context.stored()))
        lane = self.ledger.new_lane(note.key, context.digest, note.closed_until_us)
        self.ledger.put_lane(
            msgspec.structs.replace(lane, closed_until_us=note.closed_until_us, last_seen_us=note.last_seen_us)
        )
        clock = self.ledger.clock(key.system)
        if context.plan.min_events is not None:
            floor = min(clock.watermark_us, note.closed_until_us)
            self.ledger.clocks[key.system] = msgspec.structs.replace(clock, watermark_us=floor)

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
            clock = self.ledger.clock(system)
            cuts = (*clock.cuts, (since_us - lateness_us, until_us + lateness_us + 1))
            self.ledger.clocks[system] = msgspec.structs.replace(clock, cuts=cuts)
