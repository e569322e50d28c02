"""Inference events: classify each; the accepted ones are counted (counting.py).

The classes, in this order: rejected, late, duplicate, accepted. Their counters add up to what was received.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from agent.flow.contexts import Contexts
from agent.flow.counting import Counting
from agent.join.joins import Joins
from agent.join.labels import LabelIntake, seed_of
from agent.state.lateness import Mark
from agent.state.ledger import Ledger
from agent.state.panes import Panes
from detectors.columns import Inferences, ModelKey, StreamKey
from detectors.encode import text_hashes
from detectors.windows import WindowPlan
from exporters.evidence.event_leaves import ACCEPTED, DUPLICATE, LATE, REJECTED

Rows = NDArray[np.intp]

FUTURE = "future"
TOO_MANY_STREAMS = "too_many_streams"
MAX_OPEN_PANES = "max_open_panes"
DETAILS = {
    FUTURE: "occurred_at is further ahead of this machine's clock than source.max_ahead",
    TOO_MANY_STREAMS: "its model version would be a stream beyond limits.max_streams",
    MAX_OPEN_PANES: "its time is further ahead of the watermark than windows are kept open",
}


class Refused(NamedTuple):
    """An event that can be read and cannot be placed; its bytes go to the rejected records."""

    row: int
    reason: str
    detail: str


class Taken(NamedTuple):
    """What became of events.

    Attributes:
        rows: of the batch, in the order of reading.
        classes: (len(batch),) uint8, ``ACCEPTED`` to ``REJECTED``, of these rows.
        refused: those that had to be rejected.
    """

    rows: Rows
    classes: NDArray[np.uint8]
    refused: list[Refused]


@dataclass(frozen=True, slots=True)
class Bounds:
    """What single events may do.

    Attributes:
        max_ahead_us: how far ahead of the agent's clock an event may be; ``None`` where history is read.
        max_open_panes: per model; ``None`` for three windows' worth, and one for each event by which frontiers trail
            (``trailing_events``): in a slow stream those alone may lie in panes of their own.
        max_streams: streams counted at the same time.
    """

    max_ahead_us: int | None
    max_open_panes: int | None
    max_streams: int


class Intake:
    def __init__(
        self, contexts: Contexts, ledger: Ledger, panes: Panes, joins: Joins, labels: LabelIntake, bounds: Bounds
    ) -> None:
        self.contexts = contexts
        self.ledger = ledger
        self.joins = joins
        self.labels = labels
        self.bounds = bounds
        self.counting = Counting(contexts, ledger, panes, joins, labels, bounds.max_streams)
        self.trailing_events = 0

    def take(self, batch: Inferences, rows: Rows, marks: NDArray[np.uint32], now_us: int) -> Taken:
        """Count events.

        Args:
            batch, rows: the rows of the batch that may be read now, in the order of reading.
            marks: (len(batch),) fingerprint of each record's bytes, to tell unequal copies.
        """
        taken = Taken(rows, np.full(len(batch), REJECTED, dtype=np.uint8), [])
        for of_model in self._by_model(batch, rows):
            self._take_model(batch, of_model, marks, now_us, taken)
        return taken

    def open_panes(self) -> tuple[int, int]:
        """Panes held open and the most there may be, of the model that is nearest to it."""
        use = (
            (len(self._open_panes(context.system.id, context.model.name)), self._most_open(context.plan))
            for context in self.contexts.of_models()
        )
        return max(use, key=lambda held_of: held_of[0] / held_of[1])

    def _by_model(self, batch: Inferences, rows: Rows) -> Iterator[Rows]:
        """Rows of each (system, model), whatever the version."""
        names = [key[:2] for key in batch.models]
        if len(set(names)) == 1:
            yield rows
            return
        number = np.array([names.index(name) for name in names])[batch.model_of[rows]]
        yield from (rows[number == one] for one in np.unique(number))

    def _take_model(self, batch: Inferences, rows: Rows, marks: NDArray[np.uint32], now_us: int, taken: Taken) -> None:
        key = batch.models[batch.model_of[rows[0]]]
        system, model = key.system, key.model
        plan = self.contexts.of(key).plan
        panes = plan.pane_of(batch.occurred_us[rows])
        refused, good = self._placeable(batch, rows, panes, key, now_us)
        taken.refused.extend(refused)
        rows, panes = rows[good], panes[good]
        on_time = ~self._late(batch, rows, panes + plan.pane_us, key)
        taken.classes[rows] = np.where(on_time, np.uint8(DUPLICATE), np.uint8(LATE))
        rows, panes = rows[on_time], panes[on_time]
        ids = batch.ids if len(rows) == len(batch) else [batch.ids[row] for row in rows.tolist()]
        hashes = text_hashes(ids, seed_of(system, model))
        first = self._first_copies(hashes, marks[rows], key)
        self._count("duplicate", len(rows) - len(first), key)
        rows, panes, hashes = rows[first], panes[first], hashes[first]
        taken.classes[rows] = ACCEPTED
        for version in np.unique(batch.model_of[rows]).tolist():
            mine = batch.model_of[rows] == version
            self.counting.count(batch, rows[mine], hashes[mine], marks[rows[mine]], panes[mine])
        self.labels.retry(system, model, hashes)

    def _placeable(
        self, batch: Inferences, rows: Rows, panes: NDArray[np.int64], key: ModelKey, now_us: int
    ) -> tuple[list[Refused], NDArray[np.bool_]]:
        """Rows whose time can be believed, whose stream can be watched and whose pane can be opened; the others' reasons."""
        ahead = self._ahead(batch.occurred_us[rows], now_us)
        unwatched = ~ahead & np.isin(batch.model_of[rows], self._unwatchable(batch, rows[~ahead]))
        for number, count in zip(*np.unique(batch.model_of[rows[unwatched]], return_counts=True), strict=True):
            beyond_streams = batch.models[number]
            self.ledger.count("stream_overflow", int(count), system=beyond_streams.system, model=beyond_streams.model)
        good = ~(ahead | unwatched)
        beyond = good & np.isin(panes, self._unopenable(panes[good], key))
        refused = [
            Refused(int(row), reason, DETAILS[reason])
            for reason, bad in ((FUTURE, ahead), (TOO_MANY_STREAMS, unwatched), (MAX_OPEN_PANES, beyond))
            for row in rows[bad]
        ]
        return refused, good & ~beyond

    def _ahead(self, occurred_us: NDArray[np.int64], now_us: int) -> NDArray[np.bool_]:
        if self.bounds.max_ahead_us is None:
            return np.zeros(len(occurred_us), dtype=np.bool_)
        return occurred_us > now_us + self.bounds.max_ahead_us

    def _unwatchable(self, batch: Inferences, rows: Rows) -> list[int]:
        """New model versions beyond the bound of streams, as indices into the batch's models."""
        room = self.bounds.max_streams - self.ledger.live_lanes
        new = [number for number in np.unique(batch.model_of[rows]).tolist() if self._is_new(batch.models[number])]
        return new[max(0, room) :]

    def _is_new(self, key: ModelKey) -> bool:
        lane = self.ledger.lane(StreamKey(*key), self.contexts.of(key).digest)
        return lane is None or lane.ended

    def _late(self, batch: Inferences, rows: Rows, ends_us: NDArray[np.int64], key: ModelKey) -> NDArray[np.bool_]:
        """Rows whose pane had ended when they were read, now or the first time."""
        numbers, offsets = batch.partition[rows], batch.offset[rows]
        late = ends_us <= self.ledger.watermarks(key.system, numbers, offsets)
        self._count("late", int(late.sum()), key)
        for number in np.unique(numbers[late]).tolist():
            mine = late & (numbers == number)
            for end_us in np.unique(ends_us[mine]).tolist():
                lowest = int(offsets[mine & (ends_us == end_us)].min())
                self.ledger.was_late(number, key.system, Mark(lowest, end_us))
        return late

    def _unopenable(self, panes: NDArray[np.int64], key: ModelKey) -> list[int]:
        """New panes beyond the bound, the latest first to go."""
        plan = self.contexts.of(key).plan
        watermark = self.ledger.clock(key.system).watermark_us
        held = self._open_panes(key.system, key.model)
        new = [int(p) for p in np.unique(panes) if int(p) not in held and int(p) + plan.pane_us > watermark]
        room = max(0, self._most_open(plan) - len(held))
        return new[room:]

    def _open_panes(self, system: str, model: str) -> set[int]:
        return {pane.record.start_us for pane in self.joins.of_model(system, model) if not pane.record.frozen}

    def _most_open(self, plan: WindowPlan) -> int:
        return self.bounds.max_open_panes or 3 * (plan.length_us // plan.pane_us) + self.trailing_events

    def _first_copies(self, hashes: NDArray[np.uint64], marks: NDArray[np.uint32], key: ModelKey) -> Rows:
        """Indices of the first copy of each id that no open pane knows, in the order of reading."""
        unique, first, inverse = np.unique(hashes, return_index=True, return_inverse=True)
        known, known_marks = self.joins.find_open(key.system, key.model, unique)
        original = np.where(known, known_marks, marks[first])
        conflicts = int((marks != original[inverse]).sum())
        self._count("conflict", conflicts, key)
        return np.sort(first[~known])

    def _count(self, name: str, amount: int, key: ModelKey) -> None:
        self.ledger.count(name, amount, system=key.system, model=key.model)
