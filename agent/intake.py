"""Inference events into tables: classify each event, count the accepted ones, remember them for their labels.

The classes, in this order: rejected, late, duplicate, accepted. Their counters add up to what was received.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from agent.contexts import Context, Contexts
from agent.join import Joins, PaneKey
from agent.join_pane import row_dtype
from agent.labels import LabelIntake, id_hashes, seed_of
from agent.ledger import Ledger
from agent.panes import PaneId, Panes
from agent.state import Lane
from detectors.columns import Columns, Inferences, ModelKey, StreamKey
from detectors.encode import encode
from detectors.windows import BEGINNING_OF_TIME

Rows = NDArray[np.intp]

FUTURE = "future"
MAX_OPEN_PANES = "max_open_panes"


class Refused(NamedTuple):
    """An event that can be read and cannot be placed; its bytes go to the rejected records."""

    row: int
    reason: str
    detail: str


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
        self.panes = panes
        self.joins = joins
        self.labels = labels
        self.bounds = bounds
        self.trailing_events = 0

    def take(self, batch: Inferences, rows: Rows, marks: NDArray[np.uint32], now_us: int) -> list[Refused]:
        """Count events.

        Args:
            batch, rows: the rows of the batch that may be read now, in the order of reading.
            marks: (len(batch),) fingerprint of each record's bytes, to tell unequal copies.

        Returns:
            The events that had to be rejected.
        """
        refused: list[Refused] = []
        for of_model in self._by_model(batch, rows):
            refused += self._take_model(batch, of_model, marks, now_us)
        return refused

    def _by_model(self, batch: Inferences, rows: Rows) -> Iterator[Rows]:
        """Rows of each (system, model), whatever the version."""
        names = [key[:2] for key in batch.models]
        if len(set(names)) == 1:
            yield rows
            return
        number = np.array([names.index(name) for name in names])[batch.model_of[rows]]
        yield from (rows[number == one] for one in np.unique(number))

    def _take_model(self, batch: Inferences, rows: Rows, marks: NDArray[np.uint32], now_us: int) -> list[Refused]:
        key = batch.models[batch.model_of[rows[0]]]
        system, model = key.system, key.model
        plan = self.contexts.of(key).plan
        panes = plan.pane_of(batch.occurred_us[rows])
        refused, good = self._placeable(batch, rows, panes, key, now_us)
        rows, panes = rows[good], panes[good]
        on_time = panes + plan.pane_us > self.ledger.clock(system).watermark_us
        self._count("late", int((~on_time).sum()), key)
        rows, panes = rows[on_time], panes[on_time]
        hashes = id_hashes([batch.ids[row] for row in rows.tolist()], seed_of(system, model))
        first = self._first_copies(hashes, marks[rows], key)
        self._count("duplicate", len(rows) - len(first), key)
        rows, panes, hashes = rows[first], panes[first], hashes[first]
        for group in _groups(batch.model_of[rows], panes):
            self._count_pane(batch, rows[group], hashes[group], marks[rows[group]], int(panes[group[0]]))
        self.labels.retry(system, model, hashes)
        return refused

    def _placeable(
        self, batch: Inferences, rows: Rows, panes: NDArray[np.int64], key: ModelKey, now_us: int
    ) -> tuple[list[Refused], NDArray[np.bool_]]:
        """Rows whose time can be believed and whose pane can be opened."""
        good = np.ones(len(rows), dtype=np.bool_)
        refused: list[Refused] = []
        if self.bounds.max_ahead_us is not None:
            ahead = batch.occurred_us[rows] > now_us + self.bounds.max_ahead_us
            good &= ~ahead
            refused += [
                Refused(int(row), FUTURE, "occurred_at is further ahead of this machine's clock than source.max_ahead")
                for row in rows[ahead]
            ]
        for start in self._unopenable(panes[good], key):
            beyond = good & (panes == start)
            good &= ~beyond
            refused += [
                Refused(
                    int(row),
                    MAX_OPEN_PANES,
                    "its time is further ahead of the watermark than windows are kept open",
                )
                for row in rows[beyond]
            ]
        return refused, good

    def _unopenable(self, panes: NDArray[np.int64], key: ModelKey) -> list[int]:
        """New panes beyond the bound, the latest first to go."""
        plan = self.contexts.of(key).plan
        bound = self.bounds.max_open_panes or 3 * (plan.length_us // plan.pane_us) + self.trailing_events
        watermark = self.ledger.clock(key.system).watermark_us
        held = {pane.record.start_us for pane in self.joins.of_model(key.system, key.model) if not pane.record.frozen}
        new = [int(p) for p in np.unique(panes) if int(p) not in held and int(p) + plan.pane_us > watermark]
        room = max(0, bound - len(held))
        return new[room:]

    def _first_copies(self, hashes: NDArray[np.uint64], marks: NDArray[np.uint32], key: ModelKey) -> Rows:
        """Indices of the first copy of each id that no open pane knows, in the order of reading."""
        unique, first, inverse = np.unique(hashes, return_index=True, return_inverse=True)
        known, known_marks = self.joins.find_open(key.system, key.model, unique)
        original = np.where(known, known_marks, marks[first])
        conflicts = int((marks != original[inverse]).sum())
        self._count("conflict", conflicts, key)
        return np.sort(first[~known])

    def _count_pane(
        self, batch: Inferences, rows: Rows, hashes: NDArray[np.uint64], marks: NDArray[np.uint32], start_us: int
    ) -> None:
        """Count accepted events of one model version in one pane."""
        key = batch.models[batch.model_of[rows[0]]]
        context = self.contexts.of(key)
        lane = self._lane(StreamKey(*key), context, start_us)
        columns = encode(batch, rows, context.layout)
        self.panes.add(PaneId(lane.id, start_us), context.count(columns))
        self._count_accepted(key, columns, int(batch.occurred_us[rows].max()))
        segment_lanes = self._count_segments(batch, rows, key, context, start_us)
        times = batch.occurred_us[rows]
        self._remember(key, context, start_us, columns, hashes, marks, times, lane.id, segment_lanes)
        for number in np.unique(batch.partition[rows]).tolist():
            mine = rows[batch.partition[rows] == number]
            self.ledger.need(number, key.system, start_us, int(batch.offset[mine].min()))

    def _count_accepted(self, key: ModelKey, columns: Columns, latest_us: int) -> None:
        labels = key._asdict()
        self.ledger.count("accepted", len(columns), **labels)
        self.ledger.count("failed", int(columns.failed.sum()), **labels)
        self.ledger.raise_to("last_event_us", latest_us, **labels)

    def _count_segments(
        self, batch: Inferences, rows: Rows, key: ModelKey, context: Context, start_us: int
    ) -> NDArray[np.int32]:
        """Count the segments' own streams; the lane of each row's segment, 0 where it has none."""
        lanes = np.zeros(len(rows), dtype=np.int32)
        segments = context.model.segments
        if segments is None:
            return lanes
        values = batch.values.get(f"segment.{segments.by}")
        if values is None:
            return lanes
        chosen: list[object] = [values[row] for row in rows.tolist()]
        for value in dict.fromkeys(v for v in chosen if isinstance(v, str) and v):
            lane = self._segment_lane(key, context, f"{segments.by}={value}", segments.max, start_us)
            if lane is None:
                self._count("segment_overflow", chosen.count(value), key)
                continue
            mine = np.array([v == value for v in chosen])
            lanes[mine] = lane.id
            self.panes.add(PaneId(lane.id, start_us), context.count(encode(batch, rows[mine], context.layout)))
        return lanes

    def _segment_lane(self, key: ModelKey, context: Context, segment: str, most: int, start_us: int) -> Lane | None:
        stream = StreamKey(*key, segment)
        if self.ledger.lane(stream, context.digest) is None:
            known = sum(
                1 for lane in self.ledger.lanes.values() if lane.key[:3] == key and lane.key.segment and not lane.ended
            )
            if known >= most or len(self.ledger.lanes) >= self.bounds.max_streams:
                return None
        return self._lane(stream, context, start_us)

    def _lane(self, stream: StreamKey, context: Context, start_us: int) -> Lane:
        lane = self.ledger.lane(stream, context.digest)
        if lane is None:
            self.ledger.put_context(context.digest, msgspec.json.encode(context.stored()))
            lane = self.ledger.new_lane(stream, context.digest, start_us)
        return self._seen(lane, start_us)

    def _seen(self, lane: Lane, start_us: int) -> Lane:
        """The lane holds events of this pane; one that had ended comes back."""
        changed = lane
        if lane.ended:
            changed = msgspec.structs.replace(
                lane, ended=False, first_pane_us=start_us, last_seen_us=start_us, closed_until_us=BEGINNING_OF_TIME
            )
        elif start_us < lane.first_pane_us and lane.closed_until_us == BEGINNING_OF_TIME:
            changed = msgspec.structs.replace(lane, first_pane_us=start_us, last_seen_us=start_us)
        if changed is not lane:
            self.ledger.put_lane(changed)
        return changed

    def _remember(
        self,
        key: ModelKey,
        context: Context,
        start_us: int,
        columns: Columns,
        hashes: NDArray[np.uint64],
        marks: NDArray[np.uint32],
        occurred_us: NDArray[np.int64],
        lane: int,
        segment_lanes: NDArray[np.int32],
    ) -> None:
        """Keep what a label will need; without labels, the ids alone, to know copies."""
        wanted = context.horizon_us is not None
        scores, groups = (len(columns.scores), len(columns.groups)) if wanted else (0, 0)
        rows = np.empty(len(columns), dtype=row_dtype(scores, groups))
        rows["hash"], rows["mark"] = hashes, marks
        rows["lane"], rows["segment_lane"] = lane, segment_lanes
        rows["prediction"], rows["bucket"] = columns.prediction, columns.bucket
        rows["scores"], rows["groups"] = columns.scores.T[:, :scores], columns.groups.T[:, :groups]
        pane = self.joins.pane(PaneKey(*key, context.digest, start_us), context.plan.pane_us, scores, groups)
        pane.append_rows(rows)
        if wanted:
            self.labels.take_in_event(pane, hashes, occurred_us, columns.truth)

    def _count(self, name: str, amount: int, key: ModelKey) -> None:
        self.ledger.count(name, amount, system=key.system, model=key.model)


def _groups(model_of: NDArray[np.int32], panes: NDArray[np.int64]) -> Iterator[Rows]:
    """Indices of each (model version, pane), in the order of reading."""
    if len(panes) == 0:
        return
    if (model_of == model_of[0]).all() and (panes == panes[0]).all():
        yield np.arange(len(panes))
        return
    pairs = np.stack((model_of.astype(np.int64), panes))
    _, group = np.unique(pairs, axis=1, return_inverse=True)
    yield from (np.flatnonzero(group == one) for one in range(int(group.max()) + 1))
