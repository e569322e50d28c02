"""The agent's clock; the only place that asks what time it is."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    def now_us(self) -> int:
        """Microseconds since 1970-01-01T00:00Z, as the machine believes."""
        ...

    def monotonic_seconds(self) -> float:
        """For durations: never steps back."""
        ...


class WallClock:
    """The machine's clock."""

    def now_us(self) -> int:
        return time.time_ns() // 1000

    def monotonic_seconds(self) -> float:
        return time.monotonic()


class FixedClock:
    """A clock that stands where it is put; file replays and tests use it."""

    def __init__(self, at_us: int = 0) -> None:
        self.at_us = at_us

    def now_us(self) -> int:
        return self.at_us

    def monotonic_seconds(self) -> float:
        return self.at_us / 1e6


def iso(time_us: int) -> str:
    """2026-11-23T20:00:00Z, with microseconds only where there are any."""
    moment = datetime.fromtimestamp(time_us // 1_000_000, UTC).replace(microsecond=time_us % 1_000_000)
    return moment.isoformat().replace("+00:00", "Z")


def time_us(text: str) -> int:
    """The inverse of ``iso``; any ISO 8601 time, UTC where it names no zone.

    Raises:
        ValueError: it is none.
    """
    moment = datetime.fromisoformat(text)
    since = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - datetime(1970, 1, 1, tzinfo=UTC)
    return since // timedelta(microseconds=1)
