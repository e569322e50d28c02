"""One delivery from the outbox: which rows are due, what is sent, and what becomes of them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import msgspec

from agent import crash
from agent.delivery import escalation
from agent.delivery.channels import channel_of
from agent.delivery.schedule import after_windows
from agent.delivery.target import Backoff, Due, Parcel, Post, RecipientsRefused, StillTo, Target
from config.errors import DeliveryError
from exporters.notice import Notice, NoticeKind

RESOLVED_FOR_US = 5 * 60_000_000
"""How long a resolved alert is told again after it was taken once."""

STILL_TO_FOR_US = 30 * 60_000_000
"""How long a message that others have is offered to those who refuse it for a time; greylisting lasts minutes."""

_HEADS = """receiver = :receiver AND url = :url AND dead_reason IS NULL AND (standing OR NOT EXISTS
  (SELECT 1 FROM outbox AS earlier
   WHERE earlier.receiver = this.receiver AND earlier.url = this.url
     AND earlier.incident_id = this.incident_id AND earlier.dead_reason IS NULL
     AND earlier.sequence < this.sequence))"""
"""Rows of a target that wait for no earlier one of their incident."""


def backoff_seconds(failures: int, retry_after_seconds: float | None = None) -> float:
    """1, 2, 4 ... 30 s after that many failures in a row, or what the receiver asked for where that is longer."""
    return Backoff().seconds(failures, retry_after_seconds)


def next_dues(connection: sqlite3.Connection, target: Target, now_us: int, most: int = 1) -> tuple[Due, ...]:
    """The rows to send now, in one message. Among those due, the ones that failed least come first, so that one message
    which a receiver cannot take does not hold up the others; a row waits for the earlier ones of its incident."""
    rows = connection.execute(
        f"""SELECT sequence, notice, created_us, expires_us, kind, still_to FROM outbox AS this
            WHERE due_us <= :now_us AND {_HEADS} ORDER BY attempts, due_us, sequence LIMIT :most""",  # noqa: S608 - constants
        {"receiver": target.receiver, "url": target.url, "now_us": now_us, "most": most},
    ).fetchall()
    together = [row for row in rows if row[5] == rows[0][5]]  # one message has one set of recipients
    return tuple(_due(*row) for row in together)


def _due(
    sequence: int, notice: str, created_us: int, expires_us: int | None, kind: NoticeKind, still_to: str | None
) -> Due:
    left = None if still_to is None else msgspec.json.decode(still_to, type=StillTo)
    return Due(sequence, msgspec.json.decode(notice, type=Notice), created_us, expires_us, kind, left)


def next_due(connection: sqlite3.Connection, target: Target, now_us: int) -> Due | None:
    """The row to send now."""
    return next(iter(next_dues(connection, target, now_us)), None)


def next_due_us(connection: sqlite3.Connection, target: Target) -> int | None:
    """When the next row of a target will be due."""
    (due_us,) = connection.execute(
        f"SELECT min(due_us) FROM outbox AS this WHERE {_HEADS}",  # noqa: S608 - constants
        {"receiver": target.receiver, "url": target.url},
    ).fetchone()
    return due_us  # type: ignore[no-any-return]


def hold_back(connection: sqlite3.Connection, target: Target, dues: Sequence[Due], now_us: int) -> bool:
    """Postpone calls whose turn has come in a maintenance window that began after they were planned: an alert that is told
    again, or a message that could not be delivered before. Returns whether there were any."""
    held = False
    for due in dues:
        calls = due.notice.firing and (target.standing or due.kind in ("fire", "call_again"))
        until_us = after_windows(now_us, due.notice.stream, target.quiet) if calls else now_us
        if until_us > now_us:
            held = True
            postponed = (until_us, until_us, due.sequence)
            connection.execute("UPDATE outbox SET due_us = ?, owed_us = ? WHERE sequence = ?", postponed)
    return held


def deliver(connection: sqlite3.Connection, target: Target, dues: Sequence[Due], post: Post, now_us: int) -> None:
    """Send rows in one message and record what became of them.

    Raises:
        RecipientsRefused: recipients were refused; the rows are kept for those who may take it later, the others were told.
        DeliveryError: it was not taken; the rows are kept for another time, or marked dead where the answer was final.
    """
    handle = escalation.handle_of(connection, target, dues[0].notice) if len(dues) == 1 else ""
    crash.at("before_send")
    try:
        told_as = channel_of(target).send(Parcel(target, tuple(dues), now_us, post, handle))
    except RecipientsRefused as error:
        refused = _given_up(error, dues[0], now_us)
        _keep_for_the_rest(connection, target, dues, refused, now_us)
        raise refused from None
    except DeliveryError as error:
        if error.retriable or len(dues) == 1:
            _record(connection, (_failure(target, due, error, now_us) for due in dues))
        raise
    crash.at("after_send")
    with _at_once(connection):
        for due in dues:
            _record_success(connection, target, due, told_as, now_us)
    crash.at("after_mark_sent")


def _given_up(error: RecipientsRefused, due: Due, now_us: int) -> RecipientsRefused:
    """Who alone refuses what others have is not waited for for ever: all that follows it waits behind it."""
    if due.still_to is None or now_us < due.still_to.until_us:
        return error
    return RecipientsRefused(f"{error}; given up", left=(), lost=error.lost + len(error.left), taken=error.taken)


def _keep_for_the_rest(
    connection: sqlite3.Connection, target: Target, dues: Sequence[Due], error: RecipientsRefused, now_us: int
) -> None:
    with _at_once(connection):
        for due in dues:
            if not error.left:
                _record_success(connection, target, due, "", now_us)
                continue
            still_to = _those_left(error, due, now_us)
            statement = "UPDATE outbox SET attempts = attempts + 1, still_to = ? WHERE sequence = ?"
            connection.execute(statement, (still_to, due.sequence))
            if error.taken:
                escalation.note_told(connection, target, due.notice, "", now_us)


def _those_left(error: RecipientsRefused, due: Due, now_us: int) -> str | None:
    """As the outbox keeps it; none while the message is for everybody."""
    if due.still_to is None and not (error.taken or error.lost):
        return None
    until_us = due.still_to.until_us if due.still_to else now_us + STILL_TO_FOR_US
    return msgspec.json.encode(StillTo(error.left, until_us)).decode()


@contextmanager
def _at_once(connection: sqlite3.Connection) -> Iterator[None]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def _record_success(connection: sqlite3.Connection, target: Target, due: Due, handle: str, now_us: int) -> None:
    if not target.standing:
        connection.execute("DELETE FROM outbox WHERE sequence = ?", (due.sequence,))
        escalation.note_told(connection, target, due.notice, handle, now_us)
        return
    expires_us = None if due.notice.firing else (due.expires_us or now_us + RESOLVED_FOR_US)
    if expires_us is not None and now_us >= expires_us:
        connection.execute("DELETE FROM outbox WHERE sequence = ?", (due.sequence,))
        return
    connection.execute(
        "UPDATE outbox SET due_us = ?, expires_us = ?, attempts = 0, taken = 1 WHERE sequence = ?",
        (now_us + target.resend_us, expires_us, due.sequence),
    )


Change = tuple[str, tuple[object, ...]]


def _record(connection: sqlite3.Connection, changes: Iterator[Change]) -> None:
    with _at_once(connection):
        for statement, values in changes:
            connection.execute(statement, values)


def _failure(target: Target, due: Due, error: DeliveryError, now_us: int) -> Change:
    """A standing alert is told again in any case: what it says is still true, and somebody may mend the receiver."""
    if error.retriable:
        return "UPDATE outbox SET attempts = attempts + 1 WHERE sequence = ?", (due.sequence,)
    if not target.standing:
        return "UPDATE outbox SET dead_reason = ? WHERE sequence = ?", (str(error)[:500], due.sequence)
    if due.notice.firing or now_us < due.created_us + RESOLVED_FOR_US:
        again_us = now_us + target.resend_us
        return "UPDATE outbox SET attempts = attempts + 1, due_us = ? WHERE sequence = ?", (again_us, due.sequence)
    return "DELETE FROM outbox WHERE sequence = ?", (due.sequence,)
