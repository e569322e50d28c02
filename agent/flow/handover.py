"""The note that goes with each Kafka commit, so that a member without our state can rebuild the open windows.

It says up to where windows are closed, from which offset the others can be rebuilt, and where each stream stands:

    {"v": 1, "from": 4711, "closed": {"credit-scoring": 1764000000000000}, "lanes": [[system, model, version, segment,
     closed until, last seen], ...]}

A broker keeps at most 4096 bytes of it. Where the lanes do not fit they are left out, and the first windows of the successor
are partial.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from agent.source import Assignment, Committed, Partition
from agent.state.ledger import Ledger
from agent.state.store import Position
from detectors.columns import StreamKey
from detectors.windows import BEGINNING_OF_TIME

VERSION = 1
MAX_NOTE_BYTES = 4000


class LaneNote(msgspec.Struct, frozen=True, array_like=True):
    """Where a stream's windows stand."""

    system: str
    model: str
    version: str
    segment: str
    closed_until_us: int
    last_seen_us: int

    @property
    def key(self) -> StreamKey:
        return StreamKey(self.system, self.model, self.version, self.segment)


class Note(msgspec.Struct, frozen=True):
    """See the module."""

    v: int
    start: int = msgspec.field(name="from")
    closed: dict[str, int] = msgspec.field(default_factory=dict)
    lanes: tuple[LaneNote, ...] | None = None


def commits(ledger: Ledger, partitions: Iterable[Partition]) -> dict[Partition, Committed]:
    """What is to be committed: next offsets with their notes."""
    closed = {system: clock.label_watermark_us for system, clock in ledger.clocks.items()}
    lanes = tuple(
        LaneNote(*lane.key, lane.closed_until_us, lane.last_seen_us)
        for lane in ledger.lanes.values()
        if not lane.ended and lane.closed_until_us != BEGINNING_OF_TIME
    )
    result: dict[Partition, Committed] = {}
    for partition in partitions:
        position = ledger.position(partition)
        start = min((offset for *_, offset in ledger.needed(partition)), default=position.next_offset)
        result[partition] = Committed(position.next_offset, _encode(start, closed, lanes))
    return result


def read_note(text: str) -> Note | None:
    """The note of another member; ``None`` where there is none that this version understands."""
    try:
        note = msgspec.json.decode(text, type=Note)
    except msgspec.DecodeError:
        return None
    return note if note.v == VERSION else None


def is_behind(own: Mapping[Partition, Position], assignment: Assignment) -> bool:
    """Whether another member has read further than our own state knows of."""
    return any(
        partition not in own or own[partition].next_offset < committed.offset
        for partition, committed in assignment.committed.items()
        if partition in assignment.partitions
    )


def _encode(start: int, closed: dict[str, int], lanes: tuple[LaneNote, ...]) -> str:
    whole = msgspec.json.encode(Note(VERSION, start, closed, lanes))
    if len(whole) > MAX_NOTE_BYTES:
        whole = msgspec.json.encode(Note(VERSION, start, closed))
    return whole.decode()
