"""The state store: one SQLite database, one writer, one transaction a step.

Everything that a step changes - positions, clocks, counters, tables of panes, join, incidents, history, rejects,
outbox - goes into one transaction (WAL, synchronous=FULL), so a crash leaves either all of a step or nothing of it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

import msgspec

from agent.delivery import outbox
from agent.source import Partition
from agent.state import accesses, acts, evidence, pictures, rejects, requests
from agent.state.lock import hold
from agent.state.records import Lane, Position, SystemClock
from agent.state.schema import prepare
from config.errors import StateError

DATABASE = "state.db"
__all__ = [
    "DATABASE", "Lane", "Position", "Store", "SystemClock", "connect", "incident_lines", "measurement_lines",
]  # fmt: skip

Body = TypeVar("Body", bound=msgspec.Struct)


class Store:
    """The open state directory. One process at a time; transactions from one thread."""

    def __init__(self, directory: Path, *, durable: bool = True) -> None:
        """Open or make the state.

        Args:
            durable: False skips the waits for the disk, for replays into a scratch directory.

        Raises:
            StateLocked: another process has it open.
            StateVersion: it was written in a format this version does not know.
            StateError: the directory cannot be made, read or written.
        """
        self.directory = directory
        self.durable = durable
        self._lock = hold(directory)
        try:
            self.connection = connect(directory, durable=durable)
            prepare(self.connection)
            for part in (accesses, acts, evidence, outbox, pictures, rejects, requests):
                part.create_schema(self.connection)
        except sqlite3.Error as error:
            self._lock.close()
            raise StateError(
                f"{directory / DATABASE}: {error}. Check the disk, its space and the permissions"
            ) from error
        except StateError:
            self._lock.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Safe twice."""
        self.connection.close()
        self._lock.close()

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All or nothing.

        Raises:
            StateError: it could not be made durable; nothing of it is in the state.
        """
        try:
            self.connection.execute("BEGIN IMMEDIATE")
            yield self.connection
            self.connection.execute("COMMIT")
        except BaseException as error:
            if self.connection.in_transaction:
                self.connection.execute("ROLLBACK")
            if isinstance(error, sqlite3.Error):
                raise StateError(f"{self.directory / DATABASE}: {error}. Nothing of this step was kept") from error
            raise

    def settle(self) -> None:
        """After a write that failed: bring all that is in the write-ahead log into the database, and empty the log.

        An error of the disk is told once: a later sync succeeds though pages of before it were never written. So nothing is
        acknowledged that rests on the old log; every page of it is written anew, and waited for.

        Raises:
            StateError: it cannot be done yet; try again before the next transaction.
        """
        try:
            (busy, _, _) = self.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        except sqlite3.Error as error:
            raise StateError(f"{self.directory / DATABASE}: {error}. Check the disk and its space") from error
        if busy:
            raise StateError(f"{self.directory / DATABASE}: somebody reads it, and holds up its repair. Let them end")

    # reading

    def positions(self) -> dict[Partition, Position]:
        rows = self.connection.execute("SELECT topic, number, body FROM position")
        return {Partition(topic, number): _decode(body, Position) for topic, number, body in rows}

    def clocks(self) -> dict[str, SystemClock]:
        rows = self.connection.execute("SELECT system, body FROM system_clock")
        return {system: _decode(body, SystemClock) for system, body in rows}

    def counters(self) -> dict[tuple[str, str], int]:
        return {(name, labels): value for name, labels, value in self.connection.execute("SELECT * FROM counter")}

    def lanes(self) -> list[Lane]:
        return [_decode(body, Lane) for (body,) in self.connection.execute("SELECT body FROM lane ORDER BY id")]

    def streams(self) -> dict[str, bytes]:
        return dict(self.connection.execute("SELECT key, body FROM stream"))

    def contexts(self) -> dict[str, bytes]:
        return dict(self.connection.execute("SELECT digest, body FROM context"))

    def pane(self, lane: int, start_us: int) -> bytes | None:
        row = self.connection.execute(
            "SELECT body FROM pane WHERE lane = ? AND start_us = ?", (lane, start_us)
        ).fetchone()
        return row[0] if row else None

    def volume(self, system: str, model: str, length_us: int, end_us: int) -> int | None:
        """Events of a closed window of the whole model; ``None`` where it is not known."""
        row = self.connection.execute(
            "SELECT events FROM volume WHERE system = ? AND model = ? AND length_us = ? AND end_us = ?",
            (system, model, length_us, end_us),
        ).fetchone()
        return row[0] if row else None

    def volumes(self, at_most: int) -> Iterator[tuple[str, str, int, int, int]]:
        """(system, model, length, end, events) of closed windows of whole models, in order."""
        return self.connection.execute(
            "SELECT system, model, length_us, end_us, events FROM volume"
            " ORDER BY system, model, length_us, end_us LIMIT ?",
            (at_most,),
        )

    def size_bytes(self) -> int:
        """Bytes of the database and its write-ahead log on disk."""
        files = (self.directory / f"{DATABASE}{suffix}" for suffix in ("", "-wal"))
        return sum(file.stat().st_size for file in files if file.exists())

    # writing, inside a transaction

    def put_positions(self, positions: Mapping[Partition, Position]) -> None:
        self.connection.executemany(
            "INSERT OR REPLACE INTO position VALUES (?, ?, ?)",
            [(p.topic, p.number, msgspec.json.encode(body)) for p, body in positions.items()],
        )

    def put_clocks(self, clocks: Mapping[str, SystemClock]) -> None:
        self.connection.executemany(
            "INSERT OR REPLACE INTO system_clock VALUES (?, ?)",
            [(system, msgspec.json.encode(body)) for system, body in clocks.items()],
        )

    def put_counters(self, counters: Mapping[tuple[str, str], int]) -> None:
        self.connection.executemany(
            "INSERT OR REPLACE INTO counter VALUES (?, ?, ?)", [(*key, value) for key, value in counters.items()]
        )

    def put_lanes(self, lanes: Iterable[Lane]) -> None:
        self.connection.executemany(
            "INSERT OR REPLACE INTO lane VALUES (?, ?)", [(lane.id, msgspec.json.encode(lane)) for lane in lanes]
        )

    def put_stream(self, key: str, body: bytes) -> None:
        self.connection.execute("INSERT OR REPLACE INTO stream VALUES (?, ?)", (key, body))

    def put_context(self, digest: str, body: bytes) -> None:
        self.connection.execute("INSERT OR IGNORE INTO context VALUES (?, ?)", (digest, body))

    def put_panes(self, panes: Iterable[tuple[int, int, bytes]]) -> None:
        self.connection.executemany("INSERT OR REPLACE INTO pane VALUES (?, ?, ?)", panes)

    def drop_panes(self, panes: Iterable[tuple[int, int]]) -> None:
        self.connection.executemany("DELETE FROM pane WHERE lane = ? AND start_us = ?", list(panes))

    def put_history(self, rows: Iterable[tuple[int, str, int, str, str, bytes]], forget_before_us: int) -> None:
        """Add measured windows, and forget those that were due before a time."""
        self.connection.executemany("INSERT OR REPLACE INTO measurement VALUES (?, ?, ?, ?, ?, ?)", list(rows))
        self.connection.execute("DELETE FROM measurement WHERE due_us < ?", (forget_before_us,))

    def forget_windows(self) -> None:
        """Everything that belongs to windows still open: they will be rebuilt from the source."""
        for table in ("position", "system_clock", "lane", "pane", "join_pane", "join_chunk", "pending_label"):
            self.connection.execute(f"DELETE FROM {table}")  # noqa: S608 - constants

    def put_incident(self, incident_id: str, order: tuple[int, str, str, int], line: bytes) -> None:
        """Keep an incident as it now stands, with its place in ``incidents.jsonl``."""
        self.connection.execute(
            "INSERT OR REPLACE INTO incident VALUES (?, ?, ?, ?, ?, ?)", (incident_id, *order, line)
        )

    def put_volumes(self, rows: Iterable[tuple[str, str, int, int, int]], forget_before_us: int) -> None:
        """Add (system, model, length, end, events) of closed windows, and forget those that ended before a time."""
        self.connection.executemany("INSERT OR REPLACE INTO volume VALUES (?, ?, ?, ?, ?)", list(rows))
        self.connection.execute("DELETE FROM volume WHERE end_us < ?", (forget_before_us,))


def connect(directory: Path, *, durable: bool = True) -> sqlite3.Connection:
    """A connection to the state of a directory, for the agent or for whoever reads beside it."""
    connection = sqlite3.connect(directory / DATABASE, isolation_level=None, check_same_thread=False, timeout=5.0)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute(f"PRAGMA synchronous = {'FULL' if durable else 'OFF'}")
    return connection


def measurement_lines(connection: sqlite3.Connection) -> Iterator[bytes]:
    """Lines of ``measurements.jsonl``, by due time, stream, window, metric and subject."""
    return (line for (line,) in connection.execute("SELECT line FROM measurement"))


def incident_lines(connection: sqlite3.Connection, *, agent: bool) -> Iterator[bytes]:
    """Lines of ``incidents.jsonl``, by first due time, stream, fingerprint and episode.

    Args:
        agent: with the agent's own troubles, which depend on the journey of the events.
    """
    rows = connection.execute(
        "SELECT line FROM incident WHERE ? OR id NOT LIKE 'agent-%' ORDER BY first_due_us, stream, fingerprint, episode",
        (agent,),
    )
    return (line for (line,) in rows)


def _decode(body: bytes, kind: type[Body]) -> Body:
    return msgspec.json.decode(body, type=kind)
