"""The columns of incidents in their latest windows: kept when a window is judged, since its tables go soon.

One small row an incident; the last ``MOST`` that changed are kept. Nothing that is decided rests on it.
"""

from __future__ import annotations

import sqlite3
from typing import Final

import msgspec

from exporters.dossier import Pictures

MOST: Final = 500

_SCHEMA = """
CREATE TABLE IF NOT EXISTS picture (
    incident_id TEXT PRIMARY KEY, window_end_us INTEGER NOT NULL, body BLOB NOT NULL
) WITHOUT ROWID
"""


def create_schema(connection: sqlite3.Connection) -> None:
    """Make the table where it is not there yet."""
    connection.execute(_SCHEMA)


def put(connection: sqlite3.Connection, incident_id: str, pictures: Pictures) -> None:
    """Keep the latest pictures of an incident. The caller commits."""
    row = (incident_id, pictures.window_end_us, msgspec.json.encode(pictures))
    connection.execute("INSERT OR REPLACE INTO picture VALUES (?, ?, ?)", row)
    connection.execute(
        """DELETE FROM picture WHERE incident_id IN
             (SELECT incident_id FROM picture ORDER BY window_end_us DESC, incident_id LIMIT -1 OFFSET ?)""",
        (MOST,),
    )


def get(connection: sqlite3.Connection, incident_id: str) -> Pictures | None:
    """The pictures of an incident; ``None`` where none were kept."""
    row = connection.execute("SELECT body FROM picture WHERE incident_id = ?", (incident_id,)).fetchone()
    return None if row is None else msgspec.json.decode(row[0], type=Pictures)
