"""What must still be told to whom, durable in the state database.

Two kinds of rows. A message to a webhook is told once: it waits its turn behind earlier ones of the same incident, and is
deleted when it was taken. An alert for an Alertmanager is standing: there is one row per call, replaced by whatever is
newer, told again every ``resend`` while it fires, and for five minutes more after it was resolved. Alertmanager keeps
nothing through its own restart, so standing alerts need no order and lose nothing.

Delivery is at least once: a crash between the answer and its record repeats the message.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import msgspec

from agent import crash
from detectors.measurement import Track
from exporters.notice import Notice, NoticeKind
from exporters.snapshot import ReceiverStatus

DEFAULT_MAX_ROWS = 10_000

_SCHEMA = """
CREATE TABLE IF NOT EXISTS outbox (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    receiver TEXT NOT NULL,
    url TEXT NOT NULL,
    incident_id TEXT NOT NULL,
    call INTEGER NOT NULL,
    kind TEXT NOT NULL,
    standing INTEGER NOT NULL,
    notice TEXT NOT NULL,
    created_us INTEGER NOT NULL,
    due_us INTEGER NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    taken INTEGER NOT NULL DEFAULT 0,
    expires_us INTEGER,
    dead_reason TEXT
) STRICT;
CREATE INDEX IF NOT EXISTS outbox_incident ON outbox (receiver, url, incident_id, sequence);
CREATE INDEX IF NOT EXISTS outbox_turn ON outbox (receiver, url, attempts, due_us, sequence) WHERE dead_reason IS NULL;
CREATE UNIQUE INDEX IF NOT EXISTS outbox_standing ON outbox (receiver, url, incident_id, call) WHERE standing;
"""


@dataclass(frozen=True, slots=True)
class Target:
    """One address of one receiver.

    Attributes:
        standing: an Alertmanager; else a webhook.
        tracks: whose incidents it is told.
        resend_us: how often a standing alert is told again while it fires.
        timeout_seconds: for one delivery, from the look-up of the name to the last byte of the answer.
    """

    receiver: str
    url: str
    standing: bool
    tracks: frozenset[Track] = frozenset(Track)
    resend_us: int = 60_000_000
    timeout_seconds: float = 10.0
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    secret: bytes | None = field(default=None, repr=False)
    ca_file: str | None = None
    external_url: str = ""


@dataclass(frozen=True, slots=True)
class Enqueued:
    """What became of notices: stored rows, rows given up for room, and rows for which there was none."""

    stored: int = 0
    collapsed: int = 0
    refused: int = 0


def create_schema(connection: sqlite3.Connection) -> None:
    """Make the outbox's table where it is not there yet."""
    for statement in filter(str.strip, _SCHEMA.split(";")):
        connection.execute(statement)


def enqueue(
    connection: sqlite3.Connection,
    notices: Iterable[tuple[NoticeKind, Notice]],
    targets: Sequence[Target],
    now_us: int,
    max_rows: int = DEFAULT_MAX_ROWS,
) -> Enqueued:
    """Store notices for every target that wants them. The caller commits, in the transaction of the step.

    Webhooks are not told updates: only what calls people, and what ends it. What is learned of an incident after its end
    is told to nobody.
    """
    stored = collapsed = refused = 0
    for kind, notice in notices:
        for target in targets:
            if not _is_wanted(kind, notice, target):
                continue
            collapsed += _make_room(connection, max_rows)
            if rows(connection) >= max_rows:
                refused += 1
                continue
            crash.at("before_outbox_insert")
            _store(connection, target, kind, notice, now_us)
            crash.at("after_outbox_insert")
            stored += 1
    return Enqueued(stored, collapsed, refused)


def _is_wanted(kind: NoticeKind, notice: Notice, target: Target) -> bool:
    if notice.track not in target.tracks:
        return False
    return kind != "update" or (target.standing and notice.firing)


def reconcile(
    connection: sqlite3.Connection,
    open_notices: Sequence[Notice],
    targets: Sequence[Target],
    now_us: int,
    max_rows: int = DEFAULT_MAX_ROWS,
) -> Enqueued:
    """Bring the outbox in line with the open incidents: at the start, after a hand-over, after a reload.

    Rows of targets that are no more are deleted, standing alerts of incidents that are no longer open are resolved, and
    every open incident stands at every Alertmanager. The caller commits.
    """
    _forget_missing_targets(connection, targets)
    open_ids = {notice.incident_id for notice in open_notices}
    for sequence, text in connection.execute("SELECT sequence, notice FROM outbox WHERE standing").fetchall():
        notice = msgspec.json.decode(text, type=Notice)
        if notice.firing and notice.incident_id not in open_ids:
            ended = msgspec.structs.replace(notice, firing=False, resolved_us=now_us)
            _replace_notice(connection, sequence, ended, now_us)
    standing = [target for target in targets if target.standing]
    return enqueue(connection, (("update", notice) for notice in open_notices), standing, now_us, max_rows)


def rows(connection: sqlite3.Connection) -> int:
    """How many messages there are, waiting, standing or dead."""
    (count,) = connection.execute("SELECT count(*) FROM outbox").fetchone()
    return int(count)


def status(connection: sqlite3.Connection) -> tuple[ReceiverStatus, ...]:
    """What waits, by receiver. A standing alert waits until it was taken once."""
    found = connection.execute(
        """SELECT receiver,
                  sum(dead_reason IS NULL AND NOT taken),
                  sum(dead_reason IS NOT NULL),
                  min(CASE WHEN dead_reason IS NULL AND NOT taken THEN created_us END)
           FROM outbox GROUP BY receiver ORDER BY receiver"""
    )
    return tuple(ReceiverStatus(receiver, waiting, dead, oldest) for receiver, waiting, dead, oldest in found)


def _store(connection: sqlite3.Connection, target: Target, kind: NoticeKind, notice: Notice, now_us: int) -> None:
    # Every call is an alert of its own at the receiver; the end of the incident ends them all.
    calls = (notice.call,) if notice.firing else range(1, notice.call + 1)
    for call in calls:
        if target.standing:
            connection.execute(
                "DELETE FROM outbox WHERE standing AND receiver = ? AND url = ? AND incident_id = ? AND call = ?",
                (target.receiver, target.url, notice.incident_id, call),
            )
        text = msgspec.json.encode(msgspec.structs.replace(notice, call=call)).decode()
        connection.execute(
            """INSERT INTO outbox (receiver, url, incident_id, call, kind, standing, notice, created_us, due_us)
               VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)""",
            (
                target.receiver,
                target.url,
                notice.incident_id,
                call,
                kind,
                target.standing,
                text,
                now_us,
                notice.due_us(now_us),
            ),
        )


def _replace_notice(connection: sqlite3.Connection, sequence: int, notice: Notice, now_us: int) -> None:
    connection.execute(
        """UPDATE outbox SET notice = ?, kind = 'resolve', created_us = ?, due_us = ?, attempts = 0, taken = 0
           WHERE sequence = ?""",
        (msgspec.json.encode(notice).decode(), now_us, now_us, sequence),
    )


def _make_room(connection: sqlite3.Connection, max_rows: int) -> int:
    """Where the outbox is full, give up what nobody misses: dead rows, then the oldest incident told from its opening to
    its end while the receiver was away."""
    if rows(connection) < max_rows:
        return 0
    dead = connection.execute("DELETE FROM outbox WHERE dead_reason IS NOT NULL").rowcount
    if dead:
        return dead
    finished = connection.execute(
        """SELECT receiver, url, incident_id FROM outbox AS ended WHERE kind = 'resolve' AND (standing OR EXISTS
             (SELECT 1 FROM outbox AS begun WHERE begun.kind = 'fire' AND begun.receiver = ended.receiver
                 AND begun.url = ended.url AND begun.incident_id = ended.incident_id))
           ORDER BY sequence LIMIT 1"""
    ).fetchone()
    if finished is None:
        return 0
    return connection.execute(
        "DELETE FROM outbox WHERE receiver = ? AND url = ? AND incident_id = ?", finished
    ).rowcount


def _forget_missing_targets(connection: sqlite3.Connection, targets: Sequence[Target]) -> None:
    wanted = {(target.receiver, target.url) for target in targets}
    for address in connection.execute("SELECT DISTINCT receiver, url FROM outbox").fetchall():
        if address not in wanted:
            connection.execute("DELETE FROM outbox WHERE receiver = ? AND url = ?", address)
