"""Accepted events into the tables of their streams, and into the join for their labels."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import msgspec
import numpy as np
from numpy.typing import NDArray

from agent.flow.contexts import Context, Contexts
from agent.join.joins import Joins, PaneKey
from agent.join.labels import LabelIntake
from agent.join.pane import row_dtype
from agent.state.ledger import Ledger
from agent.state.panes import PaneId, Panes
from agent.state.store import Lane
from detectors.columns import Columns, Inferences, ModelKey, StreamKey
from detectors.encode import encode
from detectors.windows import BEGINNING_OF_TIME

Rows = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Accepted:
    """Accepted events of one model version in one pane, n rows in the order of reading.

    Attributes:
        batch, rows: where they stand in what was read.
        hashes, marks: of their ids, and of their bytes.
    """

    key: ModelKey
    context: Context
    start_us: int
    batch: Inferences
    rows: Rows
    hashes: NDArray[np.uint64]
    marks: NDArray[np.uint32]
    columns: Columns

    def values(self, name: str) -> list[object] | None:
        """Raw values of one name; ``None`` where no event of the batch carries it."""
        values = self.batch.values.get(name)
        return None if values is None else [values[row] for row in self.rows.tolist()]


class Counting:
    """Owned by the loop's thread."""

    def __init__(
        self,
        contexts: Contexts,
        ledger: Ledger,
        panes: Panes,
        joins: Joins,
        labels: LabelIntake,
        max_streams: int,
    ) -> None:
        self.contexts = contexts
        self.ledger = ledger
        self.panes = panes
        self.joins = joins
        self.labels = labels
        self.max_streams = max_streams

    def count(
        self,
        batch: Inferences,
        rows: Rows,
        hashes: NDArray[np.uint64],
        marks: NDArray[np.uint32],
        panes: NDArray[np.int64],
    ) -> None:
        """Count events of one model version, (n,) each: what they are, and the start of their panes."""
        key = batch.models[batch.model_of[rows[0]]]
        context = self.contexts.of(key)
        whole = encode(batch, None if len(rows) == len(batch) else rows, context.layout)
        for start_us, chosen in _by_pane(panes):
            columns = _some(whole, batch, rows, chosen, context)
            self._count_pane(
                Accepted(key, context, start_us, batch, rows[chosen], hashes[chosen], marks[chosen], columns)
            )

    def _count_pane(self, events: Accepted) -> None:
        lane = self._lane(StreamKey(*events.key), events)
        self.panes.add(PaneId(lane.id, events.start_us), events.context.count(events.columns))
        self._count_accepted(events)
        self._remember(events, lane.id, self._count_segments(events))
        self._note_needs(events)

    def _count_accepted(self, events: Accepted) -> None:
        labels = events.key._asdict()
        self.ledger.count("accepted", len(events.columns), **labels)
        self.ledger.count("failed", int(events.columns.failed.sum()), **labels)
        self.ledger.raise_to("last_event_us", int(events.batch.occurred_us[events.rows].max()), **labels)

    def _count_segments(self, events: Accepted) -> NDArray[np.int32]:
        """Count the segments' own streams; the lane of each row's segment, 0 where it has none."""
        lanes = np.zeros(len(events.rows), dtype=np.int32)
        segments = events.context.model.segments
        values = events.values(f"segment.{segments.by}") if segments else None
        if segments is None or values is None:
            return lanes
        for value in dict.fromkeys(v for v in values if isinstance(v, str) and v):
            lane = self._segment_lane(events, f"{segments.by}={value}", segments.max)
            if lane is None:
                self.ledger.count(
                    "segment_overflow", values.count(value), system=events.key.system, model=events.key.model
                )
                continue
            mine = np.array([v == value for v in values])
            lanes[mine] = lane.id
            columns = encode(events.batch, events.rows[mine], events.context.layout)
            self.panes.add(PaneId(lane.id, events.start_us), events.context.count(columns))
        return lanes

    def _segment_lane(self, events: Accepted, segment: str, most: int) -> Lane | None:
        stream = StreamKey(*events.key, segment)
        if self.ledger.lane(stream, events.context.digest) is None:
            segments = [lane for lane in self.ledger.lanes.values() if lane.key.segment and not lane.ended]
            known = sum(lane.key[:3] == events.key for lane in segments)
            if known >= most or self.ledger.live_lanes >= self.max_streams:
                return None
        return self._lane(stream, events)

    def _lane(self, stream: StreamKey, events: Accepted) -> Lane:
        context = events.context
        lane = self.ledger.lane(stream, context.digest)
        if lane is None:
            self.ledger.put_context(context.digest, msgspec.json.encode(context.stored()))
            lane = self.ledger.new_lane(stream, context.digest, events.start_us)
        seen = _seen(lane, events.start_us)
        if seen is not lane:
            self.ledger.put_lane(seen)
        return seen

    def _remember(self, events: Accepted, lane: int, segment_lanes: NDArray[np.int32]) -> None:
        """Keep what a label will need; without labels, the ids alone, to know copies."""
        context, columns = events.context, events.columns
        wanted = context.horizon_us is not None
        scores, groups = (len(columns.scores), len(columns.groups)) if wanted else (0, 0)
        rows = np.empty(len(columns), dtype=row_dtype(scores, groups))
        rows["hash"], rows["mark"] = events.hashes, events.marks
        rows["lane"], rows["segment_lane"] = lane, segment_lanes
        rows["prediction"], rows["bucket"] = columns.prediction, columns.bucket
        rows["scores"], rows["groups"] = columns.scores.T[:, :scores], columns.groups.T[:, :groups]
        key = PaneKey(*events.key, context.digest, events.start_us)
        pane = self.joins.pane(key, context.plan.pane_us, scores, groups)
        pane.append_rows(rows)
        if wanted:
            self.labels.take_in_event(pane, events.hashes, events.batch.occurred_us[events.rows], columns.truth)

    def _note_needs(self, events: Accepted) -> None:
        """The lowest offset per partition that this pane rests on."""
        partitions, offsets = events.batch.partition[events.rows], events.batch.offset[events.rows]
        for number in np.unique(partitions).tolist():
            lowest = int(offsets[partitions == number].min())
            self.ledger.need(number, events.key.system, events.start_us, lowest)


def _by_pane(panes: NDArray[np.int64]) -> Iterator[tuple[int, Rows]]:
    """Each pane with the indices of its events, in the order of reading."""
    for start in np.unique(panes).tolist():
        yield start, np.flatnonzero(panes == start)


def _some(whole: Columns, batch: Inferences, rows: Rows, chosen: Rows, context: Context) -> Columns:
    """The columns of some of the rows that were encoded."""
    if len(chosen) == len(rows):
        return whole
    return encode(batch, rows[chosen], context.layout) if any(whole.unseen) else whole.take(chosen)


def _seen(lane: Lane, start_us: int) -> Lane:
    """The lane as it is when it holds events of this pane; one that had ended comes back."""
    if lane.ended:
        return msgspec.structs.replace(
            lane, ended=False, first_pane_us=start_us, last_seen_us=start_us, closed_until_us=BEGINNING_OF_TIME
        )
    if start_us < lane.first_pane_us and lane.closed_until_us == BEGINNING_OF_TIME:
        return msgspec.structs.replace(lane, first_pane_us=start_us, last_seen_us=start_us)
    return lane
