"""Event time of a source: how far its partitions have come, which must wait, and the watermarks that follow."""

from __future__ import annotations

from collections.abc import Collection, Iterator

import msgspec

from agent.flow.buffer import Buffer, Chunk
from agent.flow.contexts import Contexts
from agent.flow.intake import Bounds
from agent.source import Partition
from agent.state.ledger import Ledger
from agent.state.store import SystemClock
from config.settings import KafkaSource, Settings
from detectors.windows import (
    ClockRules,
    PartitionProgress,
    PartitionView,
    Standing,
    label_frontier,
    reading_limit,
    source_frontier,
)


class EventTime:
    """Owned by the loop's thread. Which partitions stand at their end is known in memory only: a restart counts anew."""

    def __init__(self, settings: Settings, contexts: Contexts, ledger: Ledger, buffer: Buffer) -> None:
        self.ledger = ledger
        self.buffer = buffer
        self.rules = _clock_rules(settings)
        self.max_ahead_us = bounds_of(settings).max_ahead_us
        self.lateness_us = {system.id: system.lateness_us for system in settings.systems}
        self._span_us = max(c.plan.length_us + c.system.lateness_us for c in contexts.all())
        self._standing: dict[Partition, Standing] = {}

    def arrived(self, partition: Partition) -> None:
        """Records have come: the partition does not stand at its end any more."""
        self._standing.pop(partition, None)

    def interrupt(self) -> None:
        """Nothing is known of the ends any more: a failed fetch, or an assignment. Idleness is counted anew."""
        self._standing.clear()

    def stand(self, caught_up: Collection[Partition], now_us: int) -> None:
        """These partitions stand at their end, as a fetch response has just confirmed; others do not."""
        at_end = set(caught_up) - self.buffer.waiting
        before = self._standing
        self._standing = {p: Standing(before[p].since_us if p in before else now_us, now_us) for p in at_end}
        for partition in at_end:
            position = self.ledger.position(partition)
            if not position.progress.reached_start_end:
                progress = msgspec.structs.replace(position.progress, reached_start_end=True)
                self.ledger.positions[partition] = msgspec.structs.replace(position, progress=progress)

    def idle(self, partitions: Collection[Partition]) -> dict[Partition, int]:
        """Those of these partitions that count as idle, and since when they have stood at their ends."""
        known = ((partition, self._standing.get(partition)) for partition in partitions)
        return {p: standing.since_us for p, standing in known if standing is not None and self.rules.is_idle(standing)}

    @property
    def frontier_us(self) -> int | None:
        """How far the event time of the furthest partition has come."""
        reached = (position.progress.inferences.value_us for position in self.ledger.positions.values())
        return max((value for value in reached if value is not None), default=None)

    def held(self, partitions: Collection[Partition]) -> frozenset[Partition]:
        """Partitions that must wait for the others."""
        limit = self.limit(partitions)
        reading = (p for p in partitions if p not in self._standing)
        ahead = (p for p in reading if is_ahead(self.ledger.position(p).progress, limit))
        return self.buffer.waiting.union(ahead)

    def limit(self, partitions: Collection[Partition]) -> int:
        """How far any partition may be read."""
        lowest = min(self.ledger.clock(system).watermark_us for system in self.lateness_us)
        seen = (lane.first_pane_us for lane in self.ledger.lanes.values())
        heads = (chunk.first_us for chunk in self.buffer.heads())
        begun = min((*seen, *(time for time in heads if time is not None)), default=None)
        return reading_limit(self._views(partitions), lowest, begun, self._span_us)

    def clock_is_wrong(self, partitions: Collection[Partition], now_us: int) -> bool:
        """Every partition that is not idle is further ahead of our clock than any event may be: it is ours that is wrong."""
        if self.max_ahead_us is None:
            return False
        limit = now_us + self.max_ahead_us
        heads = {chunk.fetched.partition: chunk for chunk in self.buffer.heads()}
        if not any(chunk.latest_us > limit for chunk in heads.values()):
            return False
        reached = [
            self._frontier_after(partition, heads.get(partition))
            for partition in partitions
            if not self.rules.is_idle(self._standing.get(partition))
        ]
        known = [frontier for frontier in reached if frontier is not None]
        return bool(known) and min(known) > limit

    def _frontier_after(self, partition: Partition, chunk: Chunk | None) -> int | None:
        progress = self.ledger.position(partition).progress
        return progress.inferences.value_us if chunk is None else chunk.progress_after(progress).inferences.value_us

    def moved_clocks(self, partitions: Collection[Partition]) -> Iterator[tuple[str, SystemClock]]:
        """The clocks that have moved since; watermarks never go back."""
        views = self._views(partitions)
        frontier = source_frontier(views, self.rules)
        if frontier is None:
            return
        behind = label_frontier(views)
        for system, lateness_us in self.lateness_us.items():
            watermark = frontier - lateness_us
            labels = watermark if behind is None else min(watermark, behind - lateness_us)
            clock = self.ledger.clock(system)
            moved = msgspec.structs.replace(
                clock,
                watermark_us=max(clock.watermark_us, watermark),
                label_watermark_us=max(clock.label_watermark_us, labels),
            )
            if moved != clock:
                yield system, moved

    def _views(self, partitions: Collection[Partition]) -> list[PartitionView]:
        return [PartitionView(self.ledger.position(p).progress, self._standing.get(p)) for p in partitions]


def _clock_rules(settings: Settings) -> ClockRules:
    source = settings.source
    if isinstance(source, KafkaSource):
        return ClockRules(wall=source.clock == "wall", idle_timeout_us=source.idle_timeout_us)
    return ClockRules(wall=False, idle_timeout_us=0)


def bounds_of(settings: Settings) -> Bounds:
    """What single events may do, by the settings."""
    source = settings.source
    wall = isinstance(source, KafkaSource) and source.clock == "wall"
    return Bounds(
        max_ahead_us=source.max_ahead_us if wall and isinstance(source, KafkaSource) else None,
        max_open_panes=settings.limits.max_open_panes,
        max_streams=settings.limits.max_streams,
    )


def is_ahead(progress: PartitionProgress, limit_us: int) -> bool:
    """Whether a partition must wait for the others."""
    return progress.reading_us is not None and progress.reading_us > limit_us
