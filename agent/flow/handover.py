"""What is committed to Kafka, so that a member without our state goes on as if nothing had happened.

The successor reads again from the earliest record that an open window or a run needs; notes.py has what goes with the
offsets, takeover.py what it does with it. Where not everything fits into the notes it is left out in the order of
``LEFT_OUT_FIRST``, and the notes say so.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import msgspec
import structlog

from agent.flow.handed import Handed, LaneNote, LateNote, RunNote, VolumesNote
from agent.flow.notes import VERSION, LogMark, Note, Part, room_in, split
from agent.source import Committed, Partition
from agent.state.ledger import Ledger
from agent.state.store import Lane
from agent.state.volumes import Series, Volumes
from detectors.columns import ALL_VERSIONS, StreamKey
from detectors.families import RULES
from detectors.measurement import Stage
from detectors.thresholds import Carry
from detectors.volume import WEEK_US
from detectors.windows import BEGINNING_OF_TIME, END_OF_TIME

log = structlog.get_logger(__name__)

LEFT_OUT_FIRST = ("volumes", "runs", "late", "lanes")


class Handover:
    """Owned by the loop's thread. What is handed over is composed anew only when it has changed: windows were closed."""

    def __init__(self, ledger: Ledger, volumes: Volumes) -> None:
        self.ledger = ledger
        self.volumes = volumes
        self.without: tuple[str, ...] = ()
        self._composed_of: object = None
        self._parts: list[Part] = []

    def commits(self, partitions: Sequence[Partition], log: LogMark | None = None) -> dict[Partition, Committed]:
        """What is to be committed: next offsets with their notes; ``log`` is how far our own log is recorded."""
        notes = [self._note(partition, log) for partition in partitions]
        rooms = [room_in(note) for note in notes]
        composed_of = (self.ledger.revision, self.volumes.revision, rooms)
        if composed_of != self._composed_of:
            self._compose(rooms)
            self._composed_of = composed_of
        whole = (
            msgspec.structs.replace(note, without=self.without, part=part)
            for note, part in zip(notes, self._parts, strict=True)
        )
        return {
            partition: Committed(self.ledger.position(partition).next_offset, msgspec.json.encode(note).decode())
            for partition, note in zip(partitions, whole, strict=True)
        }

    def _note(self, partition: Partition, log: LogMark | None) -> Note:
        position = self.ledger.position(partition)
        lowest = self.ledger.needs.lowest(partition)
        clocks = self.ledger.clocks
        return Note(
            VERSION,
            position.next_offset if lowest is None else lowest,
            closed=_begun({system: clock.label_watermark_us for system, clock in clocks.items()}),
            open=_begun({system: clock.open_from_us for system, clock in clocks.items()}),
            passed=_begun({system: clock.watermark_us for system, clock in clocks.items()}),
            cut=position.cut_from_us,
            log=log,
        )

    def _compose(self, rooms: Sequence[int]) -> None:
        """The parts of as much as fits."""
        handed, unreachable = self._handed(sum(rooms))
        text, left_out = _fitting(handed, sum(rooms))
        self._parts = split(text, rooms)
        without = tuple(name for name in LEFT_OUT_FIRST if name in {*left_out, *unreachable})
        if without != self.without:
            log.warning("handover_leaves_out", without=without)
        self.without = without

    def _handed(self, room: int) -> tuple[Handed, set[str]]:
        """Everything, and the names of what of it cannot be handed over at all."""
        runs = list(_runs(self.ledger))
        kept = [run for run in runs if _is_kept(self.ledger, run)]
        volumes = self.volumes.series(room)
        handed = Handed(
            lanes=tuple(_lanes(self.ledger)),
            cuts={system: cuts for system in self.ledger.clocks if (cuts := _cuts(self.ledger, system))},
            late=tuple(LateNote(*partition, system, *mark) for partition, system, mark in self.ledger.lateness),
            runs=_grouped(kept),
            volumes=tuple(volume_notes(volumes or {})),
        )
        missing = {"volumes": volumes is None, "runs": len(kept) < len(runs)}
        return handed, {name for name, is_missing in missing.items() if is_missing}


def _begun(times_us: dict[str, int]) -> dict[str, int]:
    return {system: time_us for system, time_us in times_us.items() if time_us != BEGINNING_OF_TIME}


def _fitting(handed: Handed, room: int) -> tuple[str, tuple[str, ...]]:
    """The text of as much as fits, and what is left out."""
    for count, name in enumerate(LEFT_OUT_FIRST):
        text = handed.to_text()
        if len(text) <= room:
            return text, LEFT_OUT_FIRST[:count]
        handed = msgspec.structs.replace(handed, **{name: ()})
    return "", LEFT_OUT_FIRST


def _lanes(ledger: Ledger) -> Iterator[LaneNote]:
    """Streams with closed windows. One that has ended, and whose events will be read again, ends again by itself."""
    newest: dict[StreamKey, Lane] = {}
    for lane in sorted(ledger.lanes.values(), key=lambda lane: lane.closed_until_us):
        if not lane.ended or lane.closed_until_us > ledger.clock(lane.key.system).kept_from_us:
            newest[lane.key] = lane
    for key, lane in sorted(newest.items()):
        if lane.closed_until_us != BEGINNING_OF_TIME:
            yield LaneNote(*key, lane.first_pane_us, lane.closed_until_us, lane.last_seen_us)


def _cuts(ledger: Ledger, system: str) -> tuple[tuple[int, int], ...]:
    clock = ledger.clock(system)
    return tuple((since, until) for since, until in clock.cuts if until > clock.kept_from_us)


class Run(NamedTuple):
    """What is undecided about one subject; ``begins_us``: earliest pane of it that may hold events."""

    carry: Carry
    stream: StreamKey
    subject: tuple[str, str]
    begins_us: int


def _runs(ledger: Ledger) -> Iterator[Run]:
    """All that inference events have left undecided."""
    first_panes = {lane.key: lane.first_pane_us for lane in ledger.lanes.values() if not lane.ended}
    for state in ledger.streams.values():
        stream = state.incidents.stream
        for metric, subject, carry in state.carries:
            if RULES[metric].stage is Stage.WINDOW:
                begins_us = max(min(carry.run, default=END_OF_TIME), first_panes.get(stream, BEGINNING_OF_TIME))
                yield Run(carry, stream, (metric, subject), begins_us)


def _is_kept(ledger: Ledger, run: Run) -> bool:
    """Whether all events of a run can be read again; of whole models the volumes say all."""
    return run.stream.version == ALL_VERSIONS or run.begins_us >= ledger.clock(run.stream.system).kept_from_us


def _grouped(runs: Iterable[Run]) -> tuple[RunNote, ...]:
    """Each run once, with the streams and subjects that share it."""
    groups: dict[Carry, dict[StreamKey, list[tuple[str, str]]]] = {}
    for run in runs:
        groups.setdefault(run.carry, {}).setdefault(run.stream, []).append(run.subject)
    return tuple(
        RunNote(carry.run, carry.end_us, carry.undecided_runs, tuple((of, tuple(keys)) for of, keys in streams.items()))
        for carry, streams in groups.items()
    )


def volume_notes(series: Mapping[Series, Mapping[int, int]]) -> Iterator[VolumesNote]:
    """Most windows are like those of the same hour a week before, so what differs takes less room."""
    for of, known in series.items():
        ends = sorted(known)
        more = [known[end] - known.get(end - WEEK_US, 0) for end in ends]
        yield VolumesNote(*of, tuple(end - before for before, end in zip([0, *ends], ends, strict=False)), tuple(more))
