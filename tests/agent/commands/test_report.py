"""``wachter report evidently``: what is asked for, and what is said where it cannot be done."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from agent.commands import report as commands
from agent.reports.launch import PYTHON
from tests.agent.conftest import OpenStage
from tests.agent.stage import at, events

app = typer.Typer()
commands.register(app)
WINDOW = f"lending/credit/1@{at(60)}/{at(120)}"


def run(*arguments: object) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["report", "evidently", *map(str, arguments)])
    return result.exit_code, result.stderr


@pytest.fixture
def log(open_stage: OpenStage) -> Path:
    stage = open_stage().run(*events("a", 0, 200))
    stage.step.end("stopped")
    return stage.settings.state.directory / "log"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "give --incident ID or --window"),
        (("--window", WINDOW, "--incident", "harm-1"), "give --incident ID or --window"),
        (("--incident", "harm-1"), "--incident needs --settings FILE"),
        (("--window", "yesterday"), "write STREAM@START/END"),
        (("--window", f"lending/credit/1@{at(60)}/{at(0)}"), "ends before it begins"),
        (("--window", WINDOW, "--reference-window", at(0)), "write START/END"),
        (("--window", WINDOW, "--reference-window", f"{at(9)}/{at(9)}"), "ends before it begins"),
        (("--window", WINDOW, "--out", "/nowhere/at/all.html"), "there is no directory /nowhere/at"),
    ],
)
def test_a_wrong_call_says_how_it_is_meant(log: Path, arguments: tuple[str, ...], said: str) -> None:
    code, error = run(log, *arguments)
    assert (code, said in error) == (2, True), error


@pytest.mark.skipif(
    importlib.util.find_spec("evidently") is not None, reason="Evidently is here, so nothing is to be installed"
)
def test_without_evidently_it_says_what_to_install(log: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(PYTHON, raising=False)
    code, error = run(log, "--window", WINDOW, "--out", tmp_path / "r.html")
    assert code == 1
    assert "-m pip install '.[reports]'" in error
    assert list(tmp_path.glob("*.html*")) == []


def test_a_python_that_is_not_there_is_named(log: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PYTHON, "/nowhere/python")
    code, error = run(log, "--window", WINDOW, "--out", tmp_path / "r.html")
    assert code == 1
    assert "/nowhere/python" in error
    assert PYTHON in error
