"""The tables of the state's database, and the version of their format."""

from __future__ import annotations

import sqlite3

from config.errors import StateVersion

FORMAT_VERSION = 2
"""1: bodies of panes were not compressed. They are read; what is written anew is of format 2."""

SCHEMA = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE position (topic TEXT, number INTEGER, body BLOB NOT NULL, PRIMARY KEY (topic, number)) WITHOUT ROWID;
CREATE TABLE system_clock (system TEXT PRIMARY KEY, body BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE counter (name TEXT, labels TEXT, value INTEGER NOT NULL, PRIMARY KEY (name, labels)) WITHOUT ROWID;
CREATE TABLE context (digest TEXT PRIMARY KEY, body BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE lane (id INTEGER PRIMARY KEY, body BLOB NOT NULL);
CREATE TABLE stream (key TEXT PRIMARY KEY, body BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE pane (
    lane INTEGER NOT NULL, start_us INTEGER NOT NULL, body BLOB NOT NULL, PRIMARY KEY (lane, start_us)
);
CREATE TABLE join_pane (id INTEGER PRIMARY KEY, body BLOB NOT NULL);
CREATE TABLE join_chunk (
    pane INTEGER NOT NULL, log TEXT NOT NULL, number INTEGER NOT NULL, body BLOB NOT NULL, PRIMARY KEY (pane, log, number)
);
CREATE TABLE pending_label (
    id INTEGER PRIMARY KEY, system TEXT NOT NULL, model TEXT NOT NULL, body BLOB NOT NULL
);
CREATE TABLE volume (
    system TEXT, model TEXT, length_us INTEGER, end_us INTEGER, events INTEGER NOT NULL,
    PRIMARY KEY (system, model, length_us, end_us)
) WITHOUT ROWID;
CREATE TABLE measurement (
    due_us INTEGER NOT NULL, stream TEXT NOT NULL, end_us INTEGER NOT NULL, metric TEXT NOT NULL, subject TEXT NOT NULL,
    line BLOB NOT NULL, PRIMARY KEY (due_us, stream, end_us, metric, subject)
) WITHOUT ROWID;
CREATE TABLE incident (
    id TEXT PRIMARY KEY, first_due_us INTEGER NOT NULL, stream TEXT NOT NULL, fingerprint TEXT NOT NULL,
    episode INTEGER NOT NULL, line BLOB NOT NULL
) WITHOUT ROWID;
"""


def prepare(connection: sqlite3.Connection) -> None:
    """Make the schema in an empty database, or check that we know its format.

    Raises:
        StateVersion: another version of Wachter wrote it.
    """
    if connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'meta'").fetchone():
        (version,) = connection.execute("SELECT value FROM meta WHERE key = 'format'").fetchone()
        if not 1 <= int(version) <= FORMAT_VERSION:
            raise StateVersion(
                f"the state is of format {version}, this version reads formats up to {FORMAT_VERSION}. "
                "Run the version that wrote it, or start with an empty state directory"
            )
        connection.execute("UPDATE meta SET value = ? WHERE key = 'format' AND value != ?", (str(FORMAT_VERSION),) * 2)
        return
    connection.executescript(
        f"BEGIN; {SCHEMA} INSERT INTO meta VALUES ('format', '{FORMAT_VERSION}'); COMMIT;"  # noqa: S608 - constants
    )
