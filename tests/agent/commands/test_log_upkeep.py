"""``wachter log erase``, ``hold``, ``release`` and ``prune``, with and without an agent beside them."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from typer.testing import CliRunner

from agent.cli import app
from agent.clock import FixedClock
from agent.evidence.begin import log_directory, upkeep_of
from agent.evidence.log_journal import LogJournal
from agent.state import requests
from config.errors import LogUnwritable
from config.settings import load
from exporters.evidence import layout
from exporters.evidence.files import DiskFiles
from exporters.evidence.keys import read_verifiers
from exporters.evidence.reader import LogReader
from exporters.evidence.retention import read_holds
from exporters.evidence.verify import verify
from tests.agent.stage import START_US, SYSTEM, Stage, event, events, model_of
from tests.exporters.evidence.payload_edits import edit_payloads

DAY_US = 86_400_000_000
SETTINGS: dict[str, Any] = {
    "source": {"type": "kafka", "brokers": ["none:9092"], "topics": ["t"], "clock": "events"},
    "systems": [{"id": SYSTEM, "owner": "team", "purpose": "test", "models": [model_of()]}],
    "log": {"retention": "30d"},
}
MONTHS = ("2026-01", "2026-02", "2026-03")


def run(*arguments: object, stdin: str | None = None) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, ["log", *(str(argument) for argument in arguments)], input=stdin)
    return result.exit_code, result.stdout, result.stderr


def run_json(*arguments: object) -> dict[str, Any]:
    code, output, error = run(*arguments, "--json")
    assert code == 0, error
    answer: dict[str, Any] = json.loads(output)
    return answer


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "wachter.yaml"
    path.write_text(yaml.safe_dump({**SETTINGS, "state": {"directory": str(tmp_path / "state")}}))
    return path


@pytest.fixture
def log(file: Path) -> Path:
    """The log of an agent that has run through three months of its clock, and has ended."""
    stage = Stage(load(file, {}), clock=FixedClock(START_US))
    for month in range(len(MONTHS)):
        stage.clock.at_us = START_US + 31 * month * DAY_US
        stage.run(*events(f"m{month}-", 10 * month, 10 * month + 9, 20, subject_ref="bob"))
        stage.run(event(f"ann-{month}", 10 * month + 9, subject_ref="ann"))
    stage.step.end("stopped")
    stage.close()
    return log_directory(stage.settings)


@contextmanager
def agent_beside(file: Path) -> Iterator[None]:
    """Somebody who holds the state and tends the log between steps, as the agent does."""
    stage = Stage(load(file, {}))
    tend = upkeep_of(stage.settings, stage.journal, stage.store, stage.clock)
    ended = threading.Event()

    def turn() -> None:
        while not ended.wait(0.02):
            if tend():
                stage.step.recover()

    thread = threading.Thread(target=turn)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
        stage.step.end("stopped")
        stage.close()


def states(log: Path) -> list[str]:
    reader = LogReader(log)
    return [payload.state for shard in reader.shards() for payload in reader.payloads(shard)]


def leaves(log: Path, type_: str) -> list[dict[str, Any]]:
    reader = LogReader(log)
    found = [json.loads(entry) for shard in reader.shards() for entry in reader.entries(shard)]
    return [leaf for leaf in found if leaf["type"] == type_]


def assert_verifies(log: Path) -> None:
    assert verify(log, read_verifiers(log / "log.vkey")).findings == ()


# erase


def test_a_person_is_erased_from_all_months(file: Path, log: Path) -> None:
    answer = run_json("erase", "ann", "--settings", file, "--by", "kim")
    assert answer["payloads"] == 3
    assert states(log).count("erased") == 3
    assert leaves(log, "erasure")[0]["actor"] == "kim"
    assert_verifies(log)


@pytest.fixture
def sealed(file: Path) -> Path:
    """The log of an agent that seals, with an event of ann and one of bob."""
    asked = {**SETTINGS, "log": {"payloads": "sealed"}, "state": {"directory": str(file.parent / "state")}}
    file.write_text(yaml.safe_dump(asked))
    stage = Stage(load(file, {}), clock=FixedClock(START_US))
    stage.run(event("a", 1, subject_ref="ann"), event("b", 2, subject_ref="bob"))
    stage.step.end("stopped")
    stage.close()
    return log_directory(stage.settings)


def test_sealed_payloads_are_verified_with_the_keys_of_the_state_before_and_after_an_erasure(
    file: Path, sealed: Path
) -> None:
    for opened in (2, 1):
        report = run_json("verify", "-s", file)
        assert report["notes"] == []
        payloads = report["shards"][0]["payloads"]
        assert (payloads["opened"], payloads.get("sealed")) == (opened, None)
        run_json("erase", "ann", "-s", file)


def test_a_sealed_payload_whose_tag_was_taken_away_is_beyond_reach_once_its_person_is_erased(
    file: Path, sealed: Path
) -> None:
    edit_payloads(sealed / "2026-01", lambda first, block: replace(block, subjects=np.zeros_like(block.subjects)))
    answer = run_json("erase", "ann", "-s", file)
    assert (answer["payloads"], answer["keys"]) == (0, 1)
    code, output, _ = run("verify", "-s", file)
    assert code == 1
    assert "its payload is sealed under a key that the state does not have" in output


def test_erasing_says_what_it_did(file: Path, log: Path) -> None:
    assert run("erase", "ann", "-s", file)[:2] == (0, "erased 3 payloads of the log\n")
    assert run("erase", "ann", "-s", file)[:2] == (0, "erased nothing: there was nothing to erase\n")


def test_several_persons_are_read_from_standard_input(file: Path, log: Path) -> None:
    code, output, _ = run("erase", "--from-file", "-", "-s", file, "--json", stdin="ann\n\nbob\nann\n")
    assert (code, json.loads(output)["payloads"]) == (0, 63)


def test_a_dry_run_changes_nothing(file: Path, log: Path) -> None:
    before = {path: path.read_bytes() for path in log.rglob("*") if path.is_file()}
    assert run_json("erase", "ann", "-s", file, "--dry-run") == {"dry_run": True, "payloads": 3}
    assert {path: path.read_bytes() for path in log.rglob("*") if path.is_file()} == before


def test_an_agent_that_runs_erases_between_two_steps(file: Path, log: Path) -> None:
    with agent_beside(file):
        answer = run_json("erase", "ann", "-s", file, "--by", "kim")
    assert answer["payloads"] == 3
    assert states(log).count("erased") == 3
    assert_verifies(log)


@pytest.mark.parametrize("arguments", [[], ["ann", "--from-file", "persons"], [""], ["--from-file", "missing"]])
def test_nobody_and_too_many_are_refused(file: Path, log: Path, arguments: list[str]) -> None:
    code, _, error = run("erase", *arguments, "-s", file)
    assert code == 2
    assert "not done" in error


def test_an_agent_that_never_ran_has_nothing_to_erase(file: Path) -> None:
    code, _, error = run("erase", "ann", "-s", file)
    assert code == 1
    assert "Has the agent run with these settings?" in error
    assert not (file.parent / "state").exists()


def test_settings_without_a_log_are_refused(file: Path) -> None:
    file.write_text(yaml.safe_dump({**SETTINGS, "log": {"enabled": False}}))
    code, _, error = run("hold", "2026-01", "-s", file, "--reason", "x")
    assert code == 2
    assert "log.enabled is false" in error


# hold, release, prune


def test_months_go_after_their_time(file: Path, log: Path) -> None:
    assert run_json("prune", "-s", file, "--dry-run")["would_remove"] == ["2026-01", "2026-02"]
    assert LogReader(log).shards() == list(MONTHS)
    assert run_json("prune", "-s", file)["removed"] == ["2026-01", "2026-02"]
    assert LogReader(log).shards()[:1] == ["2026-03"]
    assert [leaf["shard"] for leaf in leaves(log, "retention")] == ["2026-01", "2026-02"]
    assert_verifies(log)


def test_a_hold_keeps_months_until_it_is_released(file: Path, log: Path) -> None:
    held = run_json("hold", "2026-01..2026-02", "-s", file, "--reason", "an inquiry", "--by", "ann", "--name", "case-7")
    assert held == {"hold": "case-7", "shards": ["2026-01", "2026-02"]}
    run_json("prune", "-s", file)
    assert LogReader(log).shards()[:2] == ["2026-01", "2026-02"]
    assert run_json("release", "case-7", "-s", file, "--reason", "over")["shards"] == ["2026-01", "2026-02"]
    assert read_holds(DiskFiles(), log) == []
    assert run_json("prune", "-s", file)["removed"] == ["2026-01", "2026-02"]
    assert "2026-01" not in LogReader(log).shards()
    (hold,), (release,) = leaves(log, "hold"), leaves(log, "release")
    assert (hold["actor"], hold["reason"], release["reason"]) == ("ann", "an inquiry", "over")
    assert_verifies(log)


def test_a_hold_without_a_name_gets_one(file: Path, log: Path) -> None:
    with agent_beside(file):
        assert run_json("hold", "2026-05", "-s", file, "--reason", "an inquiry")["hold"].startswith("hold-")
    (held,) = read_holds(DiskFiles(), log)
    assert held.shards == ("2026-05",)


def test_a_hold_whose_entry_a_crash_has_taken_is_told_as_the_file_has_it(
    file: Path, log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_: object) -> None:
        raise LogUnwritable("the disk is gone")

    stage = Stage(load(file, {}))
    requests.request(stage.store.connection, "hold", "kim", {"shards": "2026-03", "reason": "an inquiry"}, 1)
    tend = upkeep_of(stage.settings, stage.journal, stage.store, stage.clock)
    with monkeypatch.context() as patch:
        patch.setattr(LogJournal, "note", die)
        with pytest.raises(LogUnwritable):
            tend()
    stage.clock.at_us += 5_000_000
    tend()
    stage.step.end("stopped")
    stage.close()
    assert len(read_holds(DiskFiles(), log)) == 1
    assert_verifies(log)


def test_a_damaged_line_of_the_holds_refuses_what_rests_on_it_and_stops_nothing(file: Path, log: Path) -> None:
    (log / layout.HOLDS).write_bytes(b'{"hold":"\xff"}\n')
    code, _, error = run("hold", "2026-03", "-s", file, "--reason", "an inquiry")
    assert code == 1
    assert "no hold can be read here" in error


def test_a_hold_that_is_not_in_force_cannot_be_released(file: Path, log: Path) -> None:
    code, _, error = run("release", "case-9", "-s", file, "--reason", "over")
    assert code == 1
    assert "no hold case-9 is in force" in error


@pytest.mark.parametrize("months", ["2026", "2026-13", "2026-03..2026-01", "1000-01..2026-01"])
def test_what_names_no_months_is_refused(file: Path, log: Path, months: str) -> None:
    code, _, error = run("hold", months, "-s", file, "--reason", "x")
    assert code == 2
    assert "write 2026-03, or 2026-03..2026-05" in error


def test_an_agent_prunes_at_its_start(file: Path, log: Path) -> None:
    stage = Stage(load(file, {}), clock=FixedClock(START_US + 75 * DAY_US))
    upkeep_of(stage.settings, stage.journal, stage.store, stage.clock)()
    assert LogReader(log).shards() == ["2026-02", "2026-03"]
    stage.step.end("stopped")
    stage.close()
    assert_verifies(log)
