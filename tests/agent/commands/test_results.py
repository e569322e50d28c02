"""``wachter replay``, ``measurements``, ``incidents`` and ``run``, as a person and a program meet them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from agent.cli import app
from agent.replay.run import INCIDENTS, MEASUREMENTS, REJECTS
from agent.state import acts
from tests.agent.conftest import OpenStage
from tests.agent.stage import Stage, event, events, model_of

Run = Callable[..., tuple[int, str, str]]
TROUBLED = {
    "columns": {"x": {"type": "number", "minimum": 0, "maximum": 2}},
    "thresholds": {"envelope_share": {"tolerance": 0.05, "open_after": 1, "clear_after": 1}},
}


@pytest.fixture
def wachter(monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setattr("agent.state.acts.submit.__kwdefaults__", {**acts.submit.__kwdefaults__, "wait_seconds": 0.0})

    def run(*arguments: object) -> tuple[int, str, str]:
        result = CliRunner().invoke(app, [str(argument) for argument in arguments])
        return result.exit_code, result.stdout, result.stderr

    return run


@pytest.fixture
def troubled(open_stage: OpenStage) -> Stage:
    """A live agent with one open incident."""
    return open_stage(**TROUBLED).run(*events("a", 0, 120, 800, features={"x": 9.0}))


@pytest.fixture
def settings_file(tmp_path: Path) -> Path:
    system = {"id": "lending", "owner": "team", "purpose": "test", "models": [model_of(**TROUBLED)]}
    path = tmp_path / "wachter.yaml"
    path.write_text(yaml.safe_dump({"source": {"type": "files", "paths": ["events.jsonl"]}, "systems": [system]}))
    return path


def written(path: Path, records: list[bytes]) -> Path:
    path.write_bytes(b"\n".join(records) + b"\n")
    return path


# replay


def test_replay_writes_both_files_and_says_what_it_read(wachter: Run, settings_file: Path, tmp_path: Path) -> None:
    one = event("twice", 5, features={"x": 9.0})
    records = [one, one, b"poison", *events("a", 0, 120, 800, features={"x": 9.0})]
    out = tmp_path / "out"
    path = written(tmp_path / "e.jsonl", records)
    code, output, _ = wachter("replay", "-s", settings_file, path, "-o", out)
    assert code == 0
    assert "received 803 = accepted 801 + rejected 1 + duplicate 1 + late 0" in output
    assert "rejected bad_json 1: " in output
    assert f"1 rejected records in {out / REJECTS}" in output
    measurements = (out / MEASUREMENTS).read_text().splitlines()
    incidents = (out / INCIDENTS).read_text().splitlines()
    assert f"{len(measurements)} measurements" in output
    assert [json.loads(line)["state"] for line in incidents] == ["open"]


def test_replay_says_in_json_why_records_were_rejected(wachter: Run, settings_file: Path, tmp_path: Path) -> None:
    path = written(tmp_path / "e.jsonl", [event("a", 5), b"poison", b"[]"])
    _, output, _ = wachter("replay", "-s", settings_file, path, "-o", tmp_path / "out", "--json")
    summary = json.loads(output)
    assert summary["rejected"] == {"bad_json": 1, "not_an_object": 1}
    assert (summary["rejects"], summary["labels"]) == (2, {})


def test_replay_of_a_file_that_is_not_there_says_so(wachter: Run, settings_file: Path, tmp_path: Path) -> None:
    code, _, error = wachter("replay", "-s", settings_file, tmp_path / "nowhere.jsonl", "-o", tmp_path / "out")
    assert code == 1
    assert "nowhere.jsonl: No such file or directory" in error
    assert "Traceback" not in error


def test_replay_with_broken_settings_tells_every_mistake(wachter: Run, tmp_path: Path) -> None:
    path = tmp_path / "wachter.yaml"
    path.write_text("source: {type: files, paths: []}\nsystems: []\n")
    code, _, error = wachter("replay", "-s", path, tmp_path / "e.jsonl", "-o", tmp_path / "out")
    assert code == 1
    assert "source.paths" in error
    assert "systems" in error


# measurements and incidents of a live agent


def test_measurements_are_printed_as_a_replay_writes_them(wachter: Run, troubled: Stage) -> None:
    code, output, _ = wachter("measurements", "--state", troubled.store.directory, "--jsonl")
    assert code == 0
    assert [json.loads(line)["metric"] for line in output.splitlines()] == [
        json.loads(line)["metric"] for line in troubled.written() if b'"metric"' in line and b'"timeline"' not in line
    ]


def test_only_measurements_with_a_verdict_where_asked_for(wachter: Run, troubled: Stage) -> None:
    _, output, _ = wachter("measurements", "--state", troubled.store.directory, "--jsonl", "--judged")
    verdicts = {json.loads(line)["verdict"] for line in output.splitlines()}
    assert "ok" in verdicts
    assert None not in verdicts


def test_no_cell_is_cut_on_a_narrow_terminal(wachter: Run, troubled: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    _, output, _ = wachter("measurements", "--state", troubled.store.directory)
    assert "verdict_reason" in output
    assert "envelope_share" in output
    assert "…" not in output


def test_measurements_are_a_table_for_a_person(wachter: Run, troubled: Stage) -> None:
    code, output, _ = wachter("measurements", "--state", troubled.store.directory, "--limit", 3)
    assert code == 0
    assert output.splitlines()[0].split()[:3] == ["window_end", "model", "version"]
    assert len(output.splitlines()) == 4


def test_an_open_incident_is_listed_and_shown(wachter: Run, troubled: Stage) -> None:
    code, output, _ = wachter("incidents", "list", "--state", troubled.store.directory, "--open", "--jsonl")
    (record,) = [json.loads(line) for line in output.splitlines()]
    assert (code, record["state"]) == (0, "open")
    code, output, _ = wachter("incidents", "list", "--state", troubled.store.directory)
    assert record["id"] in output
    code, output, _ = wachter("incidents", "show", record["id"], "--state", troubled.store.directory)
    assert code == 0
    assert record["headline"] in output
    assert "What is known" in output
    assert "Timeline" in output


def test_an_incident_that_is_not_there_is_said_not_to_be(wachter: Run, troubled: Stage) -> None:
    code, _, error = wachter("incidents", "show", "nothing", "--state", troubled.store.directory)
    assert code == 1
    assert "there is no incident 'nothing'" in error


def test_an_acknowledgement_reaches_the_incident_through_the_next_step(wachter: Run, troubled: Stage) -> None:
    directory = troubled.store.directory
    _, output, _ = wachter("incidents", "list", "--state", directory, "--jsonl")
    incident = json.loads(output)["id"]
    code, output, _ = wachter("incidents", "ack", incident, "--actor", "kim", "--state", directory)
    assert code == 0
    assert "the agent will act on it in its next step" in output
    troubled.turn()
    code, output, _ = wachter("incidents", "show", incident, "--state", directory)
    assert "acknowledged by kim" in output


@pytest.mark.parametrize(("options", "code"), [((), 2), (("--state", "nowhere"), 1)])
def test_without_a_state_there_is_nothing_to_look_at(wachter: Run, options: tuple[str, ...], code: int) -> None:
    for command in (("measurements",), ("incidents", "list")):
        assert wachter(*command, *options)[0] == code


# run


def test_run_refuses_a_source_of_files(wachter: Run, settings_file: Path) -> None:
    code, _, error = wachter("run", "-s", settings_file)
    assert code == 1
    assert "wachter replay" in error


def test_run_with_a_state_that_another_process_has_says_so(wachter: Run, troubled: Stage, tmp_path: Path) -> None:
    system = {"id": "lending", "owner": "team", "purpose": "test", "models": [model_of()]}
    path = tmp_path / "live.yaml"
    source = {"type": "kafka", "brokers": ["127.0.0.1:9"], "topics": ["t"]}
    state = {"directory": str(troubled.store.directory)}
    path.write_text(yaml.safe_dump({"source": source, "systems": [system], "state": state}))
    code, _, error = wachter("run", "-s", path)
    assert code == 1
    assert "has it open" in error
