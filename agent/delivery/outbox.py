"""What must still be told to whom, durable in the state database.

Two kinds of rows. A message to a webhook is told once: it waits its turn behind earlier ones of the same incident, and is
deleted when it was taken. An alert for an Alertmanager is standing: there is one row per call, replaced by whatever is
newer, told again every ``resend`` while it fires, and for five minutes more after it was resolved. Alertmanager keeps
nothing through its own restart, so standing alerts need no order and lose nothing. A call may be planned for later, by a
step of an escalation, and be held back by a silence or a maintenance window: ``planned_us`` is what the plan says,
``due_us`` when it may be sent, ``owed_us`` since when it has been waiting for its receiver.

Delivery is at least once: a crash between the answer and its record repeats the message.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import msgspec

from agent import crash
from agent.delivery import escalation
from agent.delivery.target import Target as Target
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
    dead_reason TEXT,
    later INTEGER NOT NULL DEFAULT 0,
    planned_us INTEGER,
    owed_us INTEGER,
    still_to TEXT
) STRICT;
CREATE INDEX IF NOT EXISTS outbox_incident ON outbox (receiver, url, incident_id, sequence);
CREATE INDEX IF NOT EXISTS outbox_turn ON outbox (receiver, url, attempts, due_us, sequence) WHERE dead_reason IS NULL;
CREATE UNIQUE INDEX IF NOT EXISTS outbox_standing ON outbox (receiver, url, incident_id, call) WHERE standing;
"""


_ADDED = {"later": "INTEGER NOT NULL DEFAULT 0", "planned_us": "INTEGER", "owed_us": "INTEGER", "still_to": "TEXT"}
"""Columns that the state of an earlier version lacks."""


@dataclass(frozen=True, slots=True)
class Enqueued:
    """What became of notices: stored rows, rows given up for room, and rows for which there was none."""

    stored: int = 0
    collapsed: int = 0
    refused: int = 0


def create_schema(connection: sqlite3.Connection) -> None:
    """Make the outbox's tables where they are not there yet; one of an earlier version gets its further columns."""
    for statement in filter(str.strip, f"{_SCHEMA}{escalation.SCHEMA}".split(";")):
        connection.execute(statement)
    known = {name for _, name, *_ in connection.execute("PRAGMA table_info(outbox)")}
    for name, kind in _ADDED.items():
        if name not in known:
            connection.execute(f"ALTER TABLE outbox ADD COLUMN {name} {kind}")


def enqueue(
    connection: sqlite3.Connection,
    notices: Iterable[tuple[NoticeKind, Notice]],
    targets: Sequence[Target],
    now_us: int,
    max_rows: int = DEFAULT_MAX_ROWS,
) -> Enqueued:
    """Store notices for every target that wants them. The caller commits, in the transaction of the step.

    Only an Alertmanager is told every update; others what calls people, what ends it, and some that a person has taken over.
    What is learned of an incident after its end is told to nobody.
    """
    stored = collapsed = refused = 0
    for kind, notice in notices:
        escalation.follow(connection, kind, notice, targets, now_us)
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
    if notice.track not in target.tracks or not target.waits_for(notice.severity):
        return False
    if kind == "acknowledge":
        return notice.firing and (target.standing or target.tells_acknowledged)
    return kind != "update" or (target.standing and notice.firing)


def reconcile(
    connection: sqlite3.Connection,
    open_notices: Sequence[Notice],
    targets: Sequence[Target],
    now_us: int,
    max_rows: int = DEFAULT_MAX_ROWS,
) -> Enqueued:
    """Bring the outbox in line with the open incidents: at the start, after a hand-over, after a reload.

    Rows of targets that are no more are deleted, standing alerts of incidents that are no longer open are resolved,
    every open incident stands at every Alertmanager, and who was never planned to be called about one that nobody has
    acknowledged is planned for the steps that are still to come. The caller commits.
    """
    _forget_missing_targets(connection, targets)
    open_ids = {notice.incident_id for notice in open_notices}
    for sequence, text in connection.execute("SELECT sequence, notice FROM outbox WHERE standing").fetchall():
        notice = msgspec.json.decode(text, type=Notice)
        if notice.firing and notice.incident_id not in open_ids:
            ended = msgspec.structs.replace(notice, firing=False, resolved_us=now_us)
            _replace_notice(connection, sequence, ended, now_us)
    escalation.forget_ended(connection, open_ids)
    for notice in open_notices:
        escalation.follow(connection, "update", notice, targets, now_us)
    standing = [target for target in targets if target.standing]
    told = enqueue(connection, (("update", notice) for notice in open_notices), standing, now_us, max_rows)
    resumed = sum(
        _resume(connection, target, notice, now_us, max_rows) for notice in open_notices for target in targets
    )
    return Enqueued(told.stored + resumed, told.collapsed, told.refused)


def _resume(connection: sqlite3.Connection, target: Target, notice: Notice, now_us: int, max_rows: int) -> int:
    """Plan the steps still to come of an escalation of which the outbox knows nothing; returns how many."""
    if target.standing or notice.track not in target.tracks:
        return 0
    times = escalation.resume(connection, target, notice, now_us, most=max_rows - rows(connection))
    for planned_us in times:
        _insert(connection, target, "fire", notice, now_us, planned_us)
    return len(times)


def rows(connection: sqlite3.Connection) -> int:
    """How many messages there are, waiting, standing or dead."""
    (count,) = connection.execute("SELECT count(*) FROM outbox").fetchone()
    return int(count)


def status(connection: sqlite3.Connection, now_us: int | None = None) -> tuple[ReceiverStatus, ...]:
    """What waits for receivers, and since when. A standing alert waits until it was taken once; a call that is planned for
    later, or held back, does not wait for its receiver yet."""
    found = connection.execute(
        """SELECT receiver, sum(waits), sum(dead_reason IS NOT NULL), min(CASE WHEN waits THEN since_us END)
           FROM (SELECT receiver, dead_reason, coalesce(owed_us, created_us) AS since_us,
                   dead_reason IS NULL AND NOT taken AND (:now IS NULL OR coalesce(owed_us, created_us) <= :now) AS waits
                 FROM outbox)
           GROUP BY receiver ORDER BY receiver""",
        {"now": now_us},
    )
    return tuple(ReceiverStatus(receiver, waiting, dead, oldest) for receiver, waiting, dead, oldest in found)


def _store(connection: sqlite3.Connection, target: Target, kind: NoticeKind, notice: Notice, now_us: int) -> None:
    for call, planned_us in _planned(connection, target, kind, notice, now_us):
        told = msgspec.structs.replace(notice, call=call)
        if target.standing:
            connection.execute(
                "DELETE FROM outbox WHERE standing AND receiver = ? AND url = ? AND incident_id = ? AND call = ?",
                (target.receiver, target.url, notice.incident_id, call),
            )
        elif kind in ("fire", "call_again"):
            escalation.plan(connection, target, told)
        _insert(connection, target, kind, told, now_us, planned_us)
    if not notice.firing:
        escalation.forget_spared(connection, target, notice)


def _planned(
    connection: sqlite3.Connection, target: Target, kind: NoticeKind, notice: Notice, now_us: int
) -> list[tuple[int, int]]:
    """Of which calls a target is told when: (call, planned time). Every call is an alert of its own at the receiver; the end
    of the incident ends them all."""
    if target.standing:
        return [(call, now_us) for call in ((notice.call,) if notice.firing else range(1, notice.call + 1))]
    if kind in ("fire", "call_again") and notice.firing:
        waits = target.waits_for(notice.severity)
        return [(notice.call, now_us + wait) for wait in waits if not (wait and notice.acknowledged_by)]
    calls = escalation.calls_to_end(connection, target, notice)
    return [(call, now_us) for call in (calls if not notice.firing else calls[-1:])]


def _insert(
    connection: sqlite3.Connection, target: Target, kind: NoticeKind, notice: Notice, now_us: int, planned_us: int
) -> None:
    calls = target.standing or kind in ("fire", "call_again")
    due_us = target.called_at(planned_us, notice) if calls else planned_us
    row = {
        "receiver": target.receiver,
        "url": target.url,
        "incident_id": notice.incident_id,
        "call": notice.call,
        "kind": kind,
        "standing": target.standing,
        "notice": msgspec.json.encode(notice).decode(),
        "created_us": now_us,
        "due_us": due_us,
        "later": planned_us > now_us,
        "planned_us": planned_us,
        "owed_us": due_us,
    }
    connection.execute(
        f"INSERT INTO outbox ({', '.join(row)}) VALUES ({', '.join(f':{name}' for name in row)})",  # noqa: S608
        row,
    )


def _replace_notice(connection: sqlite3.Connection, sequence: int, notice: Notice, now_us: int) -> None:
    connection.execute(
        """UPDATE outbox SET notice = ?, kind = 'resolve', created_us = ?, due_us = ?, owed_us = ?, attempts = 0, taken = 0
           WHERE sequence = ?""",
        (msgspec.json.encode(notice).decode(), now_us, now_us, now_us, sequence),
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
            connection.execute("DELETE FROM called WHERE receiver = ? AND url = ?", address)
