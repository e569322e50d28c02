"""Accesses wait in the state until the log says them."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.state import accesses
from agent.state.accesses import MAX_WAITING, NOBODY, forget, note_access, waiting
from agent.state.store import DATABASE, Store
from config.errors import EvidenceError
from detectors.acts import MAX_ACTOR_CHARACTERS


def test_what_was_noted_waits_in_its_order_until_it_is_forgotten(tmp_path: Path) -> None:
    with Store(tmp_path, durable=False) as store:
        note_access(tmp_path / DATABASE, " kim ", "report", "rows of a window")
        note_access(tmp_path / DATABASE, "", "examples", "2026-11/5")
        found = waiting(store.connection)
        assert [access[1:] for access in found] == [
            ("kim", "report", "rows of a window"),
            (NOBODY, "examples", "2026-11/5"),
        ]
        with store.transaction() as connection:
            forget(connection, found[:1])
        assert waiting(store.connection) == found[1:]


def test_a_name_as_long_as_a_header_is_cut(tmp_path: Path) -> None:
    with Store(tmp_path, durable=False) as store:
        note_access(tmp_path / DATABASE, "k" * 10_000, "report", "d" * 10_000)
        (found,) = waiting(store.connection)
        assert (len(found.actor), len(found.detail)) == (MAX_ACTOR_CHARACTERS, accesses.MAX_DETAIL_CHARACTERS)


def test_where_nobody_logs_them_no_more_are_taken(tmp_path: Path) -> None:
    with Store(tmp_path, durable=False) as store:
        with store.transaction() as connection:
            row = ("kim", "report", "")
            connection.executemany("INSERT INTO log_access (actor, what, detail) VALUES (?, ?, ?)", [row] * MAX_WAITING)
        with pytest.raises(EvidenceError, match="1000 accesses wait to be logged"):
            note_access(tmp_path / DATABASE, *row)


def test_a_state_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    with pytest.raises(EvidenceError, match="cannot be written down now"):
        note_access(tmp_path / DATABASE, "kim", "report", "")
