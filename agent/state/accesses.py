"""The inbox of accesses: who was shown what payloads of the log hold, durable until the log says so.

Whoever shows payloads writes here first, from a connection of its own; the loop logs what waits, all at once, in the
transaction that takes it out.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from agent.state.beside import open_beside
from config.errors import EvidenceError
from detectors.acts import MAX_ACTOR_CHARACTERS

MAX_WAITING = 1_000
MAX_DETAIL_CHARACTERS = 2_000
NOBODY = "somebody who did not sign in"

NoteAccess = Callable[[str, str, str], None]
"""(actor, what, detail): an access is written down. Raises ``EvidenceError``: it cannot be, and nothing may be shown."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS log_access (
    id INTEGER PRIMARY KEY AUTOINCREMENT, actor TEXT NOT NULL, what TEXT NOT NULL, detail TEXT NOT NULL
) STRICT;
"""


class Access(NamedTuple):
    """Somebody is shown what payloads hold.

    Attributes:
        actor: as far as he is known; what: ``examples`` or ``report``; detail: of which entries, or of which rows.
    """

    id: int
    actor: str
    what: str
    detail: str


def create_schema(connection: sqlite3.Connection) -> None:
    """Make the table where it is missing."""
    connection.execute(_SCHEMA)


def note_access(database: Path, actor: str, what: str, detail: str) -> None:
    """Write down an access, before anything is shown.

    Raises:
        EvidenceError: the state cannot be written, or nobody logs what waits.
    """
    try:
        connection = open_beside(database, "rw")
        with closing(connection), connection:
            _put(connection, actor, what, detail)
    except sqlite3.Error as error:
        raise EvidenceError(f"that payloads are read cannot be written down now ({error}); try again") from None


def waiting(connection: sqlite3.Connection) -> list[Access]:
    """Accesses that are not logged yet, in their order."""
    return [Access(*row) for row in connection.execute("SELECT id, actor, what, detail FROM log_access ORDER BY id")]


def forget(connection: sqlite3.Connection, logged: Sequence[Access]) -> None:
    """Take out what is logged, inside the caller's transaction."""
    connection.executemany("DELETE FROM log_access WHERE id = ?", [(access.id,) for access in logged])


def _put(connection: sqlite3.Connection, actor: str, what: str, detail: str) -> None:
    (count,) = connection.execute("SELECT count(*) FROM log_access").fetchone()
    if count >= MAX_WAITING:
        raise EvidenceError(f"{count} accesses wait to be logged, and nobody logs them; see whether the agent is ready")
    connection.execute(
        "INSERT INTO log_access (actor, what, detail) VALUES (?, ?, ?)",
        (actor.strip()[:MAX_ACTOR_CHARACTERS] or NOBODY, what, detail[:MAX_DETAIL_CHARACTERS]),
    )
