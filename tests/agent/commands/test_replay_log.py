"""``wachter replay --from-log``, as a person and a program meet it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from agent.cli import app
from tests.agent.conftest import OpenStage
from tests.agent.replay.tampering import change_payload
from tests.agent.stage import Stage, events


def run(*arguments: object) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, ["replay", *(str(argument) for argument in arguments)])
    return result.exit_code, result.stdout, result.stderr


@pytest.fixture
def log(stage: Stage) -> Path:
    stage.run(*events("a", 0, 200, 300))
    stage.step.end("stopped")
    return stage.settings.state.directory / "log"


def test_a_log_that_repeats_ends_with_0_and_says_so(log: Path, tmp_path: Path) -> None:
    code, output, _ = run("--from-log", log, "--out", tmp_path / "out")
    assert code == 0
    assert "compared 4 windows and 0 transitions of incidents" in output
    assert "equal to what the log recorded, byte for byte" in output
    assert (tmp_path / "out" / "measurements.jsonl").stat().st_size > 0
    assert (tmp_path / "out" / "differences.jsonl").read_bytes() == b""


def test_a_log_that_does_not_ends_with_1_and_says_where_to_look(log: Path, tmp_path: Path) -> None:
    change_payload(log, b'"x": 1', b'"x": 2')
    code, output, _ = run("--from-log", log, "--out", tmp_path / "out")
    assert code == 1
    assert "each is a line of" in output
    assert (tmp_path / "out" / "differences.jsonl").stat().st_size > 0


def test_programs_get_one_object(log: Path, tmp_path: Path) -> None:
    code, output, _ = run("--from-log", log, "--out", tmp_path / "out", "--json")
    answer = json.loads(output)
    assert code == 0
    assert (answer["equal"], answer["differences"], answer["compared"]["windows"]) == (True, {}, 4)


def test_times_bound_the_windows_that_are_compared(log: Path, tmp_path: Path) -> None:
    code, output, _ = run(
        "--from-log", log, "--out", tmp_path / "out", "--from", "2026-01-01T01:00Z", "--to", "2026-01-01T02:00Z", "--json"
    )  # fmt: skip
    compared = json.loads(output)["compared"]
    assert (code, compared["windows"], compared["outside"]) == (0, 2, 2)


def test_sealed_payloads_are_opened_with_the_state(open_stage: OpenStage, tmp_path: Path) -> None:
    stage = open_stage(root={"log": {"payloads": "sealed"}})
    stage.run(*events("a", 0, 200, 300, subject_ref="somebody"))
    stage.step.end("stopped")
    state = stage.settings.state.directory
    assert run("--from-log", state / "log", "--out", tmp_path / "out", "--state", state)[0] == 0
    assert run("--from-log", state / "log", "--out", tmp_path / "out")[0] == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "give --settings FILE and files of events, or --from-log LOG"),
        (["--from-log", "log", "events.jsonl"], "takes neither files of events nor --cells"),
        (["--from-log", "nowhere"], "there is no such directory"),
        (["--from-log", "nowhere", "--from", "yesterday"], "Write a time as in 2026-01-31"),
    ],
)
def test_a_call_that_makes_no_sense_ends_with_2(tmp_path: Path, arguments: list[str], said: str) -> None:
    code, _, error = run(*arguments, "--out", tmp_path / "out")
    assert code == 2
    assert said in error
