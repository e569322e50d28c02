"""kafka-python's log lines, quietened: what it says is passed on for debugging, each kind at most once a minute.

What an operator must act on is said by ``Poll.trouble``; these lines are detail (``wachter run --debug``). A dead broker
alone makes it write some ten errors a second.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

import structlog

QUIET_SECONDS = 60.0
MAX_KINDS = 1000

_logger = structlog.get_logger("wachter.kafka")


class QuietHandler(logging.Handler):
    """Passes a line on unless one with the same template was passed within ``QUIET_SECONDS``; says how many it held."""

    def __init__(self, tell: Callable[..., object] | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(level=logging.WARNING)
        self._tell = tell if tell is not None else _logger.debug
        self._clock = clock
        self._passed: dict[str, tuple[float, int]] = {}

    def emit(self, record: logging.LogRecord) -> None:
        """Never raises, never prints a traceback: a library's log line must not stop the agent."""
        kind = f"{record.name}:{record.lineno}"
        last, held = self._passed.get(kind, (float("-inf"), 0))
        now = self._clock()
        if now - last < QUIET_SECONDS:
            self._passed[kind] = (last, held + 1)
            return
        if len(self._passed) >= MAX_KINDS:
            self._passed.clear()
        self._passed[kind] = (now, 0)
        self._tell("kafka client", line=_line(record), origin=record.name, held_back=held)


def quieten() -> None:
    """Route kafka-python's loggers here, once per process."""
    logger = logging.getLogger("kafka")
    if any(isinstance(handler, QuietHandler) for handler in logger.handlers):
        return
    logger.addHandler(QuietHandler())
    logger.setLevel(logging.WARNING)
    logger.propagate = False


def _line(record: logging.LogRecord) -> str:
    try:
        line = record.getMessage()
    except (TypeError, ValueError):
        line = str(record.msg)
    return line[:500]
