"""How fast one receiver may be told."""

from __future__ import annotations

from collections import deque

MINUTE_US = 60_000_000


class Pace:
    """At most so many messages in any minute. The first ones go at once; what gathers while it is used up goes in one."""

    def __init__(self, per_minute: int | None) -> None:
        """``None`` is as fast as can be."""
        self._sent: deque[int] = deque(maxlen=per_minute)
        self._limited = per_minute is not None

    def not_before_us(self, now_us: int) -> int:
        """When the next message may go. A clock that was set back makes nobody wait for longer than a minute."""
        if not self._limited or len(self._sent) < (self._sent.maxlen or 0):
            return 0
        return min(self._sent[0], now_us) + MINUTE_US

    def sent(self, now_us: int) -> None:
        """One has gone."""
        if self._limited:
            self._sent.append(now_us)
