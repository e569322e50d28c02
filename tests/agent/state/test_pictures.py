from __future__ import annotations

import sqlite3

import pytest

from agent.state import pictures
from exporters.dossier import ColumnPicture, Pictures

COLUMN = ColumnPicture("income", True, ("missing", "below 1"), 1, (1, 2), (3, 4))


@pytest.fixture
def connection() -> sqlite3.Connection:
    made = sqlite3.connect(":memory:")
    pictures.create_schema(made)
    return made


def test_the_latest_pictures_of_an_incident_are_kept(connection: sqlite3.Connection) -> None:
    pictures.put(connection, "h-1", Pictures(0, 1, ()))
    pictures.put(connection, "h-1", Pictures(1, 2, (COLUMN,)))
    assert pictures.get(connection, "h-1") == Pictures(1, 2, (COLUMN,))
    assert pictures.get(connection, "h-2") is None


def test_no_more_are_kept_than_anybody_looks_at(
    connection: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pictures, "MOST", 2)
    for number in (3, 1, 2):
        pictures.put(connection, f"h-{number}", Pictures(0, number, ()))
    assert [bool(pictures.get(connection, f"h-{number}")) for number in (1, 2, 3)] == [False, True, True]
