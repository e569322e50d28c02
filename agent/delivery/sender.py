"""Threads that empty the outbox: one per address, so that a receiver that hangs delays nobody else and never the loop."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import structlog

from agent.delivery import deliver as delivery
from agent.delivery.pace import Pace
from agent.delivery.post import post as post_over_http
from agent.delivery.target import Due, Post, RecipientsRefused, Target
from config.errors import DeliveryError

IDLE_SECONDS = 60.0
"""Longest sleep without a wake-up; it only bounds the harm of one that was lost."""
UNEXPECTED_SECONDS = 10.0

log = structlog.get_logger(__name__)


def wall_us() -> int:
    """Microseconds since the epoch."""
    return time.time_ns() // 1000


class Courier:
    """Tells one target what is due. Used by one thread at a time; the connection is its own."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        target: Target,
        count: Callable[[str, str], None],
        post: Post = post_over_http,
        now_us: Callable[[], int] = wall_us,
    ) -> None:
        self._connection = connection
        self._target = target
        self._count = count
        self._post = post
        self._now_us = now_us
        self._pace = Pace(target.per_minute)
        self._failures = 0
        self._not_before_us = 0
        self._alone = 0

    def step(self) -> float:
        """Send at most one message and return the seconds until the next attempt makes sense."""
        now_us = self._now_us()
        not_before_us = max(self._not_before_us, self._pace.not_before_us(now_us))
        if now_us < not_before_us:
            return (not_before_us - now_us) / 1_000_000
        dues = delivery.next_dues(self._connection, self._target, now_us, 1 if self._alone else self._target.group)
        if not dues:
            return self._idle_seconds(now_us)
        if delivery.hold_back(self._connection, self._target, dues, now_us):
            return 0.0
        self._pace.sent(now_us)
        self._alone = max(self._alone - 1, 0)
        try:
            delivery.deliver(self._connection, self._target, dues, self._post, now_us)
        except RecipientsRefused as error:
            return self._refused(error)
        except DeliveryError as error:
            return self._failed(error, dues)
        self._failures = 0
        self._count(self._target.receiver, "delivered")
        return 0.0

    def _refused(self, error: RecipientsRefused) -> float:
        """Count what became of each part of the recipients; only those who may take it later are waited for."""
        parts = {"delivered": error.taken, "failed": error.lost, "retried": error.left}
        for outcome in (outcome for outcome, part in parts.items() if part):
            self._count(self._target.receiver, outcome)
        seconds = self._back_off(error)
        log.warning(
            "recipients_refused",
            receiver=self._target.receiver,
            error=str(error),
            for_good=error.lost,
            again_in_seconds=seconds if error.left else None,
        )
        return seconds

    def _failed(self, error: DeliveryError, dues: Sequence[Due]) -> float:
        if not error.retriable and len(dues) > 1:
            self._alone = len(dues)  # one of them is not to be taken: each by itself shows which
        outcome = "retried" if error.retriable else "failed"
        self._count(self._target.receiver, outcome)
        seconds = self._back_off(error)
        log.warning(
            "delivery_failed",
            receiver=self._target.receiver,
            error=str(error),
            outcome=outcome,
            again_in_seconds=seconds,
        )
        return seconds

    def _back_off(self, error: DeliveryError) -> float:
        self._failures = self._failures + 1 if error.retriable else 0
        seconds = self._target.backoff.seconds(self._failures, error.retry_after_seconds) if error.retriable else 0.0
        self._not_before_us = self._now_us() + round(seconds * 1_000_000)
        return seconds

    def _idle_seconds(self, now_us: int) -> float:
        due_us = delivery.next_due_us(self._connection, self._target)
        if due_us is None:
            return IDLE_SECONDS
        # A row that is due but was not chosen waits behind an earlier one of its incident, whose time comes first.
        return min(max((due_us - now_us) / 1_000_000, 0.05), IDLE_SECONDS)


class Sender:
    """All couriers. ``start``, ``configure`` and ``close`` belong to the loop's thread; ``wake`` to anybody."""

    def __init__(self, database: Path, post: Post = post_over_http, now_us: Callable[[], int] = wall_us) -> None:
        self._database = database
        self._post = post
        self._now_us = now_us
        self._threads: list[_CourierThread] = []
        self._outcomes: Counter[tuple[str, str]] = Counter()
        self._lock = threading.Lock()

    def configure(self, targets: Sequence[Target]) -> None:
        """Tell exactly these targets from now on; an empty sequence stops all sending (a standby tells nobody)."""
        self._stop(deadline_seconds=0.0)
        self._threads = [
            _CourierThread(self._database, target, self._count, self._post, self._now_us) for target in targets
        ]
        for thread in self._threads:
            thread.start()

    def wake(self) -> None:
        """There may be something new to send; call it after the step's transaction."""
        for thread in self._threads:
            thread.wake()

    def outcomes(self, receiver: str) -> Mapping[str, int]:
        """Deliveries of a receiver since the start by outcome: delivered, retried, failed."""
        with self._lock:
            return {outcome: count for (name, outcome), count in self._outcomes.items() if name == receiver}

    def close(self, deadline_seconds: float) -> None:
        """Stop; what was not delivered stays in the outbox. Safe twice and safe without a start."""
        self._stop(deadline_seconds)
        self._threads = []

    def _stop(self, deadline_seconds: float) -> None:
        until = time.monotonic() + deadline_seconds
        for thread in self._threads:
            thread.stop()
        for thread in self._threads:
            thread.join(max(until - time.monotonic(), 0.0))

    def _count(self, receiver: str, outcome: str) -> None:
        with self._lock:
            self._outcomes[receiver, outcome] += 1


class _CourierThread(threading.Thread):
    def __init__(
        self,
        database: Path,
        target: Target,
        count: Callable[[str, str], None],
        post: Post,
        now_us: Callable[[], int],
    ) -> None:
        super().__init__(name=f"wachter-courier-{target.receiver}", daemon=True)
        self._database = database
        self._target = target
        self._count = count
        self._post = post
        self._now_us = now_us
        self._news = threading.Event()
        self._stopping = threading.Event()

    def wake(self) -> None:
        self._news.set()

    def stop(self) -> None:
        self._stopping.set()
        self._news.set()

    def run(self) -> None:
        connection = open_for_sending(self._database)
        courier = Courier(connection, self._target, self._count, self._post, self._now_us)
        try:
            while not self._stopping.is_set():
                self._rest(self._guarded_step(courier))
        finally:
            connection.close()

    def _guarded_step(self, courier: Courier) -> float:
        """The exporter's edge: whatever goes wrong is counted and tried again, a courier never dies."""
        try:
            return courier.step()
        except Exception:
            log.exception("courier_failed", receiver=self._target.receiver)
            self._count(self._target.receiver, "retried")
            return UNEXPECTED_SECONDS

    def _rest(self, seconds: float) -> None:
        """Sleep until then or until there is news; a courier that backs off says so again."""
        if seconds <= 0:
            return
        self._news.wait(seconds)
        self._news.clear()


def open_for_sending(database: Path) -> sqlite3.Connection:
    """A connection of its own. Losing its last writes on a power cut repeats a message, so it needs no full sync; the
    loop's connection does the checkpoints, so that no write here is long."""
    connection = sqlite3.connect(database, timeout=10.0, isolation_level=None)
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("PRAGMA wal_autocheckpoint = 0")
    return connection
