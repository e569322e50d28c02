"""What the agent knows between two steps, apart from tables and join: positions, watermarks, counters, lanes, streams."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator

import msgspec
import numpy as np
from numpy.typing import NDArray

from agent.flow.history import WindowRecord
from agent.source import Partition
from agent.state.lateness import Ints, Lateness, Mark
from agent.state.needs import Needs
from agent.state.store import Lane, Position, Store, SystemClock
from detectors.columns import StreamKey
from detectors.incident import Moved, Transition
from detectors.incidents import StreamIncidents
from detectors.thresholds import Carry, Judgement
from detectors.windows import BEGINNING_OF_TIME


class StreamState(msgspec.Struct, frozen=True):
    """What a stream remembers between windows, whatever its layout.

    Attributes:
        carries: by (metric, subject), the run of undecided windows.
        moved: what moved in the windows whose labels are still arriving.
        latest: the last measured window of each stage.
    """

    incidents: StreamIncidents
    carries: tuple[tuple[str, str, Carry], ...] = ()
    moved: tuple[Moved, ...] = ()
    latest: tuple[WindowRecord, ...] = ()

    def carry(self) -> dict[tuple[str, str], Carry]:
        return {(metric, subject): carry for metric, subject, carry in self.carries}

    def with_carry(self, carries: dict[tuple[str, str], Carry]) -> StreamState:
        kept = tuple((*key, carries[key]) for key in sorted(carries) if carries[key] != Carry())
        return msgspec.structs.replace(self, carries=kept)

    def with_latest(self, record: WindowRecord) -> StreamState:
        others = (known for known in self.latest if known.stage is not record.stage)
        return msgspec.structs.replace(self, latest=tuple(sorted((*others, record), key=lambda known: known.stage)))


class Ledger:
    """Read from the store at the start, changed by the step, written in its transaction.

    Attributes:
        revision: grows with every change of what a successor is told (agent/flow/handover.py).
    """

    def __init__(self, store: Store) -> None:
        self.store = store
        self.positions = store.positions()
        self.clocks = store.clocks()
        self.counters = store.counters()
        self.lanes = {lane.id: lane for lane in store.lanes()}
        self._lane_ids = {(lane.key, lane.context): lane.id for lane in self.lanes.values()}
        self.streams = {key: msgspec.json.decode(body, type=StreamState) for key, body in store.streams().items()}
        self.contexts = store.contexts()
        self.partitions: list[Partition] = sorted(self.positions)
        self.needs = Needs(self.positions)
        self.lateness = Lateness(self.positions)
        self.revision = 0
        self._new_contexts: dict[str, bytes] = {}
        self._dirty_counters: set[tuple[str, str]] = set()
        self._dirty_lanes: set[int] = set()
        self._dirty_streams: set[str] = set()

    def count(self, name: str, amount: int = 1, **labels: str) -> None:
        """Raise a counter; counters live in the same transaction as what they count."""
        if amount:
            key = (name, json.dumps(labels, sort_keys=True))
            self.counters[key] = self.counters.get(key, 0) + amount
            self._dirty_counters.add(key)

    def raise_to(self, name: str, value: int, **labels: str) -> None:
        """Keep the greatest value seen."""
        key = (name, json.dumps(labels, sort_keys=True))
        if value > self.counters.get(key, BEGINNING_OF_TIME):
            self.counters[key] = value
            self._dirty_counters.add(key)

    def value(self, name: str, **labels: str) -> int:
        """One counter, 0 where it never counted."""
        return self.counters.get((name, json.dumps(labels, sort_keys=True)), 0)

    def counter(self, name: str) -> Iterator[tuple[dict[str, str], int]]:
        """All values of a counter with their labels."""
        return ((json.loads(labels), value) for (known, labels), value in self.counters.items() if known == name)

    def count_judged(self, stream: StreamKey, windows: int, judgements: Iterable[Judgement]) -> None:
        """Windows that were measured, and verdicts by status."""
        self.count("windows_closed", windows, **stream._asdict())
        for status, amount in Counter(judgement.status for judgement in judgements).items():
            self.count("evaluations", amount, **stream._asdict(), status=status.value)

    def count_calls(self, stream: StreamKey, transitions: Iterable[Transition]) -> None:
        """Transitions that call somebody, by track."""
        for transition in transitions:
            if transition.calls:
                self.count("calls", **stream._asdict(), track=transition.track.value)

    def clock(self, system: str) -> SystemClock:
        return self.clocks.get(system, SystemClock())

    def position(self, partition: Partition) -> Position:
        return self.positions.get(partition, Position(0))

    def number_of(self, partition: Partition) -> int:
        """A small number for a partition, the same until the process ends."""
        if partition not in self.partitions:
            self.partitions.append(partition)
        return self.partitions.index(partition)

    def need(self, number: int, system: str, pane_us: int, offset: int) -> None:
        """A pane rests on a record of this offset, in the partition of this number."""
        self.needs.add(self.partitions[number], system, pane_us, offset)

    def keep_needed(self, system: str, open_from_us: int, run_starts_us: Iterable[int]) -> None:
        """Windows were closed: what neither open windows nor runs ask for will not be read again."""
        clock = self.clock(system)
        known = (start for start in run_starts_us if start >= clock.kept_from_us)
        kept_from_us = self.needs.keep(system, open_from_us, known)
        self.lateness.forget(system, kept_from_us)
        self.clocks[system] = msgspec.structs.replace(clock, open_from_us=open_from_us, kept_from_us=kept_from_us)
        self.revision += 1

    def watermarks(self, system: str, numbers: NDArray[np.int32], offsets: Ints) -> Ints:
        """How far the watermark had come when records were read first, by the numbers of their partitions, (n,) each."""
        reached = np.full(len(offsets), self.clock(system).watermark_us, dtype=np.int64)
        if self.lateness.knows(system):
            for number in np.unique(numbers).tolist():
                mine = numbers == number
                marked = self.lateness.watermark(self.partitions[number], system, offsets[mine])
                reached[mine] = np.maximum(reached[mine], marked)
        return reached

    def was_late(self, number: int, system: str, mark: Mark) -> None:
        """An event was late; who reads it again must know, unless nobody will ask for its pane."""
        if mark.watermark_us > self.clock(system).kept_from_us:
            self.revision += self.lateness.add(self.partitions[number], system, mark)

    def lane(self, key: StreamKey, context: str) -> Lane | None:
        lane_id = self._lane_ids.get((key, context))
        return None if lane_id is None else self.lanes[lane_id]

    @property
    def live_lanes(self) -> int:
        """How many streams are watched now."""
        return sum(not lane.ended for lane in self.lanes.values())

    def new_lane(self, key: StreamKey, context: str, pane_us: int) -> Lane:
        """A stream is seen for the first time under this context; one of another context is cut here."""
        replaced = [lane for lane in self.lanes.values() if lane.key == key and not lane.ended]
        for lane in replaced:
            self.put_lane(msgspec.structs.replace(lane, cut_us=pane_us))
        lane = Lane(
            id=max(self.lanes, default=0) + 1,
            key=key,
            context=context,
            first_pane_us=pane_us,
            last_seen_us=pane_us,
            cut_us=pane_us if replaced else None,
        )
        self._lane_ids[(key, context)] = lane.id
        self.put_lane(lane)
        return lane

    def put_lane(self, lane: Lane) -> None:
        self.lanes[lane.id] = lane
        self.revision += 1
        self._dirty_lanes.add(lane.id)

    def stream(self, key: StreamKey) -> StreamState:
        return self.streams.get(_text(key)) or StreamState(StreamIncidents(key))

    def put_stream(self, key: StreamKey, state: StreamState) -> None:
        self.streams[_text(key)] = state
        self.revision += 1
        self._dirty_streams.add(_text(key))

    def forget_runs(self) -> None:
        """Undecided runs and late labels rest on tables that are gone."""
        for key, state in self.streams.items():
            self.streams[key] = msgspec.structs.replace(state, carries=(), moved=())
            self._dirty_streams.add(key)

    def forget_runs_in(self, system: str, since_us: int, until_us: int) -> None:
        """Records of [since, until) are missing: runs with windows there begin anew."""
        for state in [state for state in self.streams.values() if state.incidents.stream.system == system]:
            carries = {
                key: Carry(undecided_runs=c.undecided_runs)
                if c.run and c.run[0] < until_us and since_us < c.end_us
                else c
                for key, c in state.carry().items()
            }
            if carries != state.carry():
                self.put_stream(state.incidents.stream, state.with_carry(carries))

    def put_context(self, digest: str, body: bytes) -> None:
        if digest not in self.contexts:
            self.contexts[digest] = body
            self._new_contexts[digest] = body

    def write(self) -> None:
        """Inside the transaction."""
        self.store.put_positions({p: self._whole(p, position) for p, position in self.positions.items()})
        self.store.put_clocks(self.clocks)
        self.store.put_counters({key: self.counters[key] for key in self._dirty_counters})
        self.store.put_lanes(self.lanes[lane] for lane in sorted(self._dirty_lanes))
        for digest, body in self._new_contexts.items():
            self.store.put_context(digest, body)
        for key in sorted(self._dirty_streams):
            self.store.put_stream(key, msgspec.json.encode(self.streams[key]))

    def _whole(self, partition: Partition, position: Position) -> Position:
        return msgspec.structs.replace(position, needed=self.needs.of(partition), late=self.lateness.of(partition))

    def written(self) -> None:
        """After the transaction."""
        self._dirty_counters.clear()
        self._dirty_lanes.clear()
        self._dirty_streams.clear()
        self._new_contexts.clear()


def _text(key: StreamKey) -> str:
    return json.dumps(list(key))
