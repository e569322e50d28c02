"""What the state says of partitions, systems and streams, as it is stored."""

from __future__ import annotations

import msgspec

from detectors.columns import StreamKey
from detectors.windows import BEGINNING_OF_TIME, PartitionProgress


class Position(msgspec.Struct, frozen=True):
    """Where a partition is read next and what is known of its event time.

    Attributes:
        next_offset: the first offset whose record is not in the state.
        progress: frontiers.
        needed: lowest offset of an accepted event by (system, pane start), for panes of unclosed windows and of runs.
        late: (system, offset, watermark): from this offset on, events of panes that ended by then were late.
        cut_from_us: records before its next one were not read, and how far its event time had come by then; else None.
        cut_seen_us: event times of the first events behind those records, until there are enough of them.
        topic_id: of the topic that the offset belongs to; empty where the source does not tell.
    """

    next_offset: int
    progress: PartitionProgress = PartitionProgress()
    needed: tuple[tuple[str, int, int], ...] = ()
    late: tuple[tuple[str, int, int], ...] = ()
    cut_from_us: int | None = None
    cut_seen_us: tuple[int, ...] = ()
    topic_id: str = ""


class SystemClock(msgspec.Struct, frozen=True):
    """How far the event time of a system has come.

    Attributes:
        watermark_us, label_watermark_us: of inference events, and of what labels decide.
        cuts: stretches [from, until) of event time in which records were not read.
        open_from_us: earliest pane that an open window may hold.
        kept_from_us: earliest pane that can be rebuilt by reading again; before ``open_from_us`` where runs ask for it.
    """

    watermark_us: int = BEGINNING_OF_TIME
    label_watermark_us: int = BEGINNING_OF_TIME
    cuts: tuple[tuple[int, int], ...] = ()
    open_from_us: int = BEGINNING_OF_TIME
    kept_from_us: int = BEGINNING_OF_TIME

    def cuts_into(self, start_us: int, end_us: int) -> bool:
        """Whether some events of the window may not have been read."""
        return any(start_us < until and since < end_us for since, until in self.cuts)


class Lane(msgspec.Struct, frozen=True, kw_only=True):
    """A stream under one layout: where its windows stand.

    Attributes:
        context: digest of layout, reference and window plan; a window never mixes two.
        first_pane_us: earliest accepted pane since it began or came back.
        closed_until_us: end of the last closed window; BEGINNING_OF_TIME before the first one.
        last_seen_us: end of the last window that held events.
        awaiting: closed windows (start, end) whose label horizon has not passed.
        ended: retired, or replaced by another layout.
        cut_us: the pane in which another layout took over: both hold a part only of the window around it; else None.
    """

    id: int
    key: StreamKey
    context: str
    first_pane_us: int
    last_seen_us: int
    closed_until_us: int = BEGINNING_OF_TIME
    awaiting: tuple[tuple[int, int], ...] = ()
    ended: bool = False
    cut_us: int | None = None

    def cuts_into(self, start_us: int, end_us: int) -> bool:
        """Whether the window holds a part only of its events."""
        return self.cut_us is not None and start_us <= self.cut_us < end_us
