"""``wachter reference``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from agent.commands import reference
from config.settings import load
from detectors.reference import Reference
from tests.agent.reference.credit import SETTINGS, credit_events, label_of, write_lines

EVENTS = credit_events(rows=200)


@pytest.fixture
def room(tmp_path: Path) -> Path:
    (tmp_path / "wachter.yaml").write_text(SETTINGS + "        reference: scoring.reference\n")
    write_lines(tmp_path / "events.jsonl", EVENTS)
    write_lines(tmp_path / "labels.jsonl", map(label_of, EVENTS))
    return tmp_path


def run(*arguments: str | Path) -> Result:
    app = typer.Typer()
    reference.register(app)
    return CliRunner().invoke(app, ["reference", *map(str, arguments)])


def build(room: Path, *more: str | Path) -> Result:
    return run("build", "-s", room / "wachter.yaml", "-o", room / "scoring.reference", *more)


def test_a_reference_is_built_for_settings_that_name_it_before_it_is_there(room: Path) -> None:
    result = build(room, room / "events.jsonl", room / "labels.jsonl", "--held-out")
    assert result.exit_code == 0
    assert "credit/scoring, version all" in result.output
    assert load(room / "wachter.yaml", {}).systems[0].models[0].reference == room / "scoring.reference"


def test_rows_that_are_not_said_to_be_held_out_are_refused(room: Path) -> None:
    result = build(room, room / "events.jsonl")
    assert result.exit_code == 1
    assert "--held-out" in result.output
    assert not (room / "scoring.reference").exists()


def test_the_same_rows_give_the_same_file(room: Path) -> None:
    build(room, room / "events.jsonl", "--held-out")
    once = (room / "scoring.reference").read_bytes()
    build(room, room / "events.jsonl", "--held-out")
    assert (room / "scoring.reference").read_bytes() == once


def test_what_is_shown_as_json_is_the_reference(room: Path) -> None:
    build(room, room / "events.jsonl", room / "labels.jsonl", "--held-out")
    record = json.loads(run("show", room / "scoring.reference", "--json").output)
    held = Reference.from_bytes((room / "scoring.reference").read_bytes())
    assert record["digest"] == held.digest
    assert record["chunks"] == 12
    assert [column["name"] for column in record["columns"]] == ["income", "age", "score", "purpose", "prediction"]
    assert {m["metric"] for m in record["performance"]} >= {"accuracy", "roc_auc", "group_accuracy"}


def test_what_is_weak_is_said(room: Path) -> None:
    write_lines(room / "short.jsonl", credit_events(rows=50, days=3))
    output = build(room, room / "short.jsonl", "--held-out").output
    assert "fewer than 10: the spread between chunks is unknown" in output
    assert "50 rows are few" in output
    assert "no row has a label" in output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "Name files of events, or topics"),
        (["events.jsonl", "--topic", "scoring"], "Name files of events, or topics"),
        (["gone.jsonl"], "gone.jsonl: No such file or directory"),
        (["labels.jsonl"], "no inference event of credit/scoring was found in 200 records"),
        (["events.jsonl", "--model", "other"], "no model is called 'other'"),
        (["events.jsonl", "--version", "7"], "no inference event of credit/scoring version 7"),
        (["wachter.yaml"], "the kind of this file is not known"),
    ],
)
def test_what_cannot_be_built_is_explained(room: Path, arguments: list[str], message: str) -> None:
    paths = [str(room / name) if "." in name else name for name in arguments]
    result = build(room, *paths, "--held-out")
    assert result.exit_code == 1
    assert message in result.output.replace(str(room) + "/", "")
    assert "Traceback" not in result.output


def test_mistakes_in_the_settings_are_all_named(room: Path) -> None:
    (room / "wachter.yaml").write_text(SETTINGS + "        colour: red\n        window: {length: 0s}\n")
    output = build(room, room / "events.jsonl", "--held-out").output
    assert "colour" in output
    assert "window.length" in output


def test_a_file_that_is_no_reference_is_refused(room: Path) -> None:
    result = run("show", room / "events.jsonl")
    assert result.exit_code == 1
    assert "not a reference file" in result.output
