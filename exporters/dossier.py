"""All that is shown about one incident beyond its record: its measures over time, its columns, its entries in the log."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec


@dataclass(frozen=True, slots=True)
class Judged:
    """A measure in one window, as it was recorded.

    Attributes:
        effect, lower, upper: what was compared with ``tolerance`` and its interval; larger is worse.
        judged_n: events that the effect rests on, where the window was judged together with those before it.
        verdict: a status, or empty where it only informs; reason: why there is no value, or why the verdict is what it is.
    """

    metric: str
    subject: str
    family: str
    start: str
    end: str
    n: int
    value: float | None = None
    value_lower: float | None = None
    value_upper: float | None = None
    effect: float | None = None
    lower: float | None = None
    upper: float | None = None
    tolerance: float | None = None
    verdict: str = ""
    reason: str = ""
    judged_n: int | None = None


@dataclass(frozen=True, slots=True)
class Trend:
    """One measure over time, the oldest window first."""

    metric: str
    subject: str
    windows: tuple[Judged, ...]


class ColumnPicture(msgspec.Struct, frozen=True):
    """One column of one window beside its reference.

    Attributes:
        numeric: whether ``cells`` are ranges of numbers, in order; else they are levels.
        cells: a name per cell: what flaws there are (missing, invalid, ...), ranges, or levels, which are values of events.
        flaws: how many of the first cells are flaws.
        reference, current: events per cell; ``reference`` is empty where there is none.
    """

    column: str
    numeric: bool
    cells: tuple[str, ...]
    flaws: int
    reference: tuple[int, ...]
    current: tuple[int, ...]


class Pictures(msgspec.Struct, frozen=True):
    """The columns of an incident as they were in one window, the most telling first."""

    window_start_us: int
    window_end_us: int
    columns: tuple[ColumnPicture, ...]


@dataclass(frozen=True, slots=True)
class LogEntry:
    """One entry of the event log: the shard and its number there."""

    shard: str
    index: int
    kind: str
    at_us: int

    @property
    def where(self) -> str:
        return f"{self.shard}/{self.index}"


@dataclass(frozen=True, slots=True)
class Example:
    """One event of the window, read back from the log; values that the settings do not reveal are masked.

    Attributes:
        source: topic, partition and offset; output: the declared class, ``None`` for another one and for a number.
        fields: what the record carries, by path; empty where it cannot be read, then ``unreadable`` says why.
    """

    where: str
    event_id: str
    at_us: int
    source: tuple[str, int, int]
    output: str | None
    envelope: str
    fields: tuple[tuple[str, str], ...] = ()
    unreadable: str = ""


@dataclass(frozen=True, slots=True)
class Dossier:
    """See the module. ``missing`` says of each part that cannot be shown why."""

    trends: tuple[Trend, ...] = ()
    pictures: Pictures | None = None
    quality: tuple[Judged, ...] = ()
    entries: tuple[LogEntry, ...] = ()
    examples: tuple[Example, ...] = ()
    missing: tuple[tuple[str, str], ...] = ()
