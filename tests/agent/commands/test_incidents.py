from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from agent.commands import incidents
from agent.state import acts

app = typer.Typer()
incidents.register(app)


@pytest.fixture
def state(tmp_path: Path) -> Path:
    with closing(sqlite3.connect(tmp_path / "state.db")) as connection:
        acts.create_schema(connection)
        connection.commit()
    return tmp_path


def silence(state: Path, length: str) -> tuple[int, str]:
    arguments = ["incidents", "silence", "harm-1-1", "--actor", "Ada", "--for", length, "--state", str(state)]
    result = CliRunner().invoke(app, arguments)
    return result.exit_code, result.output


def test_a_silence_is_asked_for_with_its_end_by_the_wall_clock(state: Path) -> None:
    before_us = time.time_ns() // 1000
    code, output = silence(state, "2h")
    assert code == 0
    assert "taken in" in output
    with closing(sqlite3.connect(state / "state.db")) as connection:
        (asked,) = acts.pending(connection)
    assert (asked.kind, asked.actor) == ("silence", "Ada")
    assert asked.until_us is not None
    assert 0 <= asked.until_us - before_us - 2 * 3_600_000_000 < 60_000_000


@pytest.mark.parametrize(("length", "why"), [("long", "is not a duration"), ("90d", "30 days at most")])
def test_a_silence_without_a_sensible_length_is_refused(state: Path, length: str, why: str) -> None:
    code, output = silence(state, length)
    assert code != 0
    assert why in output
