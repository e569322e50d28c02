"""``wachter log rows``: the events of a window as JSON lines and as Parquet."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from agent.commands import log as commands
from tests.agent.conftest import OpenStage
from tests.agent.stage import at, event, events, label
from tests.exporters.evidence.payload_edits import edit_payloads, replaced

app = typer.Typer()
commands.register(app)
STREAM = "lending/credit/1"
WINDOW = f"{STREAM}@{at(0)}/{at(60)}"
MakeLog = Callable[..., Path]


def run(*arguments: object) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, ["log", "rows", *map(str, arguments)])
    return result.exit_code, result.stdout, result.stderr


@pytest.fixture
def make_log(open_stage: OpenStage) -> MakeLog:
    """A log of 40 events in the first hour, a copy, a label and later events; ``changes`` go to the stage."""

    def make(**changes: object) -> Path:
        stage = open_stage(labels={"horizon": "2h"}, **changes)
        stage.run(
            *events("a", 0, 59, count=40, features={"x": 2.5}), event("a3", 3), label("a3", 5), *events("b", 60, 90)
        )
        stage.step.end("stopped")
        return stage.settings.state.directory / "log"

    return make


def test_the_events_of_a_window_are_json_lines(make_log: MakeLog) -> None:
    code, out, error = run(make_log(), "--window", WINDOW)
    assert code == 0
    rows = [json.loads(line) for line in out.splitlines()]
    assert [row["event_id"] for row in rows] == [f"a{number}" for number in range(40)]
    assert rows[0]["features.x"] == 2.5
    assert (rows[0]["system"], rows[0]["model"], rows[0]["version"]) == ("lending", "credit", "1")
    assert (rows[0]["topic"], rows[0]["partition"], rows[0]["offset"], rows[0]["class"]) == ("t", 0, 0, "accepted")
    assert "40 rows" in error


def test_a_stream_with_two_times_is_a_window_too(make_log: MakeLog) -> None:
    log = make_log()
    assert run(log, "--stream", STREAM, "--from", at(0), "--to", at(60))[1] == run(log, "--window", WINDOW)[1]


def test_other_classes_are_asked_for_by_name(make_log: MakeLog) -> None:
    _, out, _ = run(make_log(), "--window", WINDOW, "--class", "duplicate")
    assert [json.loads(line)["event_id"] for line in out.splitlines()] == ["a3"]


def test_parquet_has_one_type_a_column(make_log: MakeLog, tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    code, _, _ = run(make_log(), "--window", WINDOW, "--format", "parquet", "-o", tmp_path / "rows.parquet")
    assert code == 0
    table = parquet.read_table(tmp_path / "rows.parquet")
    assert table.num_rows == 40
    assert str(table.schema.field("features.x").type) == "double"
    assert table.column("prediction").to_pylist() == ["yes"] * 40


@pytest.mark.parametrize(("payloads", "why"), [("sealed", "their keys are not here"), ("none", "keeps no payloads")])
def test_events_without_a_readable_payload_are_counted_and_explained(
    make_log: MakeLog, payloads: str, why: str
) -> None:
    code, out, error = run(make_log(root={"log": {"payloads": payloads}}), "--window", WINDOW)
    assert (code, out) == (0, "")
    assert "40 events are not among them" in error
    assert why in error


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "give --window, or --stream with --from and --to"),
        (("--window", "yesterday"), "write STREAM@START/END"),
        (("--window", f"lending@{at(0)}/{at(60)}"), "write SYSTEM/MODEL/VERSION"),
        (("--stream", STREAM, "--from", "soon", "--to", at(60)), "is no time"),
        (("--window", WINDOW, "--class", "lost"), "there is no class lost"),
        (("--window", WINDOW, "--format", "parquet"), "give --output FILE"),
    ],
)
def test_a_wrong_call_says_how_it_is_meant(make_log: MakeLog, arguments: tuple[str, ...], said: str) -> None:
    code, _, error = run(make_log(), *arguments)
    assert code == 2
    assert said in error


def test_a_model_that_the_settings_do_not_declare_is_named(make_log: MakeLog) -> None:
    code, _, error = run(make_log(), "--window", f"lending/other/1@{at(0)}/{at(60)}")
    assert code == 1
    assert "the settings declare no lending/other; they declare lending/credit" in error


def test_changed_payloads_are_told_with_exit_code_1(make_log: MakeLog) -> None:
    log = make_log()
    edit_payloads(next(log.glob("20*")), replaced(b'"a7"', b'"z7"'))
    code, out, error = run(log, "--window", WINDOW)
    assert (code, len(out.splitlines())) == (1, 39)
    assert "1 events are not among them: their payloads are not what their leaves commit to" in error


def test_a_month_without_its_file_is_said_and_not_passed_over(make_log: MakeLog) -> None:
    log = make_log()
    next(log.glob("20*/segment/000")).unlink()
    code, out, error = run(log, "--window", WINDOW)
    assert (code, out) == (2, "")
    assert "but its checkpoint covers" in error
