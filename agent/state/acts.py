"""The inbox of human acts: what people did to incidents, durable until the loop has taken it in.

The command line and the HTTP server write requests from their own connections; the loop reads ``pending`` in its step,
applies each to the incidents and settles it in the same transaction, so that an act takes effect exactly once.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from agent.state.beside import open_beside
from config.errors import ActRefused
from detectors.acts import MAX_ACTOR_CHARACTERS, MAX_COMMENT_CHARACTERS

ActKind = Literal["ack", "resolve", "comment", "silence"]
DONE: Final = "done"
UNKNOWN: Final = "unknown"
REFUSED: Final = "refused"
Outcome = Literal["done", "unknown", "refused"]

MAX_WAITING = 1000
KEPT_SETTLED = 10_000
LONGEST_SILENCE_US = 30 * 86_400_000_000
JUST_PAST_US = 300_000_000
"""An end so little in the past means now: clocks differ, and requests take their time."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS act (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,
    incident_id TEXT NOT NULL,
    actor TEXT NOT NULL,
    comment TEXT NOT NULL,
    requested_us INTEGER NOT NULL,
    outcome TEXT,
    detail TEXT,
    until_us INTEGER
) STRICT;
CREATE INDEX IF NOT EXISTS act_waiting ON act (id) WHERE outcome IS NULL;
"""


@dataclass(frozen=True, slots=True)
class RequestedAct:
    """What somebody asked for.

    Attributes:
        requested_us: the wall clock of whoever wrote it.
        until_us: the end of a silence by the wall clock; ``None`` for the other kinds.
    """

    id: int
    kind: ActKind
    incident_id: str
    actor: str
    comment: str
    requested_us: int
    until_us: int | None = None


@dataclass(frozen=True, slots=True)
class Settled:
    """What became of an act, and why."""

    outcome: Outcome
    detail: str


def create_schema(connection: sqlite3.Connection) -> None:
    """Make the inbox's table where it is not there yet; one from before there were silences gets its column for them."""
    for statement in filter(str.strip, _SCHEMA.split(";")):
        connection.execute(statement)
    if "until_us" not in {name for _, name, *_ in connection.execute("PRAGMA table_info(act)")}:
        connection.execute("ALTER TABLE act ADD COLUMN until_us INTEGER")


def request(
    connection: sqlite3.Connection,
    kind: ActKind,
    incident_id: str,
    actor: str,
    comment: str,
    requested_us: int,
    until_us: int | None = None,
) -> int:
    """Write down an act for the loop and return its number. The caller commits.

    Raises:
        ActRefused: no actor, a text that is too long, a silence without an end, of more than 30 days or over before it
            begins, or an inbox that nobody empties.
    """
    _check(actor, comment)
    until_us = _end(kind, requested_us, until_us)
    (waiting,) = connection.execute("SELECT count(*) FROM act WHERE outcome IS NULL").fetchone()
    if waiting >= MAX_WAITING:
        raise ActRefused("inbox_full", f"{waiting} acts wait and nobody takes them in; see whether the agent runs")
    cursor = connection.execute(
        "INSERT INTO act (kind, incident_id, actor, comment, requested_us, until_us) VALUES (?, ?, ?, ?, ?, ?)",
        (kind, incident_id, actor.strip(), comment.strip(), requested_us, until_us),
    )
    assert cursor.lastrowid is not None
    return cursor.lastrowid


def _check(actor: str, comment: str) -> None:
    if not actor.strip():
        raise ActRefused("no_actor", "an act needs an actor: name who does it")
    if len(actor) > MAX_ACTOR_CHARACTERS:
        detail = f"the actor has {len(actor)} characters; at most {MAX_ACTOR_CHARACTERS} are kept"
        raise ActRefused("actor_too_long", detail)
    if len(comment) > MAX_COMMENT_CHARACTERS:
        detail = f"the comment has {len(comment)} characters; at most {MAX_COMMENT_CHARACTERS} are kept"
        raise ActRefused("comment_too_long", detail)


def _end(kind: ActKind, requested_us: int, until_us: int | None) -> int | None:
    """When the silence ends, now at the earliest; ``None`` for the other kinds."""
    if (kind == "silence") != (until_us is not None):
        raise ActRefused("no_until", "a silence, and nothing else, needs an end: say until when nobody is to be called")
    if until_us is None:
        return None
    if until_us < requested_us - JUST_PAST_US:
        detail = "the end of the silence has passed; choose a later one, or the present time to end a silence"
        raise ActRefused("silence_in_the_past", detail)
    if until_us > requested_us + LONGEST_SILENCE_US:
        days = LONGEST_SILENCE_US // 86_400_000_000
        raise ActRefused("silence_too_long", f"a silence lasts {days} days at most; choose an earlier end")
    return max(until_us, requested_us)


def pending(connection: sqlite3.Connection) -> tuple[RequestedAct, ...]:
    """Acts that the loop has not taken in, in the order they were requested."""
    rows = connection.execute(
        "SELECT id, kind, incident_id, actor, comment, requested_us, until_us FROM act WHERE outcome IS NULL ORDER BY id"
    )
    return tuple(RequestedAct(*row) for row in rows)


def settle(connection: sqlite3.Connection, act_id: int, outcome: Outcome, detail: str = "") -> None:
    """Record what became of an act, and forget the oldest settled ones. The caller commits."""
    connection.execute("UPDATE act SET outcome = ?, detail = ? WHERE id = ?", (outcome, detail, act_id))
    connection.execute("DELETE FROM act WHERE outcome IS NOT NULL AND id <= ?", (act_id - KEPT_SETTLED,))


def settled(connection: sqlite3.Connection, act_id: int) -> Settled | None:
    """What became of an act; ``None`` while it waits."""
    row = connection.execute("SELECT outcome, detail FROM act WHERE id = ?", (act_id,)).fetchone()
    if row is None or row[0] is None:
        return None
    return Settled(row[0], row[1] or "")


def submit(
    database: Path,
    kind: ActKind,
    incident_id: str,
    actor: str,
    comment: str = "",
    *,
    until_us: int | None = None,
    wait_seconds: float = 2.0,
    sleep: Callable[[float], None] = time.sleep,
    monotonic: Callable[[], float] = time.monotonic,
) -> Settled | None:
    """Request an act from outside the loop and wait a little for what becomes of it.

    Returns:
        ``None`` where the loop has not answered in time: the act is kept and will be taken in.

    Raises:
        ActRefused: see ``request``.
        sqlite3.OperationalError: the state database is not there or cannot be written.
    """
    connection = open_beside(database, "rw")
    try:
        with connection:
            act_id = request(connection, kind, incident_id, actor, comment, time.time_ns() // 1000, until_us)
        deadline = monotonic() + wait_seconds
        answer = settled(connection, act_id)
        while answer is None and monotonic() < deadline:
            sleep(0.02)
            answer = settled(connection, act_id)
        return answer
    finally:
        connection.close()
