"""Named moments at which a test lets the process die, as by ``kill -9``.

``WACHTER_CRASH_AT=name`` ends it when it first comes to that point, ``name:3`` when it comes there the third time. Nobody
sets it outside of tests, and then a point costs one comparison.
"""

from __future__ import annotations

import itertools
import os
import signal

POINTS = (
    "before_log_append",
    "after_log_append",
    "after_log_sync",
    "before_join_sync",
    "after_join_sync",
    "before_transaction",
    "before_outbox_insert",
    "after_outbox_insert",
    "before_state_write",
    "after_state_write",
    "after_transaction",
    "before_checkpoint",
    "after_checkpoint",
    "before_kafka_commit",
    "after_kafka_commit",
    "before_send",
    "after_send",
    "after_mark_sent",
)
"""In the order of a step, then of a delivery. ``after_state_write`` is the last one before the commit."""

WANTED = os.environ.get("WACHTER_CRASH_AT", "")
_name, _, _times = WANTED.partition(":")
_visits = itertools.count(1)

if _name and _name not in POINTS:
    raise SystemExit(f"WACHTER_CRASH_AT={WANTED}: there is no such point; one of {', '.join(POINTS)}")


def at(name: str) -> None:
    """Die here if the environment says so."""
    if WANTED and name == _name and next(_visits) == int(_times or 1):
        os.kill(os.getpid(), signal.SIGKILL)
