"""Collects the entries of a step, in the order in which things were taken in.

A clock leaf stands before events or closes whenever a watermark has moved since the last one, so that a replay moves it at
the same place; a partition that counted as idle by then is named before it.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Mapping, Sequence

import msgspec

from agent.clock import Clock
from agent.evidence.collected import Collected
from agent.evidence.facts import verdicts_of
from agent.evidence.records import RecordEntries
from agent.flow.buffer import Batch, Chunk, Slice
from agent.flow.contexts import Contexts
from agent.flow.history import WindowRecord, rows
from agent.flow.incident_book import changed_incidents
from agent.flow.intake import Taken
from agent.flow.recording import Recorder
from agent.source import Committed, Gap, Partition
from agent.state.acts import RequestedAct
from agent.state.ledger import Ledger
from agent.state.store import SystemClock
from detectors.incident import Transition
from detectors.incident_record import to_json
from detectors.measurement import Track
from exporters.evidence import leaves
from exporters.evidence.entries import Entries
from exporters.evidence.leaves import Position

VOLUME = "volume"
ENCODER = msgspec.json.Encoder()


class StepRecorder(Recorder):
    """Owned by the loop's thread.

    Attributes:
        severities: how loud each track is; part of the record of an incident.
        boundary: label watermark by system, as the state had it when it was read.
        positions: where reading went on then.
    """

    def __init__(self, records: RecordEntries, clock: Clock, severities: Mapping[Track, str]) -> None:
        self.records = records
        self.severities = severities
        self.boundary: dict[str, int] = {}
        self.positions: list[Position] = []
        self._clock = clock
        self._collected = Collected()
        self._logged_clocks: dict[str, SystemClock] = {}
        self._idle: Mapping[Partition, int] = {}
        self._logged_idle: set[tuple[Partition, int]] = set()

    def collect(self) -> Entries:
        """All entries since the last call, or since the state was read."""
        collected, self._collected = self._collected, Collected()
        return collected.entries()

    def begin(self, ledger: Ledger, contexts: Contexts) -> None:
        self._ledger = ledger
        self._contexts = contexts
        self.boundary = {system: clock.label_watermark_us for system, clock in sorted(ledger.clocks.items())}
        self.positions = _positions(ledger)
        self._collected = Collected()
        self._logged_clocks = {}
        self._idle = {}
        self._logged_idle = set()

    def take(self, batch: Batch, slices: Sequence[tuple[Chunk, Slice]], taken: Taken | None) -> None:
        logged_us = self._clock.now_us()
        self._tell_clocks(logged_us)
        verdicts = None
        if taken is not None and batch.inferences is not None:
            verdicts = verdicts_of(batch.inferences, taken.rows, taken, self._contexts)
        for chunk, part in sorted(slices, key=_reading_order):
            expected = self._ledger.position(part.partition).next_offset
            self._collected.add_all(self.records.of_slice(batch, chunk, part, verdicts, expected, logged_us))

    def stand(self, idle: Mapping[Partition, int]) -> None:
        self._idle = idle

    def close(self, windows: Sequence[WindowRecord], transitions: Sequence[Transition]) -> None:
        """Both are in the order of due times; what windows brought about stands behind them."""
        if not windows and not transitions:
            return
        logged_us = self._clock.now_us()
        self._tell_clocks(logged_us)
        documents = self._incident_documents(transitions)
        waiting = deque(windows)
        for transition in transitions:
            while waiting and waiting[0].due_us <= transition.at_us:
                self._window(waiting.popleft(), logged_us)
            self._transition(transition, documents, logged_us)
        for window in waiting:
            self._window(window, logged_us)

    def happen(self, transitions: Sequence[Transition]) -> None:
        documents = self._incident_documents(transitions)
        for transition in transitions:
            self._transition(transition, documents, self._clock.now_us())

    def act(self, request: RequestedAct, outcome: str, at_us: int) -> None:
        logged_us = self._clock.now_us()
        self._collected.add_document(
            request.comment.encode(),
            lambda commitment: leaves.act_leaf(
                request.incident_id,
                request.kind,
                request.actor,
                at_us,
                logged_us,
                outcome,
                commitment,
                request.until_us,
            ),
        )

    def gap(self, gap: Gap) -> None:
        cause = "retention" if gap.got > gap.wanted else "cut_back"
        self._collected.add(leaves.gap_leaf(gap.partition, gap.wanted, gap.got, cause, self._clock.now_us()))

    def take_over(self, committed: Mapping[Partition, Committed]) -> None:
        logged_us, positions = self._clock.now_us(), _positions(self._ledger)
        notes = [(*partition, at.offset, at.note) for partition, at in sorted(committed.items())]
        self._collected.add_document(
            ENCODER.encode(notes), lambda commitment: leaves.takeover_leaf(logged_us, positions, commitment)
        )

    def end(self, reason: str) -> None:
        self._collected.add(leaves.stop_leaf(self._clock.now_us(), reason))

    def _tell_clocks(self, logged_us: int) -> None:
        """Clocks that have moved since they were last told, behind the partitions that have become idle."""
        moved = {
            system: clock
            for system, clock in sorted(self._ledger.clocks.items())
            if _moved(clock, self._logged_clocks.get(system))
        }
        if not moved:
            return
        self._tell_idle(logged_us)
        for system, clock in moved.items():
            self._collected.add(leaves.clock_leaf(system, clock.watermark_us, clock.label_watermark_us, logged_us))
        self._logged_clocks |= moved

    def _tell_idle(self, logged_us: int) -> None:
        standing = set(self._idle.items())
        for partition, since_us in sorted(standing - self._logged_idle):
            self._collected.add(leaves.idle_leaf(partition, logged_us, since_us))
        self._logged_idle = standing

    def _window(self, record: WindowRecord, logged_us: int) -> None:
        lines = [row[-1] for row in rows(record)]
        verdicts = Counter(result.status.value for result in record.results if result.status is not None)
        span_us = (record.start_us, record.end_us, record.due_us)
        self._collected.add_document(
            b"".join(line + b"\n" for line in lines),
            lambda commitment: leaves.window_leaf(
                record.stream, record.stage.value, span_us, _events(record), record.partial, verdicts, len(lines),
                logged_us, commitment,
            ),
        )  # fmt: skip

    def _incident_documents(self, transitions: Sequence[Transition]) -> dict[str, bytes]:
        """The records of incidents as they now stand."""
        return {
            incident.id: ENCODER.encode(to_json(incident, self.severities)) + b"\n"
            for incident in changed_incidents(self._ledger, transitions)
        }

    def _transition(self, transition: Transition, documents: Mapping[str, bytes], logged_us: int) -> None:
        """One whose incident is not known yet, or no more, is told by itself."""
        document = documents.get(transition.incident_id) or ENCODER.encode(transition) + b"\n"
        self._collected.add_document(
            document,
            lambda commitment: leaves.incident_leaf(
                transition.incident_id, transition.stream, transition.track.value, transition.kind.value,
                transition.at_us, logged_us, commitment,
            ),
        )  # fmt: skip


def _moved(clock: SystemClock, told: SystemClock | None) -> bool:
    before = told or SystemClock()
    return (clock.watermark_us, clock.label_watermark_us) != (before.watermark_us, before.label_watermark_us)


def _positions(ledger: Ledger) -> list[Position]:
    return [(*partition, position.next_offset) for partition, position in sorted(ledger.positions.items())]


def _reading_order(taken: tuple[Chunk, Slice]) -> tuple[bool, int]:
    """Slices in the order in which their inference events were read; those without any come last."""
    _, part = taken
    return (False, int(part.rows[0])) if len(part.rows) else (True, part.first)


def _events(record: WindowRecord) -> int:
    """Events that a window rests on: its volume where that was measured, else the most that a measure rests on."""
    measured = [result.measurement for result in record.results]
    volume = next((m.value for m in measured if m.metric == VOLUME and m.value is not None), None)
    return int(volume) if volume is not None else max((m.n or 0 for m in measured), default=0)
