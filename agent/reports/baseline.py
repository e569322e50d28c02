"""Which rows stand for what was normal, where nobody says: the earliest window of the log.

The reference of the settings is a file of tables and holds no rows. Of the rows that the log holds, the earliest lie nearest
to the time that the reference speaks of, and they are fixed: a window just before the one that is looked at would follow a
slow drift and hide it.
"""

from __future__ import annotations

from agent.clock import iso
from agent.evidence.span import Span
from config.errors import ReportError
from exporters.evidence.leaf import Inference, read_leaf
from exporters.evidence.reader import LogReader

LOOK_ON = 4096
"""Entries read behind the first event: events are not quite in the order of their times."""
_INFERENCE = b'{"type":"inference"'


def earliest_window(reader: LogReader, span: Span) -> tuple[int, int]:
    """Start and end of the earliest window that is as long as this one, lies a whole number of lengths before it, and
    begins behind the first event; where there is none, the window right before.

    Raises:
        ReportError: the log holds no event before this window.
        EvidenceError: the log cannot be read.
    """
    first_us = _first_event_us(reader, Span(span.stream, -(1 << 62), span.start_us))
    if first_us is None:
        raise ReportError(
            f"the log holds no events of {span.stream} before {iso(span.start_us)}, so nothing to compare with. "
            "Name other rows with --reference-window START/END"
        )
    length_us = span.end_us - span.start_us
    back = max(1, (span.start_us - first_us) // length_us)
    return span.start_us - back * length_us, span.start_us - (back - 1) * length_us


def _first_event_us(reader: LogReader, span: Span) -> int | None:
    earliest: int | None = None
    left = LOOK_ON
    for shard in reader.shards():
        for index, entry in enumerate(reader.entries(shard)):
            if entry.startswith(_INFERENCE):
                leaf = read_leaf(entry, f"{reader.path(shard)}, entry {index}")
                if isinstance(leaf, Inference) and span.holds(leaf):
                    earliest = leaf.at if earliest is None else min(earliest, leaf.at)
            left -= earliest is not None
            if left == 0:
                return earliest
    return earliest
