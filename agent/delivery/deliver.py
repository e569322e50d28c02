"""One delivery from the outbox: which row is due, what is sent, and what becomes of the row."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from agent import crash
from agent.delivery.outbox import Target
from config.errors import DeliveryError
from exporters.alertmanager import post_alert
from exporters.notice import Notice
from exporters.request import PostRequest, PostResponse, expect_taken
from exporters.webhook import post_message

RESOLVED_FOR_US = 5 * 60_000_000
"""How long a resolved alert is told again after it was taken once."""
FIRST_BACKOFF_SECONDS = 1.0
LONGEST_BACKOFF_SECONDS = 30.0
"""Whoever was away for long is told within a minute of its return, what has piled up included."""

Post = Callable[[PostRequest, float, str | None], PostResponse]


@dataclass(frozen=True, slots=True)
class Due:
    """A row whose turn it is."""

    sequence: int
    notice: Notice
    created_us: int
    expires_us: int | None


def backoff_seconds(failures: int, retry_after_seconds: float | None = None) -> float:
    """1, 2, 4 ... 30 s after that many failures in a row, or what the receiver asked for where that is longer."""
    doubled = min(FIRST_BACKOFF_SECONDS * 2.0 ** min(failures - 1, 30), LONGEST_BACKOFF_SECONDS)
    return max(doubled, retry_after_seconds or 0.0)


def next_due(connection: sqlite3.Connection, target: Target, now_us: int) -> Due | None:
    """The row to send now. Among those due, the ones that failed least come first, so that one message which a receiver
    cannot take does not hold up the others; a webhook's message waits for the earlier ones of its incident."""
    row = connection.execute(
        """SELECT sequence, notice, created_us, expires_us FROM outbox AS this
           WHERE receiver = ? AND url = ? AND dead_reason IS NULL AND due_us <= ? AND (standing OR NOT EXISTS
             (SELECT 1 FROM outbox AS earlier
              WHERE earlier.receiver = this.receiver AND earlier.url = this.url
                AND earlier.incident_id = this.incident_id AND earlier.dead_reason IS NULL
                AND earlier.sequence < this.sequence))
           ORDER BY attempts, due_us, sequence LIMIT 1""",
        (target.receiver, target.url, now_us),
    ).fetchone()
    if row is None:
        return None
    return Due(row[0], msgspec.json.decode(row[1], type=Notice), row[2], row[3])


def next_due_us(connection: sqlite3.Connection, target: Target) -> int | None:
    """When the next row of a target will be due."""
    (due_us,) = connection.execute(
        "SELECT min(due_us) FROM outbox WHERE receiver = ? AND url = ? AND dead_reason IS NULL",
        (target.receiver, target.url),
    ).fetchone()
    return due_us  # type: ignore[no-any-return]


def request_for(target: Target, due: Due, now_us: int) -> PostRequest:
    """The row in the form that its receiver expects."""
    headers = dict(target.headers)
    if target.standing:
        return post_alert(target.url, due.notice, now_us, target.resend_us, headers, target.external_url)
    return post_message(
        target.url,
        due.notice,
        receiver=target.receiver,
        delivery=due.sequence,
        now_us=now_us,
        headers=headers,
        secret=target.secret,
        external_url=target.external_url,
    )


def deliver(connection: sqlite3.Connection, target: Target, due: Due, post: Post, now_us: int) -> None:
    """Send a row and record what became of it.

    Raises:
        DeliveryError: it was not taken; the row is kept for another time, or marked dead where the answer was final.
    """
    crash.at("before_send")
    try:
        expect_taken(post(request_for(target, due, now_us), target.timeout_seconds, target.ca_file))
    except DeliveryError as error:
        _record_failure(connection, target, due, error, now_us)
        raise
    crash.at("after_send")
    _record_success(connection, target, due, now_us)
    crash.at("after_mark_sent")


def _record_success(connection: sqlite3.Connection, target: Target, due: Due, now_us: int) -> None:
    if not target.standing:
        connection.execute("DELETE FROM outbox WHERE sequence = ?", (due.sequence,))
        return
    expires_us = None if due.notice.firing else (due.expires_us or now_us + RESOLVED_FOR_US)
    if expires_us is not None and now_us >= expires_us:
        connection.execute("DELETE FROM outbox WHERE sequence = ?", (due.sequence,))
        return
    connection.execute(
        "UPDATE outbox SET due_us = ?, expires_us = ?, attempts = 0, taken = 1 WHERE sequence = ?",
        (now_us + target.resend_us, expires_us, due.sequence),
    )


def _record_failure(
    connection: sqlite3.Connection, target: Target, due: Due, error: DeliveryError, now_us: int
) -> None:
    """A standing alert is told again in any case: what it says is still true, and somebody may mend the receiver."""
    if error.retriable:
        connection.execute("UPDATE outbox SET attempts = attempts + 1 WHERE sequence = ?", (due.sequence,))
    elif not target.standing:
        connection.execute("UPDATE outbox SET dead_reason = ? WHERE sequence = ?", (str(error)[:500], due.sequence))
    elif due.notice.firing or now_us < due.created_us + RESOLVED_FOR_US:
        connection.execute(
            "UPDATE outbox SET attempts = attempts + 1, due_us = ? WHERE sequence = ?",
            (now_us + target.resend_us, due.sequence),
        )
    else:
        connection.execute("DELETE FROM outbox WHERE sequence = ?", (due.sequence,))
