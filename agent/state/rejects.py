"""The dead-letter store: rejected records with their bytes and their reason, in the state database, bounded.

All functions take the caller's connection, so that rejects are written in the step's transaction: a record is set aside
exactly when its offset is passed. When a bound is reached the oldest leave, counted.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from agent.decoders.record import Reject

_SCHEMA = """
CREATE TABLE IF NOT EXISTS rejects (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    at_us INTEGER NOT NULL,
    topic TEXT NOT NULL,
    partition INTEGER NOT NULL,
    offset INTEGER NOT NULL,
    reason TEXT NOT NULL,
    detail TEXT NOT NULL,
    size INTEGER NOT NULL,
    value BLOB NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS rejects_total (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    bytes INTEGER NOT NULL,
    evicted INTEGER NOT NULL
) STRICT;
INSERT OR IGNORE INTO rejects_total VALUES (1, 0, 0);
"""
_COLUMNS = "number, at_us, topic, partition, offset, reason, detail, size, value"
ROW_OVERHEAD = 256
"""Bytes that a row is counted with beside its value."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A rejected record in the store; ``at_us`` is the agent's time when it was set aside."""

    number: int
    at_us: int
    topic: str
    partition: int
    offset: int
    reason: str
    detail: str
    size: int
    value: bytes


@dataclass(frozen=True, slots=True)
class Totals:
    """What the store holds, and how many records had to leave it since it was made."""

    rows: int
    bytes: int
    evicted: int


def create_schema(conn: sqlite3.Connection) -> None:
    """Make the tables where they are missing; commits."""
    conn.executescript(_SCHEMA)


def add(conn: sqlite3.Connection, rejects: Sequence[Reject], at_us: int, max_rows: int, max_bytes: int) -> int:
    """Keep rejects, and let the oldest leave beyond the bounds.

    Args:
        at_us: the agent's time, microseconds.
        max_rows, max_bytes: bounds of the whole store; each row counts its value and ``ROW_OVERHEAD``.

    Returns:
        how many records left, or never came in because newer ones of the same call fill the store.
    """
    if not rejects:
        return 0
    newest = _newest(rejects, max_rows, max_bytes)
    conn.executemany(
        "INSERT INTO rejects (at_us, topic, partition, offset, reason, detail, size, value)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        [(at_us, r.topic, r.partition, r.offset, r.reason, r.detail, r.size, r.value) for r in newest],
    )
    _add_bytes(conn, sum(_weight(reject) for reject in newest))
    evicted = len(rejects) - len(newest) + _evict(conn, max_rows, max_bytes)
    conn.execute("UPDATE rejects_total SET evicted = evicted + ?", (evicted,))
    return evicted


def delete(conn: sqlite3.Connection, numbers: Sequence[int]) -> None:
    """Forget records, by their numbers; the caller commits."""
    for number in numbers:
        (weight,) = conn.execute(
            "SELECT length(value) + ? FROM rejects WHERE number = ?", (ROW_OVERHEAD, number)
        ).fetchone()
        conn.execute("DELETE FROM rejects WHERE number = ?", (number,))
        _add_bytes(conn, -weight)


def list_rejects(conn: sqlite3.Connection, limit: int = 50, reason: str | None = None) -> list[Kept]:
    """The newest rejected records, newest first."""
    where, arguments = ("WHERE reason = ?", [reason]) if reason is not None else ("", [])
    query = f"SELECT {_COLUMNS} FROM rejects {where} ORDER BY number DESC LIMIT ?"  # noqa: S608 (no outside text)
    return [Kept(*row) for row in conn.execute(query, [*arguments, limit])]


def oldest_first(conn: sqlite3.Connection) -> Iterator[Kept]:
    """All records that are kept, in the order in which they were set aside."""
    return (Kept(*row) for row in conn.execute(f"SELECT {_COLUMNS} FROM rejects ORDER BY number"))  # noqa: S608


def show(conn: sqlite3.Connection, number: int) -> Kept | None:
    """One rejected record; ``None`` where there is none of this number, or no longer."""
    row = conn.execute(f"SELECT {_COLUMNS} FROM rejects WHERE number = ?", (number,)).fetchone()  # noqa: S608
    return None if row is None else Kept(*row)


def totals(conn: sqlite3.Connection) -> Totals:
    """Rows and bytes now, and evictions so far."""
    (rows,) = conn.execute("SELECT COUNT(*) FROM rejects").fetchone()
    size, evicted = conn.execute("SELECT bytes, evicted FROM rejects_total").fetchone()
    return Totals(rows, size, evicted)


def _newest(rejects: Sequence[Reject], max_rows: int, max_bytes: int) -> Sequence[Reject]:
    """The last ones that fit an empty store."""
    size = 0
    for count, reject in enumerate(reversed(rejects)):
        size += _weight(reject)
        if count == max_rows or size > max_bytes:
            return rejects[len(rejects) - count :]
    return rejects


def _weight(reject: Reject) -> int:
    return len(reject.value) + ROW_OVERHEAD


def _evict(conn: sqlite3.Connection, max_rows: int, max_bytes: int) -> int:
    now = totals(conn)
    last, count, freed = 0, 0, 0
    if now.rows <= max_rows and now.bytes <= max_bytes:
        return 0
    for number, weight in _oldest(conn):
        if now.rows - count <= max_rows and now.bytes - freed <= max_bytes:
            break
        last, count, freed = number, count + 1, freed + weight
    conn.execute("DELETE FROM rejects WHERE number <= ?", (last,))
    _add_bytes(conn, -freed)
    return count


def _oldest(conn: sqlite3.Connection) -> Iterator[tuple[int, int]]:
    yield from conn.execute("SELECT number, length(value) + ? FROM rejects ORDER BY number", (ROW_OVERHEAD,))


def _add_bytes(conn: sqlite3.Connection, change: int) -> None:
    conn.execute("UPDATE rejects_total SET bytes = bytes + ?", (change,))
