"""What was measured about a stream, read beside the agent: one measure over time, and one window's data quality.

Measurements are keyed by due time, then stream, so both seek from due time to due time and read few rows of each.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterator, Sequence

import msgspec

from exporters.dossier import Judged, Trend

MOST_WINDOWS = 48
MOST_DUE_TIMES = 600
"""Due times looked at: those of other systems come between."""
END_OF_TIME_US = (1 << 63) - 1


class _Whole(msgspec.Struct):
    """What a run of windows that were judged as one came to."""

    n: int = 0


class _Line(msgspec.Struct):
    """The parts of a line of ``measurements.jsonl`` that are shown."""

    window_start: str
    window_end: str
    family: str
    metric: str
    subject: str = ""
    n: int = 0
    value: float | None = None
    lower: float | None = None
    upper: float | None = None
    effect: float | None = None
    effect_lower: float | None = None
    effect_upper: float | None = None
    tolerance: float | None = None
    verdict: str = ""
    verdict_reason: str = ""
    reason: str = ""
    judged: _Whole | None = None


_decode = msgspec.json.Decoder(_Line).decode


def trend(
    connection: sqlite3.Connection, stream: Sequence[str], metric: str, subject: str, until_us: int = END_OF_TIME_US
) -> Trend:
    """The last windows of one measure that were due before a time, the oldest first.

    Args:
        stream: system, model, version, segment.
    """
    found: list[Judged] = []
    for due_us in _due_times(connection, until_us):
        rows = _of_stream(connection, stream, due_us, "AND metric = ? AND subject = ?", (metric, subject))
        found += sorted((_judged(line) for line in rows), key=lambda one: one.end, reverse=True)
        if len(found) >= MOST_WINDOWS:
            break
    return Trend(metric, subject, tuple(reversed(found[:MOST_WINDOWS])))


def measured(
    connection: sqlite3.Connection, stream: Sequence[str], due_us: int, families: Collection[str]
) -> tuple[Judged, ...]:
    """What detectors of these families measured in the window of a stream that was due at this time."""
    found = (_judged(line) for line in _of_stream(connection, stream, due_us, "", ()))
    return tuple(one for one in found if one.family in families)


def _due_times(connection: sqlite3.Connection, before_us: int) -> Iterator[int]:
    """Due times before a time, the latest first."""
    for _ in range(MOST_DUE_TIMES):
        query = "SELECT due_us FROM measurement WHERE due_us < ? ORDER BY due_us DESC LIMIT 1"
        row = connection.execute(query, (before_us,)).fetchone()
        if row is None:
            return
        before_us = row[0]
        yield before_us


def _of_stream(
    connection: sqlite3.Connection, stream: Sequence[str], due_us: int, condition: str, values: tuple[str, ...]
) -> Iterator[bytes]:
    """Lines of one due time; the key is the stream and, behind one more separator, its context."""
    first = "\x1f".join(stream) + "\x1f"
    beyond = first[:-1] + "\x20"
    rows = connection.execute(
        f"SELECT line FROM measurement WHERE due_us = ? AND stream >= ? AND stream < ? {condition}",  # noqa: S608
        (due_us, first, beyond, *values),
    )
    return (line for (line,) in rows)


def _judged(line: bytes) -> Judged:
    told = _decode(line)
    return Judged(
        metric=told.metric,
        subject=told.subject,
        family=told.family,
        start=told.window_start,
        end=told.window_end,
        n=told.n,
        value=told.value,
        value_lower=told.lower,
        value_upper=told.upper,
        effect=told.effect,
        lower=told.effect_lower,
        upper=told.effect_upper,
        tolerance=told.tolerance,
        verdict=told.verdict,
        reason=told.reason or told.verdict_reason,
        judged_n=None if told.judged is None else told.judged.n,
    )
