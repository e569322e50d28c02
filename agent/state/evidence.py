"""What the state keeps for the event log: how far it is recorded, what was signed, its secrets, what was said of settings.

All functions take the caller's connection. Keys of persons stand in rows of their own: deleting one erases what it sealed.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Final, NamedTuple

from exporters.evidence.heads import Signed
from exporters.evidence.recorded import LastSigned, Recorded

_SCHEMA = """
CREATE TABLE IF NOT EXISTS evidence (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS subject_key (tag BLOB PRIMARY KEY, id BLOB NOT NULL, key BLOB NOT NULL) WITHOUT ROWID;
"""
RECORDED: Final = "recorded"
"""Shard and size of the log that the last transaction covers."""
SIGNED: Final = "signed"
"""Shard, size and root of the last head that was signed: the log never signs another one that does not continue it."""
PEPPER: Final = "pepper"
"""Key of the tags of persons, hexadecimal; made once."""
NUMBER: Final = "number"
"""Eight hexadecimal digits that set the logs of two state directories apart; made once."""
NAME: Final = "name"
"""The log's whole name, that number in it; kept once the log was opened by it."""
SETTINGS: Final = "settings"
"""Digest of the settings that were last logged."""
REFERENCE: Final = "reference "
"""Beginning of the keys of the digests of references, by model."""


class SubjectKey(NamedTuple):
    """What seals the payloads of a person: 16 bytes that name the key, and its 32 bytes."""

    id: bytes
    key: bytes


def create_schema(connection: sqlite3.Connection) -> None:
    """Make the tables where they are missing."""
    for statement in filter(str.strip, _SCHEMA.split(";")):
        connection.execute(statement)


def get(connection: sqlite3.Connection, key: str) -> str | None:
    """A value; ``None`` where there is none."""
    row = connection.execute("SELECT value FROM evidence WHERE key = ?", (key,)).fetchone()
    return None if row is None else str(row[0])


def put(connection: sqlite3.Connection, key: str, value: str) -> None:
    """Keep a value, inside the caller's transaction."""
    connection.execute("INSERT OR REPLACE INTO evidence VALUES (?, ?)", (key, value))


def recorded_of(connection: sqlite3.Connection) -> Recorded | None:
    """How far the state has recorded the log; ``None`` where there is no log yet."""
    text = get(connection, RECORDED)
    return None if text is None else Recorded.parse(text)


def signed_of(connection: sqlite3.Connection) -> LastSigned | None:
    """The last head that the state knows to be signed; ``None`` where it knows of none."""
    text = get(connection, SIGNED)
    return None if text is None else LastSigned.parse(text)


def put_signed(connection: sqlite3.Connection, signed: Signed) -> None:
    """Keep a head that was signed, inside the caller's transaction."""
    put(connection, SIGNED, str(LastSigned(signed.shard, signed.size, signed.root)))


def subject_key(connection: sqlite3.Connection, tag: int) -> SubjectKey | None:
    """The key of the person of a tag; ``None`` where there is none, or no longer."""
    row = connection.execute("SELECT id, key FROM subject_key WHERE tag = ?", (_bytes(tag),)).fetchone()
    return None if row is None else SubjectKey(*row)


def key_of_id(connection: sqlite3.Connection, key_id: bytes) -> bytes | None:
    """The key that bears an id; ``None`` where there is none, or no longer."""
    row = connection.execute("SELECT key FROM subject_key WHERE id = ?", (key_id,)).fetchone()
    return None if row is None else bytes(row[0])


def put_subject_keys(connection: sqlite3.Connection, keys: dict[int, SubjectKey]) -> None:
    """Keep new keys, inside the caller's transaction."""
    rows = [(_bytes(tag), *key) for tag, key in keys.items()]
    connection.executemany("INSERT INTO subject_key VALUES (?, ?, ?)", rows)


def delete_subject_keys(connection: sqlite3.Connection, tags: Sequence[int]) -> int:
    """Forget the keys of persons, inside the caller's transaction; how many there were."""
    deleted = (connection.execute("DELETE FROM subject_key WHERE tag = ?", (_bytes(tag),)).rowcount for tag in tags)
    return sum(deleted)


def _bytes(tag: int) -> bytes:
    """SQLite's integers end at 63 bits."""
    return tag.to_bytes(8, "little")
