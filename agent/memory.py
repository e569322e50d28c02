"""``limits.memory_bytes``: what the process holds is measured once a step, and above the limit nothing more is fetched.

First what nobody needs is given back. If that is not enough, fetching stops; what was read before is still counted, so that
windows close and memory falls. Where it does not fall though nothing moves any more - a partition may wait for one that is
held, or what was counted is itself too large - one batch at a time is fetched, and nothing before it has been counted: slow,
but never stuck.
"""

from __future__ import annotations

import ctypes
import gc
import os
from collections.abc import Callable
from pathlib import Path

import structlog

from agent.clock import Clock
from agent.source import Trouble

STATM = Path("/proc/self/statm")
ENOUGH = 0.9
"""Below this share of the limit fetching goes on."""
STILL_SECONDS = 5.0
"""Nothing was counted for so long: what is held back now would never be."""
RELEASE_SECONDS = 10.0
"""Releasing walks through all objects: not more often than this."""
MEBIBYTE = 1 << 20
MEMORY = "memory"
"""The kind of trouble."""

log = structlog.get_logger(__name__)

Meter = Callable[[], int | None]


def resident_bytes(statm: Path = STATM) -> int | None:
    """Resident memory of this process, as Linux counts it (proc(5)); ``None`` where the system does not say."""
    try:
        return int(statm.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, IndexError, ValueError):
        return None


def release() -> None:
    """Give back what no object uses: cycles, then what the C library keeps for later (``malloc_trim(3)`` of glibc)."""
    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


class MemoryGuard:
    """Says once a step whether anything may be fetched. Owned by the loop's thread.

    Args:
        limit_bytes: ``limits.memory_bytes``.

    Attributes:
        holds: nothing is to be fetched now.
        trouble: why reading is slower than it could be; ``None`` while memory is within the limit.
        pauses: how often the limit was passed in spite of what was given back.
    """

    def __init__(
        self,
        limit_bytes: int,
        clock: Clock,
        meter: Meter = resident_bytes,
        give_back: Callable[[], None] = release,
    ) -> None:
        self.limit_bytes = limit_bytes
        self.holds = False
        self.trouble: Trouble | None = None
        self.pauses = 0
        self._clock = clock
        self._meter = meter
        self._give_back = give_back
        self._released_at = float("-inf")
        self._moved_at = float("-inf")

    def look(self, drop_caches: Callable[[], None], *, moved: bool) -> None:
        """Measure, and decide.

        Args:
            drop_caches: forgets what can be read again from the disk.
            moved: records were counted since the last look.
        """
        now = self._clock.monotonic_seconds()
        if moved or self.trouble is None:
            self._moved_at = now
        held = self._meter()
        if held is not None and held > self.limit_bytes:
            held = self._after_release(held, now, drop_caches)
        if held is None or held <= self.limit_bytes * (ENOUGH if self.trouble else 1.0):
            self._go_on(held)
            return
        if self.trouble is None:
            self.pauses += 1
            log.warning("memory_short", held_bytes=held, limit_bytes=self.limit_bytes)
        self.trouble = self._trouble(held)
        self.holds = now - self._moved_at < STILL_SECONDS

    def _go_on(self, held: int | None) -> None:
        if self.trouble is not None:
            log.info("memory_enough", held_bytes=held, limit_bytes=self.limit_bytes)
        self.holds, self.trouble = False, None

    def _after_release(self, held: int, now: float, drop_caches: Callable[[], None]) -> int | None:
        if now - self._released_at < RELEASE_SECONDS:
            return held
        self._released_at = now
        drop_caches()
        self._give_back()
        return self._meter()

    def _trouble(self, held: int) -> Trouble:
        amount = f"{held // MEBIBYTE} MiB are held, limits.memory_bytes is {self.limit_bytes // MEBIBYTE} MiB"
        return Trouble(MEMORY, f"{amount}: little or nothing is fetched until it is less. Raise it, or watch less")
