"""The note that goes with each Kafka commit of a partition.

    {"v": 2, "from": 4711, "closed": {"lending": 1764000000000000}, "open": {"lending": 1763996400000000},
     "passed": {"lending": 1764000120000000}, "part": ["5f0c...", 0, 8, "..."]}

Each note says by itself from which offset its partition must be read again, and up to where event time has come. What else
is handed over (handed.py) is one text, of which each note carries a part. A broker keeps at most 4096 bytes of a note.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import accumulate

import msgspec
import xxhash

from agent.flow.handed import Handed

VERSION = 2
MAX_NOTE_BYTES = 4000
PART_BYTES = 96
"""Of a part beside its text, and of the names of what is left out."""


class Part(msgspec.Struct, frozen=True, array_like=True):
    """One of the parts of a text; the digest of the whole text keeps parts of two texts apart."""

    digest: str
    number: int
    of: int
    text: str


class LogMark(msgspec.Struct, frozen=True, array_like=True):
    """How far the log of the member that commits was recorded; ``name`` is borne by the log of one state directory only."""

    name: str
    shard: str
    size: int


class Note(msgspec.Struct, frozen=True, omit_defaults=True):
    """See the module. Times are by system, in microseconds since 1970.

    Attributes:
        start: lowest offset that open windows, or runs that are handed over, need.
        closed: windows that end by then are closed: the label watermark.
        open: start of the earliest pane that an open window may hold.
        passed: the watermark of inference events.
        cut: records before the next one were not read, and how far event time had come by then.
        log: of the member that commits; ``None`` where it keeps none.
        without: what did not fit, or reaches back too far; the successor begins anew there.
    """

    v: int
    start: int = msgspec.field(name="from")
    closed: dict[str, int] = {}
    open: dict[str, int] = {}
    passed: dict[str, int] = {}
    cut: int | None = None
    log: LogMark | None = None
    without: tuple[str, ...] = ()
    part: Part | None = None


def read_note(text: str) -> Note | None:
    """The note of another member; ``None`` where there is none that this version understands."""
    try:
        note = msgspec.json.decode(text, type=Note)
    except msgspec.DecodeError:
        return None
    return note if note.v == VERSION else None


def room_in(note: Note) -> int:
    """How many bytes of a text a note without one can take. It allows for offsets that grow by some digits."""
    return max(0, MAX_NOTE_BYTES - PART_BYTES - len(msgspec.json.encode(note)) // 64 * 64 - 64)


def split(text: str, rooms: Sequence[int]) -> list[Part]:
    """A text in parts of at most so many bytes, one for each room; the last ones may be empty.

    Raises:
        ValueError: it does not fit.
    """
    if len(text) > sum(rooms):
        raise ValueError(f"{len(text)} bytes do not fit into {sum(rooms)}")
    ends = list(accumulate(rooms))
    pieces = [text[end - room : end] for end, room in zip(ends, rooms, strict=True)]
    return [Part(_digest(text), number, len(rooms), piece) for number, piece in enumerate(pieces)]


def joined(notes: Iterable[Note], digest: str) -> Handed | None:
    """What the parts of one text say; ``None`` unless all of them are there."""
    parts = sorted((note.part for note in notes if note.part and note.part.digest == digest), key=lambda p: p.number)
    if [part.number for part in parts] != list(range(parts[0].of if parts else 1)):
        return None
    text = "".join(part.text for part in parts)
    return Handed.from_text(text) if _digest(text) == digest else None


def _digest(text: str) -> str:
    return xxhash.xxh3_64_hexdigest(text.encode())
