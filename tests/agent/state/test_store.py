"""The state directory: one owner, one format, all of a step or nothing."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from agent.source import Partition
from agent.state.schema import FORMAT_VERSION
from agent.state.store import Position, Store, SystemClock, connect
from config.errors import StateError, StateLocked, StateVersion

PART = Partition("t", 3)


def test_a_second_process_is_told_who_has_the_state(tmp_path: Path) -> None:
    with Store(tmp_path), pytest.raises(StateLocked, match=r"process \d+ has it open.*choose another"):
        Store(tmp_path)
    with Store(tmp_path):
        pass


def test_an_unknown_format_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    with Store(tmp_path) as store:
        store.connection.execute("UPDATE meta SET value = '99' WHERE key = 'format'")
    for _ in range(2):
        with pytest.raises(StateVersion, match=f"format 99, this version reads formats up to {FORMAT_VERSION}"):
            Store(tmp_path)


def test_what_is_no_database_is_said_to_be_none(tmp_path: Path) -> None:
    (tmp_path / "state.db").write_bytes(b"no database at all, but long enough to look at" * 30)
    with pytest.raises(StateError, match="not a database"):
        Store(tmp_path)


def test_a_directory_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StateError, match="needs a directory that it may write"):
        Store(tmp_path / "file" / "state")


def fail_within(store: Store) -> None:
    with store.transaction():
        store.put_positions({PART: Position(7)})
        raise ZeroDivisionError


def test_a_transaction_is_all_or_nothing(tmp_path: Path) -> None:
    with Store(tmp_path, durable=False) as store:
        with pytest.raises(ZeroDivisionError):
            fail_within(store)
        assert store.positions() == {}
        with store.transaction():
            store.put_positions({PART: Position(7)})
        assert store.positions() == {PART: Position(7)}


def test_an_error_of_the_database_says_that_nothing_was_kept(tmp_path: Path) -> None:
    matches = pytest.raises(StateError, match="Nothing of this step was kept")
    with Store(tmp_path, durable=False) as store, matches, store.transaction() as connection:
        connection.execute("INSERT INTO nowhere VALUES (1)")


def test_the_commit_that_gates_offsets_waits_for_the_disk(tmp_path: Path) -> None:
    with Store(tmp_path) as store:
        assert store.connection.execute("PRAGMA synchronous").fetchone() == (2,)
        assert store.connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_another_connection_reads_beside_the_agent(tmp_path: Path) -> None:
    with Store(tmp_path, durable=False) as store:
        with store.transaction():
            store.put_counters({("received", "{}"): 3})
        other = connect(tmp_path)
        assert other.execute("SELECT value FROM counter").fetchone() == (3,)
        other.close()
        assert store.size_bytes() > 0


def test_history_is_kept_for_a_while(tmp_path: Path) -> None:
    with Store(tmp_path, durable=False) as store, store.transaction():
        store.put_history([(due, "s", due, "psi", "x", b"line %d" % due) for due in (10, 20, 30)], forget_before_us=20)
        kept = store.connection.execute("SELECT line FROM measurement").fetchall()
    assert kept == [(b"line 20",), (b"line 30",)]


def test_closing_twice_is_safe(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.close()
    store.close()
    with pytest.raises(sqlite3.ProgrammingError):
        store.positions()


def test_a_cut_touches_the_windows_that_it_overlaps() -> None:
    clock = SystemClock(cuts=((10, 20),))
    assert [clock.cuts_into(*window) for window in ((0, 10), (0, 11), (19, 30), (20, 30))] == [False, True, True, False]


def test_settling_leaves_nothing_in_the_write_ahead_log(tmp_path: Path) -> None:
    with Store(tmp_path) as store:
        with store.transaction():
            store.put_stream("a", b"1")
        assert (tmp_path / "state.db-wal").stat().st_size > 0
        store.settle()
        assert (tmp_path / "state.db-wal").stat().st_size == 0
        assert store.streams() == {"a": b"1"}


def test_settling_says_when_a_reader_holds_it_up(tmp_path: Path) -> None:
    with Store(tmp_path) as store, closing(connect(tmp_path)) as reader:
        store.connection.execute("PRAGMA busy_timeout = 0")
        with store.transaction():
            store.put_stream("a", b"1")
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM stream").fetchall()
        with pytest.raises(StateError, match="somebody reads it"):
            store.settle()
        reader.execute("ROLLBACK")
        store.settle()
