"""The inbox of the log's upkeep: what people ask to be erased, held, released or pruned, durable until it is done.

Commands write requests from their own connections; whoever holds the state, the agent between two steps or the command
itself where no agent runs, carries them out and settles them. A request that names a person is wiped when it is settled.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import msgspec

from agent.state.beside import open_beside

RequestKind = Literal["erase", "hold", "release", "prune"]
DONE: Final = "done"
REFUSED: Final = "refused"
Outcome = Literal["done", "refused"]
Body = dict[str, object]

KEPT_SETTLED = 1_000
LOOK_SECONDS = 0.05

_SCHEMA = """
CREATE TABLE IF NOT EXISTS log_request (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,
    actor TEXT NOT NULL,
    body BLOB NOT NULL,
    requested_us INTEGER NOT NULL,
    outcome TEXT,
    answer BLOB
) STRICT;
"""


@dataclass(frozen=True, slots=True)
class Request:
    """What somebody asked for; ``body`` is the kind's own."""

    id: int
    kind: RequestKind
    actor: str
    body: Body


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of it: facts where it was done, a ``detail`` where it was refused."""

    outcome: Outcome
    body: Body


def create_schema(connection: sqlite3.Connection) -> None:
    """Make the table where it is missing."""
    connection.execute(_SCHEMA)


def request(connection: sqlite3.Connection, kind: RequestKind, actor: str, body: Body, requested_us: int) -> int:
    """Write down a request and return its number. The caller commits."""
    cursor = connection.execute(
        "INSERT INTO log_request (kind, actor, body, requested_us) VALUES (?, ?, ?, ?)",
        (kind, actor, msgspec.json.encode(body), requested_us),
    )
    assert cursor.lastrowid is not None
    return cursor.lastrowid


def pending(connection: sqlite3.Connection) -> list[Request]:
    """Requests that nobody has carried out, in the order they were made."""
    rows = connection.execute("SELECT id, kind, actor, body FROM log_request WHERE outcome IS NULL ORDER BY id")
    return [Request(number, kind, actor, msgspec.json.decode(body)) for number, kind, actor, body in rows]


def put_body(connection: sqlite3.Connection, number: int, body: Body) -> None:
    """Keep how far a request has come, inside the caller's transaction."""
    connection.execute("UPDATE log_request SET body = ? WHERE id = ?", (msgspec.json.encode(body), number))


def settle(connection: sqlite3.Connection, number: int, outcome: Outcome, answer: Body) -> None:
    """Record what became of a request, wipe what it asked for, and forget the oldest. The caller commits."""
    connection.execute(
        "UPDATE log_request SET outcome = ?, answer = ?, body = ? WHERE id = ?",
        (outcome, msgspec.json.encode(answer), b"{}", number),
    )
    connection.execute("DELETE FROM log_request WHERE outcome IS NOT NULL AND id <= ?", (number - KEPT_SETTLED,))


def answer_of(connection: sqlite3.Connection, number: int) -> Answer | None:
    """What became of a request; ``None`` while it waits."""
    row = connection.execute("SELECT outcome, answer FROM log_request WHERE id = ?", (number,)).fetchone()
    return None if row is None or row[0] is None else Answer(row[0], msgspec.json.decode(row[1]))


def submit(
    database: Path,
    kind: RequestKind,
    actor: str,
    body: Body,
    *,
    wait_seconds: float,
    sleep: Callable[[float], None] = time.sleep,
    monotonic: Callable[[], float] = time.monotonic,
) -> Answer | None:
    """Ask the agent that runs, and wait for its answer.

    Returns:
        ``None`` where it has not answered in time: the request is kept and will be carried out.

    Raises:
        sqlite3.Error: the state database is not there or cannot be written.
    """
    connection = open_beside(database, "rw")
    try:
        with connection:
            number = request(connection, kind, actor, body, time.time_ns() // 1000)
        deadline = monotonic() + wait_seconds
        while (answer := answer_of(connection, number)) is None and monotonic() < deadline:
            sleep(LOOK_SECONDS)
        return answer
    finally:
        connection.close()
