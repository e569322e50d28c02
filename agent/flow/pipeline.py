"""The pipeline: from decoded records to closed windows, in memory; one transaction makes it durable.

    add         decoded records wait in the buffer
    advance     as far as event time allows: classify, count, join; then the watermarks move, then windows close
    write       inside the step's transaction

The order in which records arrive changes nothing that is measured or judged; see docs/determinism.md.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field

import msgspec
import numpy as np

from agent.decoders import Reject
from agent.decoders.record import KEPT_BYTES
from agent.flow.buffer import NO_ROWS, Batch, Buffer, Chunk, Slice
from agent.flow.closing import Closing, OnWindow, nobody_asks
from agent.flow.contexts import Contexts
from agent.flow.cuts import Cuts
from agent.flow.event_time import EventTime, bounds_of, is_ahead
from agent.flow.handover import Handover
from agent.flow.history import WindowRecord
from agent.flow.history import rows as history_rows
from agent.flow.intake import Intake, Refused
from agent.flow.recording import Recorder, Silent
from agent.join.joins import Joins
from agent.join.labels import LabelIntake
from agent.join.pending import PendingLabels
from agent.source import Partition
from agent.state.ledger import Ledger
from agent.state.panes import Panes
from agent.state.store import Store, SystemClock
from agent.state.volumes import Volumes
from config.settings import Settings
from detectors.columns import ModelKey
from detectors.incident import Transition
from detectors.windows import BEGINNING_OF_TIME, END_OF_TIME, FRONTIER_EVENTS

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
    """Owned by the loop's thread.

    Attributes:
        on_window: told of each window that is measured.
        forgets: whether measurements leave the state after ``state.history_days``; a replay writes out all of them.
    """

    def __init__(self, settings: Settings, contexts: Contexts, store: Store, recorder: Recorder | None = None) -> None:
        self.settings = settings
        self.contexts = contexts
        self.store = store
        self.recorder = Silent() if recorder is None else recorder
        self.on_window: OnWindow = nobody_asks
        self.forgets = True
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
        self.intake = Intake(self.contexts, self.ledger, self.panes, self.joins, labels, bounds_of(self.settings))
        self.volumes = Volumes(self.store)
        retire_after_us = self.settings.retire_after_us
        self.closing = Closing(self.contexts, self.ledger, self.panes, self.joins, self.volumes, retire_after_us)
        self.closing.on_window = self.on_window
        self.buffer = Buffer()
        self.time = EventTime(self.settings, self.contexts, self.ledger, self.buffer)
        self.cuts = Cuts(self.settings, self.ledger)
        self.handover = Handover(self.ledger, self.volumes)
        self.outcome = Outcome()
        self.changed = False
        self.recorder.begin(self.ledger, self.contexts)

    def add(self, batch: Batch) -> None:
        """Take in what one poll brought."""
        self.ledger.count("undeclared_fields", sum(batch.extra_fields.values()))
        for chunk in batch.chunks:
            self.time.arrived(chunk.fetched.partition)
        self.buffer.add(batch)

    def advance(self, partitions: Collection[Partition], caught_up: Collection[Partition], now_us: int) -> None:
        """Read on as far as event time allows.

        Args:
            partitions: all that are owned.
            caught_up: those that stand at their end, as a fetch response has just confirmed.
        """
        if self.time.clock_is_wrong(partitions, now_us):
            self.outcome.clock_skew = True
            return
        self.intake.trailing_events = TRAILING_EVENTS * len(partitions)
        while self._take_slices(partitions, now_us):
            self._move_watermarks(partitions)
        self.time.stand(caught_up, now_us)
        self.recorder.stand(self.time.idle(partitions))
        self._move_watermarks(partitions)

    def finish(self) -> None:
        """Nothing will ever come again: every window that holds events is closed, every label horizon has passed."""
        for system in self.time.lateness_us:
            self._collect(system, final=True)
            self.ledger.clocks[system] = msgspec.structs.replace(self.ledger.clock(system), watermark_us=END_OF_TIME)
        self.labels.expire()

    def write(self, now_us: int) -> None:
        """Inside the transaction; ``Joins.sync`` comes before it."""
        self.ledger.write()
        self.panes.write()
        self.joins.write()
        self.pending.write()
        self.volumes.write()
        self.closing.album.write()
        self.store.put_history(
            (row for window in self.outcome.windows for row in history_rows(window)), self._forget_before()
        )

    def written(self) -> Outcome:
        """After the transaction: what it made true."""
        self.ledger.written()
        self.panes.written()
        self.joins.written()
        self.pending.written()
        self.volumes.written()
        self.closing.album.written()
        self.changed = False
        outcome, self.outcome = self.outcome, Outcome()
        return outcome

    def _revive_contexts(self) -> None:
        for lane in self.ledger.lanes.values():
            key = ModelKey(*lane.key[:3])
            if self.contexts.knows(key) and self.contexts.of(key).digest != lane.context:
                self.contexts.revive(key, lane.context, self.ledger.contexts[lane.context])

    def _take_slices(self, partitions: Collection[Partition], now_us: int) -> bool:
        """Take what may be read of each partition; whether there was anything."""
        limit = self.time.limit(partitions)
        taken: list[tuple[Chunk, Slice]] = []
        for chunk in self.buffer.heads():
            progress = self.ledger.position(chunk.fetched.partition).progress
            if not is_ahead(progress, limit):
                taken.append((chunk, chunk.take(progress, limit)))
        for batch, slices in _by_batch(taken):
            self._count(batch, slices, now_us)
        for chunk, part in taken:
            self.read_to(part, chunk.batch.topic_ids.get(part.partition.topic, ""))
            self.buffer.drop_if_empty(chunk)
        self.changed |= bool(taken)
        return bool(taken)

    def _count(self, batch: Batch, slices: list[tuple[Chunk, Slice]], now_us: int) -> None:
        chunks = {chunk.number: chunk for chunk, _ in slices}
        rejects = [reject for _, part in slices for reject in part.rejects]
        rows = _joined([part.rows for _, part in slices])
        taken = None
        if batch.inferences is not None and len(rows):
            taken = self.intake.take(batch.inferences, rows, batch.marks, now_us)
            rejects += [_reject(batch, chunks, one) for one in taken.refused]
        labels = _joined([part.label_rows for _, part in slices])
        if batch.labels is not None and len(labels):
            self.labels.take(batch.labels, labels)
        self.recorder.take(batch, slices, taken)
        self._count_records(slices, len(rows), len(labels), rejects)

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

    def read_to(self, part: Slice, topic_id: str = "") -> None:
        """The records of a slice are in the tables: positions and frontiers follow."""
        position = self.cuts.look_behind(self.ledger.position(part.partition), part)
        self.ledger.positions[part.partition] = msgspec.structs.replace(
            position, next_offset=part.next_offset, progress=part.progress, topic_id=topic_id
        )

    def _move_watermarks(self, partitions: Collection[Partition]) -> None:
        for system, clock in self.time.moved_clocks(partitions):
            self.move_clock(system, clock)

    def move_clock(self, system: str, clock: SystemClock) -> None:
        """The event time of a system has come so far: panes freeze, labels expire, and what is due closes."""
        moves_labels = clock.label_watermark_us != self.ledger.clock(system).label_watermark_us
        self.ledger.clocks[system] = clock
        self.joins.freeze(system, clock.watermark_us)
        self.labels.expire()
        if moves_labels:
            self._collect(system)

    def _collect(self, system: str, *, final: bool = False) -> None:
        closed = self.closing.close(system, final=final)
        self.recorder.close(closed.windows, closed.transitions)
        self.outcome.windows += closed.windows
        self.outcome.transitions += closed.transitions
        self.changed |= bool(closed.windows or closed.transitions)

    def _forget_before(self) -> int:
        """Due times of measurements that have been kept long enough."""
        if not self.forgets:
            return BEGINNING_OF_TIME
        newest = max((clock.label_watermark_us for clock in self.ledger.clocks.values()), default=BEGINNING_OF_TIME)
        return max(newest - self.settings.state.history_days * DAY_US, BEGINNING_OF_TIME)


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
