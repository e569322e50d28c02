"""Going on where another member stopped: its open windows, and what their verdicts look at, are rebuilt from its notes.

Positions go back to the earliest record that is needed, and the watermark with them. Reading on from there meets the same
events again: those of closed windows that nobody asks for are late, and so are those that were late the first time
(agent/state/lateness.py); lanes that are closed until the label watermark keep windows from being measured twice.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import accumulate

import msgspec
import structlog

from agent.flow.contexts import Contexts
from agent.flow.handed import Handed, LaneNote, RunNote, VolumesNote
from agent.flow.notes import LogMark, Note, joined, read_note
from agent.source import Assignment, Committed, Partition
from agent.state.lateness import Mark
from agent.state.ledger import Ledger
from agent.state.store import Position, SystemClock
from agent.state.volumes import VolumeKey, Volumes
from detectors.columns import ModelKey, StreamKey
from detectors.families import RULES
from detectors.volume import WEEK_US
from detectors.windows import BEGINNING_OF_TIME, FRONTIER_EVENTS, Frontier, PartitionProgress

log = structlog.get_logger(__name__)

UNKNOWN_BEFORE = PartitionProgress(inferences=Frontier((BEGINNING_OF_TIME,) * (FRONTIER_EVENTS - 1)))
"""Of a partition that is read again. The events before are not known, and are taken for the oldest there can be: so its
frontier is never ahead of where it was at the same record the first time, and nothing becomes late that was in time."""


def is_behind(own: Mapping[Partition, Position], assignment: Assignment) -> bool:
    """Whether another member has read further than our own state knows of."""
    return any(
        partition not in own or own[partition].next_offset < committed.offset
        for partition, committed in assignment.committed.items()
        if partition in assignment.partitions
    )


def log_marks(assignment: Assignment) -> list[LogMark]:
    """How far the logs of those who committed were recorded."""
    notes = (read_note(committed.note) for committed in assignment.committed.values())
    return [note.log for note in notes if note is not None and note.log is not None]


@dataclass(frozen=True, slots=True)
class Takeover:
    """Rebuilds into an empty state. Owned by the loop's thread."""

    contexts: Contexts
    ledger: Ledger
    volumes: Volumes

    def rebuild(self, committed: Mapping[Partition, Committed]) -> None:
        """Begin where the open windows of the member begin that committed this.

        Without a note that can be read the first windows are partial; without the parts that go with the notes, those are
        that it had begun.
        """
        notes = {partition: read_note(at.note) for partition, at in committed.items()}
        for partition, at in committed.items():
            self._rebuild_position(partition, at, notes[partition])
        self.ledger.forget_runs()
        latest = _latest([note for note in notes.values() if note is not None])
        if latest is None:
            return
        found = [note for note in notes.values() if note is not None]
        handed = joined(found, latest.part.digest) if latest.part else None
        self._rebuild_clocks(latest, handed)
        for partition, note in notes.items():
            for system, passed_us in note.passed.items() if note else ():
                self.ledger.lateness.add(partition, system, Mark(committed[partition].offset, passed_us))
        if handed is not None:
            self._restore(handed)
        log.info("took_over", without=latest.without, understood=handed is not None)

    def _rebuild_position(self, partition: Partition, committed: Committed, note: Note | None) -> None:
        position = (
            Position(committed.offset, cut_from_us=BEGINNING_OF_TIME)
            if note is None
            else Position(note.start, UNKNOWN_BEFORE, cut_from_us=note.cut)
        )
        self.ledger.number_of(partition)
        self.ledger.positions[partition] = position

    def _rebuild_clocks(self, note: Note, handed: Handed | None) -> None:
        """The watermark goes back to the earliest pane that is needed."""
        for system in {*note.closed, *note.open}:
            closed_us, open_us = (times.get(system, BEGINNING_OF_TIME) for times in (note.closed, note.open))
            runs = handed.runs if handed else ()
            begun = [min(run.starts_us) for run in runs for key, _ in run.of if key.system == system and run.starts_us]
            kept_us = min([open_us, *begun])
            cuts = handed.cuts.get(system, ()) if handed else ((BEGINNING_OF_TIME, closed_us + 1),)
            self.ledger.clocks[system] = SystemClock(kept_us, closed_us, cuts, open_us, kept_us)

    def _restore(self, handed: Handed) -> None:
        for lane in handed.lanes:
            self._restore_lane(lane)
        for late in handed.late:
            self.ledger.lateness.add(late.partition, late.system, Mark(late.offset, late.watermark_us))
        for run in handed.runs:
            self._restore_run(run)
        for key, events in (pair for note in handed.volumes for pair in volumes_of(note)):
            self.volumes.put(key, events)

    def _restore_lane(self, note: LaneNote) -> None:
        if not self._knows(note.key):
            return
        context = self.contexts.of(ModelKey(*note.key[:3]))
        self.ledger.put_context(context.digest, msgspec.json.encode(context.stored()))
        lane = self.ledger.new_lane(note.key, context.digest, note.first_pane_us)
        self.ledger.put_lane(
            msgspec.structs.replace(lane, closed_until_us=note.closed_until_us, last_seen_us=note.last_seen_us)
        )

    def _restore_run(self, note: RunNote) -> None:
        for stream, subjects in note.of:
            if self._knows(stream):
                state = self.ledger.stream(stream)
                run = {(metric, subject): note.carry for metric, subject in subjects if metric in RULES}
                self.ledger.put_stream(stream, state.with_carry(state.carry() | run))

    def _knows(self, stream: StreamKey) -> bool:
        return self.contexts.knows(ModelKey(*stream[:3]))


def volumes_of(note: VolumesNote) -> Iterator[tuple[VolumeKey, int]]:
    """The windows of a series and their events; the inverse of ``volume_notes``."""
    known: dict[int, int] = {}
    for end, more in zip(accumulate(note.steps_us), note.more, strict=False):
        known[end] = more + known.get(end - WEEK_US, 0)
        yield VolumeKey(note.system, note.model, note.length_us, end), known[end]


def _latest(notes: list[Note]) -> Note | None:
    """The note that has closed the most."""
    return max(notes, key=lambda note: (sum(note.closed.values()), msgspec.json.encode(note)), default=None)
