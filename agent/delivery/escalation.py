"""Calls that are still to come, and what becomes of them: all in the outbox, so that due times survive a restart.

An acknowledgement withdraws them, a further call begins anew, a silence or a maintenance window postpones them, and the end
of the incident leaves nobody to be called. ``called`` holds who was, so that nobody is told the end of what he never heard.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence

from agent.delivery.target import Target
from exporters.notice import Notice, NoticeKind

SCHEMA = """
CREATE TABLE IF NOT EXISTS called (
    receiver TEXT NOT NULL,
    url TEXT NOT NULL,
    incident_id TEXT NOT NULL,
    call INTEGER NOT NULL,
    told_us INTEGER,
    handle TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (receiver, url, incident_id, call)
) STRICT, WITHOUT ROWID;
"""
_CALLS_TO_COME = "incident_id = ? AND kind IN ('fire', 'call_again') AND NOT standing AND dead_reason IS NULL"


def follow(
    connection: sqlite3.Connection, kind: NoticeKind, notice: Notice, targets: Sequence[Target], now_us: int
) -> None:
    """Bring the calls that are still to come in line with what happened to their incident."""
    if not notice.firing:
        _withdraw(connection, "due_us > ?", notice, now_us)
    elif kind == "call_again":
        _withdraw(connection, "planned_us > ?", notice, now_us)
    elif notice.acknowledged_by:
        _withdraw(connection, "(later OR due_us > ?)", notice, now_us)
    else:
        _postpone(connection, notice, targets)


def _withdraw(connection: sqlite3.Connection, which: str, notice: Notice, now_us: int) -> None:
    statement = f"DELETE FROM outbox WHERE {_CALLS_TO_COME} AND {which}"  # noqa: S608 - constants
    connection.execute(statement, (notice.incident_id, now_us))


def _postpone(connection: sqlite3.Connection, notice: Notice, targets: Iterable[Target]) -> None:
    rows = connection.execute(
        f"SELECT sequence, receiver, url, planned_us FROM outbox WHERE {_CALLS_TO_COME} AND planned_us IS NOT NULL",  # noqa: S608
        (notice.incident_id,),
    ).fetchall()
    known = {(target.receiver, target.url): target for target in targets} if rows else {}
    for sequence, receiver, url, planned_us in rows:
        target = known.get((receiver, url))
        if target is not None:
            due_us = target.called_at(planned_us, notice)
            connection.execute(
                "UPDATE outbox SET due_us = ?, owed_us = ? WHERE sequence = ?", (due_us, due_us, sequence)
            )


def calls_to_end(connection: sqlite3.Connection, target: Target, notice: Notice) -> list[int]:
    """The calls whose end, or acknowledgement, a target must hear of: those it was told, or is about to be told."""
    calls = [
        call for call in range(1, notice.call + 1) if not _was_spared(connection, target, notice.incident_id, call)
    ]
    return calls if target.each_call else calls[-1:]


def _was_spared(connection: sqlite3.Connection, target: Target, incident_id: str, call: int) -> bool:
    """Whether the call was planned and then withdrawn. A call of which nothing is known was made by an earlier version."""
    key = (target.receiver, target.url, incident_id, call)
    found = connection.execute(
        "SELECT told_us FROM called WHERE receiver = ? AND url = ? AND incident_id = ? AND call = ?", key
    ).fetchone()
    if found is None or found[0] is not None:
        return False
    pending = """SELECT 1 FROM outbox WHERE receiver = ? AND url = ? AND incident_id = ? AND call = ?
                 AND kind IN ('fire', 'call_again') LIMIT 1"""
    return connection.execute(pending, key).fetchone() is None


def forget_spared(connection: sqlite3.Connection, target: Target, notice: Notice) -> None:
    """The incident is over: what was planned and not made needs no memory."""
    connection.execute(
        "DELETE FROM called WHERE receiver = ? AND url = ? AND incident_id = ? AND told_us IS NULL",
        (target.receiver, target.url, notice.incident_id),
    )


def plan(connection: sqlite3.Connection, target: Target, notice: Notice) -> None:
    """Note that a call is to be made."""
    connection.execute(
        "INSERT OR IGNORE INTO called (receiver, url, incident_id, call) VALUES (?, ?, ?, ?)",
        (target.receiver, target.url, notice.incident_id, notice.call),
    )


def resume(connection: sqlite3.Connection, target: Target, notice: Notice, now_us: int, most: int) -> list[int]:
    """The planned times of steps still to come for an incident that this outbox never planned to call the target about: it
    was opened under another state, or the target is new.

    They count from the opening, so those of the past are taken as made: they are not made again, and the target hears of the
    end. A further call counts from a time that is not known here, and an acknowledgement ended them all.
    """
    if notice.acknowledged_by or notice.call > 1 or _is_planned(connection, target, notice):
        return []
    times = [notice.opened_us + wait for wait in target.waits_for(notice.severity)]
    to_come = [at for at in times if at > now_us][: max(most, 0)]
    if to_come and min(times) <= now_us:
        note_told(connection, target, notice, "", min(times))
    elif to_come:
        plan(connection, target, notice)
    return to_come


def _is_planned(connection: sqlite3.Connection, target: Target, notice: Notice) -> bool:
    key = (target.receiver, target.url, notice.incident_id)
    found = connection.execute("SELECT 1 FROM called WHERE receiver = ? AND url = ? AND incident_id = ? LIMIT 1", key)
    return found.fetchone() is not None


def note_told(connection: sqlite3.Connection, target: Target, notice: Notice, handle: str, now_us: int) -> None:
    """A call was made, or what was said about it is over."""
    key = (target.receiver, target.url, notice.incident_id)
    if notice.firing:
        connection.execute(
            """INSERT INTO called (receiver, url, incident_id, call, told_us, handle) VALUES (?, ?, ?, ?, ?, ?)
               ON CONFLICT DO UPDATE SET told_us = excluded.told_us,
                 handle = CASE excluded.handle WHEN '' THEN handle ELSE excluded.handle END""",
            (*key, notice.call, now_us, handle),
        )
        return
    statement = "DELETE FROM called WHERE receiver = ? AND url = ? AND incident_id = ? AND call "
    connection.execute(f"{statement}{'=' if target.each_call else '<='} ?", (*key, notice.call))


def handle_of(connection: sqlite3.Connection, target: Target, notice: Notice) -> str:
    """What the receiver called the message about the same call; empty where there is none."""
    found = connection.execute(
        "SELECT handle FROM called WHERE receiver = ? AND url = ? AND incident_id = ? AND call = ?",
        (target.receiver, target.url, notice.incident_id, notice.call),
    ).fetchone()
    return found[0] if found else ""


def forget_ended(connection: sqlite3.Connection, open_ids: Iterable[str]) -> None:
    """Forget whom incidents called that are over and of which nothing waits."""
    kept = set(open_ids)
    ids = connection.execute(
        "SELECT DISTINCT incident_id FROM called WHERE incident_id NOT IN (SELECT incident_id FROM outbox)"
    ).fetchall()
    connection.executemany("DELETE FROM called WHERE incident_id = ?", [row for row in ids if row[0] not in kept])
