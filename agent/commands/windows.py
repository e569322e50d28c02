"""How windows, streams and times are written on the command line."""

from __future__ import annotations

import re

from agent.clock import time_us
from agent.commands.common import USAGE, fail
from detectors.columns import StreamKey

_WINDOW = re.compile(r"(?P<stream>.+)@(?P<start>[^/@]+)/(?P<end>[^/@]+)")


def window_of(text: str) -> tuple[StreamKey, int, int]:
    """``STREAM@START/END``: the stream, and microseconds; the command ends where it is none."""
    match = _WINDOW.fullmatch(text)
    if match is None:
        fail(f"{text!r} is no window; write STREAM@START/END.", USAGE)
    return stream_of(match["stream"]), instant_of(match["start"]), instant_of(match["end"])


def stream_of(text: str) -> StreamKey:
    """``SYSTEM/MODEL/VERSION[/SEGMENT]``; the command ends where it is none."""
    parts = text.split("/", 3)
    if len(parts) < 3:
        fail(f"{text!r} is no stream; write SYSTEM/MODEL/VERSION[/SEGMENT].", USAGE)
    return StreamKey(*parts)


def instant_of(text: str) -> int:
    """A time as ISO 8601, in microseconds; the command ends where it is none."""
    try:
        return time_us(text)
    except ValueError:
        fail(f"{text!r} is no time; write 2026-11-24T08:00:00Z.", USAGE)
