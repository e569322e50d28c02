from __future__ import annotations

import sqlite3
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.decoders import Reject
from agent.state.rejects import ROW_OVERHEAD, add, create_schema, list_rejects, show, totals


def reject(offset: int, value: bytes = b"x", reason: str = "bad_json") -> Reject:
    return Reject("t", 0, offset, reason, "why", value, len(value))


@pytest.fixture
def conn() -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(":memory:")
    create_schema(connection)
    yield connection
    connection.close()


def offsets(conn: sqlite3.Connection) -> list[int]:
    return [kept.offset for kept in reversed(list_rejects(conn, 1000))]


def test_a_reject_is_kept_with_its_bytes_and_reason(conn: sqlite3.Connection) -> None:
    assert add(conn, [reject(7, b"\x00\xff")], 123, max_rows=10, max_bytes=10_000) == 0
    kept = show(conn, 1)
    assert kept is not None
    assert (kept.at_us, kept.topic, kept.partition, kept.offset) == (123, "t", 0, 7)
    assert (kept.reason, kept.detail, kept.size, kept.value) == ("bad_json", "why", 2, b"\x00\xff")


def test_the_newest_are_listed_first_and_by_reason(conn: sqlite3.Connection) -> None:
    add(conn, [reject(1), reject(2, reason="empty"), reject(3)], 0, max_rows=10, max_bytes=10_000)
    assert [kept.offset for kept in list_rejects(conn, 2)] == [3, 2]
    assert [kept.offset for kept in list_rejects(conn, reason="bad_json")] == [3, 1]


def test_the_oldest_leave_when_there_are_too_many(conn: sqlite3.Connection) -> None:
    add(conn, [reject(1), reject(2)], 0, max_rows=3, max_bytes=10_000)
    assert add(conn, [reject(3), reject(4)], 0, max_rows=3, max_bytes=10_000) == 1
    assert offsets(conn) == [2, 3, 4]
    assert totals(conn).evicted == 1


def test_the_oldest_leave_when_they_are_too_large(conn: sqlite3.Connection) -> None:
    room = 2 * (ROW_OVERHEAD + 100)
    add(conn, [reject(1, b"x" * 100), reject(2, b"x" * 100)], 0, max_rows=10, max_bytes=room)
    assert add(conn, [reject(3, b"x" * 101)], 0, max_rows=10, max_bytes=room) == 2
    assert offsets(conn) == [3]


def test_more_rejects_than_the_store_holds_leave_the_last_ones(conn: sqlite3.Connection) -> None:
    assert add(conn, [reject(i) for i in range(10)], 0, max_rows=3, max_bytes=10_000) == 7
    assert offsets(conn) == [7, 8, 9]


def test_a_reject_that_never_fits_is_counted_as_gone(conn: sqlite3.Connection) -> None:
    assert add(conn, [reject(1, b"x" * 100)], 0, max_rows=10, max_bytes=100) == 1
    assert totals(conn) == type(totals(conn))(rows=0, bytes=0, evicted=1)


def test_a_number_is_never_given_twice(conn: sqlite3.Connection) -> None:
    for i in range(5):
        add(conn, [reject(i)], 0, max_rows=1, max_bytes=10_000)
    assert [kept.number for kept in list_rejects(conn)] == [5]
    assert show(conn, 1) is None


def test_rejects_belong_to_the_transaction_of_the_caller(conn: sqlite3.Connection) -> None:
    add(conn, [reject(1)], 0, max_rows=10, max_bytes=10_000)
    conn.rollback()
    assert offsets(conn) == []
    assert totals(conn).bytes == 0


def test_making_the_schema_twice_changes_nothing(conn: sqlite3.Connection) -> None:
    add(conn, [reject(1)], 0, max_rows=10, max_bytes=10_000)
    create_schema(conn)
    assert offsets(conn) == [1]


@given(st.lists(st.lists(st.integers(0, 400), max_size=6), max_size=6), st.integers(1, 5), st.integers(0, 2_000))
def test_bounds_hold_and_every_reject_is_kept_or_counted(calls: list[list[int]], max_rows: int, max_bytes: int) -> None:
    connection = sqlite3.connect(":memory:")
    create_schema(connection)
    offset = evicted = 0
    for sizes in calls:
        batch = [reject(offset + i, b"x" * size) for i, size in enumerate(sizes)]
        offset += len(batch)
        evicted += add(connection, batch, 0, max_rows, max_bytes)
        now = totals(connection)
        kept = list_rejects(connection, 1000)
        assert now.rows == len(kept) <= max_rows
        assert now.bytes == sum(len(k.value) + ROW_OVERHEAD for k in kept) <= max_bytes
        assert now.rows + now.evicted == offset
        assert now.evicted == evicted
        assert offsets(connection) == sorted(set(offsets(connection)))
    connection.close()
