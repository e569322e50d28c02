"""The pipeline: from decoded records to closed windows, in memory; one transaction makes it durable.

    add         decoded records wait in the buffer
    advance     as far as event time allows: classify, count, join; then the watermarks move, then windows close
    write       inside the step's transaction

The order in which records arrive changes nothing that is measured or judged; see docs/determinism.md.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from statistics import median_low

import msgspec
import numpy as np

from agent.decoders import Reject
from agent.decoders.record import KEPT_BYTES
from agent.flow.buffer import NO_ROWS, Batch, Buffer, Chunk, Slice
from agent.flow.closing import Closing, OnWindow, nobody_asks
from agent.flow.contexts import Contexts
from agent.flow.handover import LaneNote, Note
from agent.flow.history import WindowRecord, rows
from agent.flow.intake import Bounds, Intake, Refused
from agent.join.joins import Joins
from agent.join.labels import LabelIntake
from agent.join.pending import PendingLabels
from agent.source import Gap, Partition
from agent.state.ledger import Ledger
from agent.state.panes import Panes
from agent.state.store import Position, Store, SystemClock
from agent.state.volumes import Volumes
from config.settings import Settings
from config.settings.source import KafkaSource
from detectors.columns import ModelKey
from detectors.incident import Transition
from detectors.windows import (
    BEGINNING_OF_TIME,
    END_OF_TIME,
    FRONTIER_EVENTS,
    FRONTIER_MIN_EVENTS,
    ClockRules,
    PartitionProgress,
    PartitionView,
    Standing,
    label_frontier,
    reading_limit,
    source_frontier,
)

DAY_US = 86_400_000_000
TRAILING_EVENTS = FRONTIER_EVENTS // 2 + 1
"""So many events of a partition may lie beyond its frontier when reading stops: the one that passes it counts."""


@dataclass(slots=True)
class Outcome:
    """What the steps since the last write brought.

    Attributes:
        clock_skew: every partition is ahead of the agent's clock; nothing was taken.
    """

    windows: list[WindowRecord] = field(default_factory=list)
    transitions: list[Transition] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)
    clock_skew: bool = False


class Pipeline:
    """Owned by the loop's thread."""

    def __init__(self, settings: Settings, contexts: Contexts, store: Store) -> None:
        self.settings = settings
        self.contexts = contexts
        self.store = store
        self.rules = _clock_rules(settings)
        self.bounds = _bounds(settings)
        self.lateness_us = {system.id: system.lateness_us for system in settings.systems}
        self.span_us = max(c.plan.length_us + c.system.lateness_us for c in contexts.all())
        self.on_window: OnWindow = nobody_asks
        self.reload()

    def reload(self) -> None:
        """Forget what is in memory and read the state: at the start, and after a step that could not be written."""
        self.ledger = Ledger(self.store)
        self._revive_contexts()
        self.panes = Panes(self.store)
        self.joins = Joins(self.store, self.settings.state.max_join_bytes)
        self.pending = PendingLabels(self.store, self.settings.limits.max_pending_labels)
        labels = LabelIntake(self.contexts, self.ledger, self.panes, self.joins, self.pending)
        self.labels = labels
        self.intake = Intake(self.contexts, self.ledger, self.panes, self.joins, labels, self.bounds)
        self.volumes = Volumes(self.store)
        retire_after_us = self.settings.retire_after_us
        self.closing = Closing(self.contexts, self.ledger, self.panes, self.joins, self.volumes, retire_after_us)
        self.closing.on_window = self.on_window
        self.buffer = Buffer()
        self.outcome = Outcome()
        self.changed = False
        self._standing: dict[Partition, Standing] = {}

    def add(self, batch: Batch) -> None:
        """Take in what one poll brought."""
        self.ledger.count("undeclared_fields", sum(batch.extra_fields.values()))
        for chunk in batch.chunks:
            self._standing.pop(chunk.fetched.partition, None)
        self.buffer.add(batch)

    def advance(self, partitions: Collection[Partition], caught_up: Collection[Partition], now_us: int) -> None:
        """Read on as far as event time allows.

        Args:
            partitions: all that are owned.
            caught_up: those that stand at their end, as a fetch response has just confirmed.
        """
        if self._clock_is_wrong(partitions, now_us):
            self.outcome.clock_skew = True
            return
        self.intake.trailing_events = TRAILING_EVENTS * len(partitions)
        while self._take_slices(partitions, now_us):
            self._move_watermarks(partitions)
        self._stand(caught_up, now_us)
        self._move_watermarks(partitions)

    def interrupt(self) -> None:
        """Nothing is known of the ends any more: a failed fetch, or an assignment. Idleness is counted anew."""
        self._standing.clear()

    @property
    def frontier_us(self) -> int | None:
        """How far the event time of the furthest partition has come."""
        reached = (position.progress.inferences.value_us for position in self.ledger.positions.values())
        return max((value for value in reached if value is not None), default=None)

    def finish(self) -> None:
        """Nothing will ever come again: every window that holds events is closed, every label horizon has passed."""
        for system in self.lateness_us:
            self._collect(system, final=True)
            self.ledger.clocks[system] = msgspec.structs.replace(self.ledger.clock(system), watermark_us=END_OF_TIME)
        self.labels.expire()

    def held(self, partitions: Collection[Partition]) -> frozenset[Partition]:
        """Partitions that must wait for the others."""
        limit = self._limit(partitions)
        reading = (p for p in partitions if p not in self._standing)
        ahead = (p for p in reading if _is_ahead(self.ledger.position(p).progress, limit))
        return self.buffer.waiting.union(ahead)

    def begin(self, partition: Partition, offset: int) -> None:
        """A partition is read for the first time; what lies before the offset is not known."""
        cut = BEGINNING_OF_TIME if offset > 0 else None
        self.ledger.positions[partition] = Position(offset, cut_from_us=cut)

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

    def gap(self, gap: Gap) -> None:
        """Records were gone before they were read: windows around it are partial."""
        position = self.ledger.position(gap.partition)
        known = position.progress.inferences.value_us
        since = BEGINNING_OF_TIME if known is None else known
        self.ledger.count("gap_records", max(0, gap.got - gap.wanted), topic=gap.partition.topic)
        self.ledger.positions[gap.partition] = msgspec.structs.replace(
            position, next_offset=gap.got, cut_from_us=since, cut_seen_us=()
        )

    def write(self, now_us: int) -> None:
        """Inside the transaction; ``Joins.sync`` comes before it."""
        self.ledger.write()
        self.panes.write()
        self.joins.write()
        self.pending.write()
        self.volumes.write()
        forget_before = max(self._newest_due(), 0) - self.settings.state.history_days * DAY_US
        self.store.put_history((row for window in self.outcome.windows for row in rows(window)), forget_before)

    def written(self) -> Outcome:
        """After the transaction: what it made true."""
        self.ledger.written()
        self.panes.written()
        self.joins.written()
        self.pending.written()
        self.volumes.written()
        self.changed = False
        outcome, self.outcome = self.outcome, Outcome()
        return outcome

    def _revive_contexts(self) -> None:
        for lane in self.ledger.lanes.values():
            key = ModelKey(*lane.key[:3])
            if self.contexts.knows(key) and self.contexts.of(key).digest != lane.context:
                self.contexts.revive(key, lane.context, self.ledger.contexts[lane.context])

    def _clock_is_wrong(self, partitions: Collection[Partition], now_us: int) -> bool:
        """Every partition that is not idle is further ahead of our clock than any event may be: it is ours that is wrong."""
        if self.bounds.max_ahead_us is None:
            return False
        limit = now_us + self.bounds.max_ahead_us
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

    def _stand(self, caught_up: Collection[Partition], now_us: int) -> None:
        at_end = set(caught_up) - self.buffer.waiting
        before = self._standing
        self._standing = {p: Standing(before[p].since_us if p in before else now_us, now_us) for p in at_end}
        for partition in at_end:
            position = self.ledger.position(partition)
            if not position.progress.reached_start_end:
                progress = msgspec.structs.replace(position.progress, reached_start_end=True)
                self.ledger.positions[partition] = msgspec.structs.replace(position, progress=progress)

    def _views(self, partitions: Collection[Partition]) -> list[PartitionView]:
        return [PartitionView(self.ledger.position(p).progress, self._standing.get(p)) for p in partitions]

    def _take_slices(self, partitions: Collection[Partition], now_us: int) -> bool:
        """Take what may be read of each partition; whether there was anything."""
        limit = self._limit(partitions)
        taken: list[tuple[Chunk, Slice]] = []
        for chunk in self.buffer.heads():
            progress = self.ledger.position(chunk.fetched.partition).progress
            if not _is_ahead(progress, limit):
                taken.append((chunk, chunk.take(progress, limit)))
        for batch, slices in _by_batch(taken):
            self._count(batch, slices, now_us)
        for chunk, part in taken:
            self._read_to(part)
            self.buffer.drop_if_empty(chunk)
        self.changed |= bool(taken)
        return bool(taken)

    def _count(self, batch: Batch, slices: list[tuple[Chunk, Slice]], now_us: int) -> None:
        chunks = {self.ledger.number_of(part.partition): chunk for chunk, part in slices}
        rejects = [reject for _, part in slices for reject in part.rejects]
        taken = _joined([part.rows for _, part in slices])
        if batch.inferences is not None and len(taken):
            refused = self.intake.take(batch.inferences, taken, batch.marks, now_us)
            rejects += [_reject(batch, chunks, one) for one in refused]
        labels = _joined([part.label_rows for _, part in slices])
        if batch.labels is not None and len(labels):
            self.labels.take(batch.labels, labels)
        self._count_records(slices, len(taken), len(labels), rejects)

    def _count_records(
        self, slices: list[tuple[Chunk, Slice]], events: int, labels: int, rejects: list[Reject]
    ) -> None:
        records = sum(part.records for _, part in slices)
        unreadable = sum(len(part.rejects) for _, part in slices)
        self.ledger.count("received", events + unreadable)
        self.ledger.count("oversights", records - events - labels - unreadable)
        for reject in rejects:
            self.ledger.count("rejected", reason=reject.reason)
        self.outcome.rejects += rejects

    def _read_to(self, part: Slice) -> None:
        """The records of a slice are in the tables: positions and frontiers follow."""
        position = self.ledger.position(part.partition)
        if position.cut_from_us is not None:
            position = self._look_behind_cut(position, part)
        self.ledger.positions[part.partition] = msgspec.structs.replace(
            position, next_offset=part.next_offset, progress=part.progress
        )

    def _look_behind_cut(self, position: Position, part: Slice) -> Position:
        """The first events behind the missing records tell how far those had come, whatever the size of a slice."""
        seen = (*position.cut_seen_us, *part.first_us)[:FRONTIER_MIN_EVENTS]
        if len(seen) < FRONTIER_MIN_EVENTS:
            return msgspec.structs.replace(position, cut_seen_us=seen)
        assert position.cut_from_us is not None
        self._cut(position.cut_from_us, median_low(seen))
        return msgspec.structs.replace(position, cut_from_us=None, cut_seen_us=())

    def _cut(self, since_us: int, until_us: int) -> None:
        """Records between two frontiers were not read; each may lie off its frontier by the lateness."""
        for system, lateness_us in self.lateness_us.items():
            clock = self.ledger.clock(system)
            cuts = (*clock.cuts, (since_us - lateness_us, until_us + lateness_us + 1))
            self.ledger.clocks[system] = msgspec.structs.replace(clock, cuts=cuts)

    def _limit(self, partitions: Collection[Partition]) -> int:
        lowest = min(self.ledger.clock(system).watermark_us for system in self.lateness_us)
        seen = (lane.first_pane_us for lane in self.ledger.lanes.values())
        heads = (chunk.first_us for chunk in self.buffer.heads())
        begun = min((*seen, *(time for time in heads if time is not None)), default=None)
        return reading_limit(self._views(partitions), lowest, begun, self.span_us)

    def _move_watermarks(self, partitions: Collection[Partition]) -> None:
        views = self._views(partitions)
        frontier = source_frontier(views, self.rules)
        if frontier is None:
            return
        behind = label_frontier(views)
        for system, lateness_us in self.lateness_us.items():
            watermark = frontier - lateness_us
            labels = watermark if behind is None else min(watermark, behind - lateness_us)
            self._set_clock(system, watermark, labels)

    def _set_clock(self, system: str, watermark_us: int, label_watermark_us: int) -> None:
        """Watermarks never go back."""
        clock = self.ledger.clock(system)
        moved = msgspec.structs.replace(
            clock,
            watermark_us=max(clock.watermark_us, watermark_us),
            label_watermark_us=max(clock.label_watermark_us, label_watermark_us),
        )
        if moved == clock:
            return
        self.ledger.clocks[system] = moved
        self.joins.freeze(system, moved.watermark_us)
        self.labels.expire()
        if moved.label_watermark_us != clock.label_watermark_us:
            self._collect(system)

    def _collect(self, system: str, *, final: bool = False) -> None:
        closed = self.closing.close(system, final=final)
        self.outcome.windows += closed.windows
        self.outcome.transitions += closed.transitions
        self.changed |= bool(closed.windows or closed.transitions)

    def _newest_due(self) -> int:
        return max((clock.label_watermark_us for clock in self.ledger.clocks.values()), default=0)


def _clock_rules(settings: Settings) -> ClockRules:
    source = settings.source
    if isinstance(source, KafkaSource):
        return ClockRules(wall=source.clock == "wall", idle_timeout_us=source.idle_timeout_us)
    return ClockRules(wall=False, idle_timeout_us=0)


def _bounds(settings: Settings) -> Bounds:
    source = settings.source
    wall = isinstance(source, KafkaSource) and source.clock == "wall"
    return Bounds(
        max_ahead_us=source.max_ahead_us if wall and isinstance(source, KafkaSource) else None,
        max_open_panes=settings.limits.max_open_panes,
        max_streams=settings.limits.max_streams,
    )


def _is_ahead(progress: PartitionProgress, limit_us: int) -> bool:
    return progress.reading_us is not None and progress.reading_us > limit_us


def _by_batch(taken: list[tuple[Chunk, Slice]]) -> Iterator[tuple[Batch, list[tuple[Chunk, Slice]]]]:
    groups: dict[int, list[tuple[Chunk, Slice]]] = {}
    for chunk, part in taken:
        groups.setdefault(id(chunk.batch), []).append((chunk, part))
    return ((parts[0][0].batch, parts) for parts in groups.values())


def _joined(parts: list[np.ndarray[tuple[int], np.dtype[np.intp]]]) -> np.ndarray[tuple[int], np.dtype[np.intp]]:
    return np.sort(np.concatenate(parts)) if parts else NO_ROWS


def _reject(batch: Batch, chunks: Mapping[int, Chunk], refused: Refused) -> Reject:
    """The record of an event that can be read and cannot be placed."""
    assert batch.inferences is not None
    offset = int(batch.inferences.offset[refused.row])
    chunk = chunks[int(batch.inferences.partition[refused.row])]
    value = chunk.value(offset)
    topic, number = chunk.fetched.partition
    return Reject(topic, number, offset, refused.reason, refused.detail, value[:KEPT_BYTES], len(value))
