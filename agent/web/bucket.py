"""A token bucket, as the leaky bucket of ITU-T I.371: bursts are let through, a lasting flood is not."""

from __future__ import annotations

import time
from collections.abc import Callable


class Bucket:
    """Holds up to ``burst`` tokens; one more comes every ``interval_seconds``. An interval of 0 lets all through."""

    def __init__(self, interval_seconds: float, burst: int, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._interval_seconds = interval_seconds
        self._burst = burst
        self._monotonic = monotonic
        self._tokens = float(burst)
        self._counted = monotonic()

    def take(self) -> bool:
        """Take a token, if there is one."""
        if self._interval_seconds == 0:
            return True
        now = self._monotonic()
        self._tokens = min(self._burst, self._tokens + (now - self._counted) / self._interval_seconds)
        self._counted = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True
