from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest
import typer
import yaml
from typer.testing import CliRunner

from agent.commands import rejects as commands
from agent.decoders import Reject
from agent.state import rejects
from tests.config import sample

app = typer.Typer()
commands.register(app)


def run(*arguments: object) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, ["rejects", *(str(argument) for argument in arguments)])
    return result.exit_code, result.stdout, result.stderr


@pytest.fixture
def state(tmp_path: Path) -> Path:
    conn = sqlite3.connect(tmp_path / "state.db")
    rejects.create_schema(conn)
    kept = [
        Reject("scoring", 2, 41, "bad_json", "Expecting value", b"{\x1b[31m", 6),
        Reject("scoring", 0, 7, "empty", "a tombstone", b"", 0),
    ]
    rejects.add(conn, kept, 1_795_464_000_123_456, max_rows=10, max_bytes=10_000)
    conn.commit()
    conn.close()
    return tmp_path


def test_the_list_names_record_and_reason(state: Path) -> None:
    code, output, _ = run("list", "--state", state)
    assert code == 0
    assert "scoring/2@41" in output
    assert "2 of 2 kept records" in output


def test_the_list_is_json_lines_for_programs(state: Path) -> None:
    code, output, _ = run("list", "--state", state, "--json", "--reason", "bad_json")
    assert code == 0
    assert [json.loads(line) for line in output.splitlines()] == [
        {
            "number": 1,
            "topic": "scoring",
            "partition": 2,
            "offset": 41,
            "reason": "bad_json",
            "detail": "Expecting value",
            "size": 6,
            "at": "2026-11-23T20:00:00.123Z",
        }
    ]


def test_the_bytes_of_one_record_are_shown_without_touching_the_terminal(state: Path) -> None:
    code, output, _ = run("show", 1, "--state", state)
    assert code == 0
    assert output.endswith("value     6 bytes\n{\\x1b[31m\n")
    assert json.loads(run("show", 1, "--state", state, "--json")[1])["value"] == "{\\x1b[31m"


def test_the_state_is_found_through_the_settings(state: Path) -> None:
    file = state / "wachter.yaml"
    file.write_text(yaml.safe_dump(sample.settings(state={"directory": str(state)})))
    assert run("list", "--settings", file)[0] == 0


@pytest.mark.parametrize(
    ("arguments", "message", "exit_code"),
    [
        (["list"], "give --settings FILE or --state DIRECTORY", 2),
        (["list", "--state", "/nowhere"], "there is no state in /nowhere", 1),
        (["list", "--settings", "/nowhere.yaml"], "the settings cannot be used", 1),
        (["list", "--reason", "bad_luck"], "there is no reason 'bad_luck'", 1),
        (["show", "99", "--state", "STATE"], "there is no rejected record 99", 1),
    ],
)
def test_what_cannot_be_shown_is_said(state: Path, arguments: list[str], message: str, exit_code: int) -> None:
    code, _, errors = run(*(str(state) if argument == "STATE" else argument for argument in arguments))
    assert code == exit_code
    assert message in errors


def test_a_database_that_is_none_is_said(tmp_path: Path) -> None:
    (tmp_path / "state.db").write_bytes(b"nonsense" * 100)
    code, _, errors = run("list", "--state", tmp_path)
    assert code == 1
    assert "cannot be read: file is not a database" in errors
