"""What a member hands over besides offsets: where windows stand, and all from before them that their verdicts look at.

    lanes       streams with closed windows, and the stretches of event time in which records were missing
    late        which events were late the first time (agent/state/lateness.py)
    runs        undecided windows that the next window is judged together with, of what inference events decide
    volumes     events of the whole models' closed windows, which the same hours of later weeks are compared with

As text: JSON, compressed, in base 85. It is typed and bounded on the way back: anybody who may commit could have written it.
"""

from __future__ import annotations

import base64
import zlib
from typing import Self

import msgspec

from agent.source import Partition
from detectors.columns import StreamKey
from detectors.thresholds import Carry

MAX_BYTES = 1 << 22
"""Of the JSON; far more than all partitions of a topic can carry of it compressed."""

Subjects = tuple[tuple[str, str], ...]
"""(metric, subject)."""


class LaneNote(msgspec.Struct, frozen=True, array_like=True):
    """Where a stream's windows stand."""

    system: str
    model: str
    version: str
    segment: str
    first_pane_us: int
    closed_until_us: int
    last_seen_us: int

    @property
    def key(self) -> StreamKey:
        return StreamKey(self.system, self.model, self.version, self.segment)


class LateNote(msgspec.Struct, frozen=True, array_like=True):
    """From an offset on, events of panes that ended by a time were late."""

    topic: str
    number: int
    system: str
    offset: int
    watermark_us: int

    @property
    def partition(self) -> Partition:
        return Partition(self.topic, self.number)


class RunNote(msgspec.Struct, frozen=True, array_like=True):
    """A run of undecided windows, once for all metrics that share it."""

    starts_us: tuple[int, ...]
    end_us: int
    undecided_runs: int
    of: tuple[tuple[StreamKey, Subjects], ...]

    @property
    def carry(self) -> Carry:
        return Carry(self.starts_us, self.end_us, self.undecided_runs)


class VolumesNote(msgspec.Struct, frozen=True, array_like=True):
    """Events of a model's closed windows of one length.

    Attributes:
        steps_us: from each window's end to the next one's, the first from 0.
        more: events beyond those of the window a week earlier, where that is known; else all.
    """

    system: str
    model: str
    length_us: int
    steps_us: tuple[int, ...]
    more: tuple[int, ...]


class Handed(msgspec.Struct, frozen=True, array_like=True):
    """See the module; ``cuts`` by system."""

    lanes: tuple[LaneNote, ...] = ()
    cuts: dict[str, tuple[tuple[int, int], ...]] = msgspec.field(default_factory=dict)
    late: tuple[LateNote, ...] = ()
    runs: tuple[RunNote, ...] = ()
    volumes: tuple[VolumesNote, ...] = ()

    def to_text(self) -> str:
        return base64.b85encode(zlib.compress(msgspec.json.encode(self))).decode()

    @classmethod
    def from_text(cls, text: str) -> Self | None:
        """``None`` where it cannot be understood."""
        try:
            packed = zlib.decompressobj()
            body = packed.decompress(base64.b85decode(text), MAX_BYTES)
            return msgspec.json.decode(body, type=cls) if packed.eof else None
        except (ValueError, zlib.error, msgspec.DecodeError):
            return None
