"""The log and the state agree: a step is in both or in neither, and nothing is signed that the state does not hold."""

from __future__ import annotations

import errno
import json
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from agent.evidence.journal import Signing
from agent.state import evidence
from agent.state.store import Store
from config.errors import LogRolledBack, LogUnwritable, StateError
from config.units import SECOND_US
from exporters.evidence import heads
from exporters.evidence.entries import Entries
from exporters.evidence.keys import read_verifiers
from exporters.evidence.note import open_checkpoint
from exporters.evidence.recorded import Recorded
from tests.agent.conftest import OpenStage
from tests.agent.evidence.spy import Leaf, SpiedLog, journal_of, leaves, spy_on
from tests.agent.stage import Stage, event, events


@pytest.fixture
def spied(stage: Stage) -> SpiedLog:
    return spy_on(stage)


@contextmanager
def failing_transaction(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with monkeypatch.context() as patch:

        def fail(self: Store, *arguments: Any) -> None:
            raise sqlite3.OperationalError("database or disk is full")

        patch.setattr(Store, "put_history", fail)
        yield


def recorded(stage: Stage) -> Recorded:
    found = evidence.recorded_of(stage.store.connection)
    assert found is not None
    return found


def ids(found: list[Leaf]) -> list[str]:
    return [leaf["id"] for leaf in found]


def test_the_state_records_the_size_of_the_log(stage: Stage, spied: SpiedLog) -> None:
    stage.run(*events("a", 0, 60))
    assert recorded(stage) == (spied.real.shard, spied.real.size)
    assert stage.count("log_entries") == spied.real.size


def test_a_step_appends_and_syncs_once_before_its_transaction(stage: Stage, spied: SpiedLog) -> None:
    stage.run(*events("a", 0, 30, 50))
    calls = [call for call in spied.calls if call != "publish"]
    assert calls == ["append", "sync", "recorded"] * (len(calls) // 3)


def test_a_step_whose_transaction_fails_is_cut_off_and_written_once(
    stage: Stage, spied: SpiedLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage.run(*events("a", 0, 30, 50))
    before = recorded(stage)
    stage.source.append(*events("b", 30, 60, 50))
    with failing_transaction(monkeypatch), pytest.raises(StateError):
        stage.turn()
    assert spied.real.size > before.size
    stage.step.recover()
    assert (spied.real.shard, spied.real.size) == before
    stage.settle()
    assert ids(leaves(spied, "inference")) == [f"{prefix}{n}" for prefix in "ab" for n in range(50)]


def test_the_very_first_step_may_fail_too(stage: Stage, spied: SpiedLog, monkeypatch: pytest.MonkeyPatch) -> None:
    stage.source.append(event("a", 1))
    with failing_transaction(monkeypatch), pytest.raises(StateError):
        stage.turn(2)
    stage.step.recover()
    stage.settle()
    assert [leaf["type"] for leaf in leaves(spied)] == ["start", "settings", "inference"]


@pytest.mark.parametrize("call", ["append", "sync"])
def test_a_log_that_cannot_be_written_keeps_the_step_from_the_state(stage: Stage, spied: SpiedLog, call: str) -> None:
    stage.run(*events("a", 0, 30, 50))
    spied.fails.add(call)
    stage.source.append(*events("b", 30, 60, 50))
    with pytest.raises(LogUnwritable):
        stage.turn()
    assert stage.classes()[0] == 100  # in memory only
    assert journal_of(stage).unwritable
    spied.fails.clear()
    stage.step.recover()
    assert stage.classes()[0] == 50
    assert not journal_of(stage).unwritable
    stage.settle()
    assert len(leaves(spied, "inference")) == 100


def test_while_the_log_cannot_be_opened_again_no_step_runs(stage: Stage, spied: SpiedLog) -> None:
    spied.fails |= {"sync", "cut_back"}
    stage.source.append(event("a", 1))
    with pytest.raises(LogUnwritable):
        stage.turn(2)
    with pytest.raises(LogUnwritable):
        stage.step.recover()
    assert stage.source.commits == []
    spied.fails.clear()
    stage.step.recover()
    stage.settle()
    assert ids(leaves(spied, "inference")) == ["a"]


def test_a_checkpoint_that_cannot_be_signed_fails_no_step(stage: Stage, spied: SpiedLog) -> None:
    spied.fails.add("publish")
    stage.run(*events("a", 0, 30, 50))
    assert stage.classes()[0] == 50
    assert spied.real.last_signed is None
    spied.fails.clear()
    stage.clock.at_us += 10_000_000
    stage.run(event("b", 31))
    assert spied.real.last_signed is not None


def test_checkpoints_are_signed_at_their_cadence(stage: Stage, spied: SpiedLog) -> None:
    stage.run(event("a", 1))
    first = spied.real.last_signed
    stage.clock.at_us += 9_000_000
    stage.run(event("b", 2))
    assert spied.real.last_signed == first
    stage.clock.at_us += 1_000_000
    stage.run(event("c", 3))
    signed = spied.real.last_signed
    assert signed is not None
    assert signed.size == recorded(stage).size


def test_a_new_month_begins_a_new_shard_and_entries_are_counted_through_it(stage: Stage, spied: SpiedLog) -> None:
    stage.run(*events("a", 0, 30, 50))
    old = recorded(stage)
    stage.clock.at_us += 40 * 86_400_000_000
    stage.run(*events("b", 30, 60, 50))
    new = recorded(stage)
    assert (old.shard, new.shard) == ("2026-01", "2026-02")
    assert stage.count("log_entries") == old.size + new.size
    assert len(leaves(spied, "inference")) == 100
    stage.restart()
    assert recorded(stage) == new


def test_an_incident_is_signed_within_a_second_of_the_last_checkpoint(open_stage: OpenStage) -> None:
    stage = open_stage(
        columns={"x": {"type": "number", "minimum": 0, "maximum": 2}},
        thresholds={"envelope_share": {"tolerance": 0.05, "open_after": 1, "clear_after": 1}},
    )
    spied = spy_on(stage)
    stage.run(*events("a", 0, 120, 800, features={"x": 9.0}))
    incident = next(n for n, leaf in enumerate(leaves(spied)) if leaf["type"] == "incident")
    assert signed_size(spied) <= incident
    stage.clock.at_us += SECOND_US
    stage.turn()
    assert signed_size(spied) > incident


def signed_size(spied: SpiedLog) -> int:
    return 0 if spied.real.last_signed is None else spied.real.last_signed.size


def test_the_last_step_says_that_the_agent_ends_and_is_signed(stage: Stage, spied: SpiedLog) -> None:
    stage.run(event("a", 1))
    stage.step.end("stopped")
    assert leaves(spied)[-1]["reason"] == "stopped"
    signed = spied.real.last_signed
    assert signed is not None
    assert signed.size == recorded(stage).size
    keys = read_verifiers(spied.real.directory / "log.vkey")
    assert open_checkpoint(signed.note, keys).size == signed.size


def test_a_restart_goes_on_where_the_state_stands(open_stage: OpenStage) -> None:
    stage = open_stage()
    stage.run(*events("a", 0, 30, 50))
    stage.restart()
    spied = spy_on(stage)
    assert (spied.real.shard, spied.real.size) == recorded(stage)
    stage.run(event("b", 31))
    assert [leaf["type"] for leaf in leaves(spied)] == ["start", "clock", "inference"]


def test_entries_behind_the_state_are_cut_off_at_a_start(
    open_stage: OpenStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = open_stage()
    stage.run(*events("a", 0, 30, 50))
    stage.source.append(*events("b", 30, 60, 50))
    with failing_transaction(monkeypatch), pytest.raises(StateError):
        stage.turn()
    stage.restart()
    cut = spy_on(stage).real.cut
    assert cut is not None
    assert cut.entries >= 50


def test_a_state_older_than_the_log_refuses_to_start(open_stage: OpenStage) -> None:
    stage = open_stage()
    stage.run(event("a", 1))
    old = str(recorded(stage))
    stage.clock.at_us += 20_000_000
    stage.run(*events("b", 2, 30, 50))
    stage.store.connection.execute("UPDATE evidence SET value = ? WHERE key = 'recorded'", (old,))
    with pytest.raises(LogRolledBack):
        stage.restart()


def sign_now(stage: Stage) -> None:
    journal_of(stage).publish(stage.clock.now_us(), Signing.NOW)


def signed_head(stage: Stage) -> tuple[str, int, bytes]:
    found = evidence.signed_of(stage.store.connection)
    assert found is not None
    return found


def test_the_state_keeps_the_head_that_was_signed_last(stage: Stage, spied: SpiedLog) -> None:
    stage.run(*events("a", 0, 30, 50))
    sign_now(stage)
    last = spied.real.last_signed
    assert last is not None
    assert signed_head(stage) == last[:3]


def test_a_log_without_the_heads_it_has_signed_refuses_to_start_and_signs_no_other(open_stage: OpenStage) -> None:
    stage = open_stage()
    stage.run(*events("a", 0, 30, 50))
    sign_now(stage)
    shard, size, _ = signed_head(stage)
    stage.close()
    path = stage.settings.state.directory / "log" / shard
    for name in ("checkpoint", "checkpoints"):
        (path / name).unlink()
    shutil.rmtree(path / "tile")
    with pytest.raises(LogRolledBack, match=rf"{shard}: a checkpoint over {size} entries .* was signed.* has none"):
        stage.restart()


def test_a_head_that_was_signed_before_the_state_could_keep_it_is_no_hindrance(open_stage: OpenStage) -> None:
    stage = open_stage()
    stage.run(*events("a", 0, 30, 50))
    sign_now(stage)
    before = signed_head(stage)
    stage.run(event("b", 31))
    signed = journal_of(stage).log.publish(stage.clock.now_us())
    assert signed is not None
    assert signed_head(stage) == before
    stage.restart()
    stage.step.end("stopped")
    assert signed_head(stage)[1] > signed.size


def test_a_head_that_the_state_cannot_keep_is_not_told_to_others(
    stage: Stage, spied: SpiedLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[int] = []
    monkeypatch.setattr(journal_of(stage).copies, "send", lambda signed: told.append(signed.size))

    def fail(*arguments: Any) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    stage.run(*events("a", 0, 30, 50))
    before = list(told)
    with monkeypatch.context() as patch:
        patch.setattr(evidence, "put_signed", fail)
        with pytest.raises(StateError):
            sign_now(stage)
    assert told == before
    stage.step.recover()
    stage.run(event("b", 31))
    sign_now(stage)
    assert told[-1] == signed_head(stage)[1] == signed_size(spied)


def test_a_head_that_was_listed_and_not_published_is_sent_when_it_is(
    stage: Stage, spied: SpiedLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[int] = []
    monkeypatch.setattr(journal_of(stage).copies, "send", lambda signed: told.append(signed.size))
    stage.run(*events("a", 0, 30, 50))

    def fail(*arguments: Any, **options: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(heads, "replace", fail)
        sign_now(stage)
    assert signed_size(spied) not in told
    stage.step.recover()
    sign_now(stage)
    sign_now(stage)
    assert told.count(signed_size(spied)) == 1
    assert signed_head(stage)[1] == signed_size(spied)


def test_state_and_log_restored_from_an_older_copy_refuse_to_go_on(open_stage: OpenStage, tmp_path: Path) -> None:
    stage = open_stage()
    stage.run(event("a", 1))
    stage.close()
    copy = tmp_path / "copy"
    shutil.copytree(stage.settings.state.directory, copy)
    stage.restart()
    stage.run(*events("b", 2, 30, 50))
    stage.close()
    shutil.rmtree(stage.settings.state.directory)
    shutil.copytree(copy, stage.settings.state.directory)
    stage.restart()
    with pytest.raises(LogRolledBack, match="older copies"):
        stage.turn()


def test_another_member_is_not_measured_by_our_log(open_stage: OpenStage) -> None:
    first = open_stage()
    first.run(*events("a", 0, 30, 50))
    second = open_stage(first.source)
    second.source.assign(second.source.logs)
    second.turn()
    assert second.step.owned.partitions


def test_a_log_that_is_gone_refuses_to_start(open_stage: OpenStage) -> None:
    stage = open_stage()
    stage.run(event("a", 1))
    stage.close()
    log = stage.settings.state.directory / "log"
    log.rename(log.with_name("elsewhere"))
    with pytest.raises(LogRolledBack):
        stage.restart()


def test_an_agent_without_a_log_has_no_key_and_no_directory(open_stage: OpenStage) -> None:
    stage = open_stage(root={"log": {"enabled": False}})
    stage.run(*events("a", 0, 60))
    stage.step.end("stopped")
    assert {path.name for path in stage.settings.state.directory.iterdir()} & {"log", "log.key"} == set()
    assert stage.journal.status(stage.step.pipeline.ledger) is None


def test_two_state_directories_have_logs_of_two_names(open_stage: OpenStage) -> None:
    names = {spy_on(open_stage()).real.name for _ in range(2)}
    assert len(names) == 2
    assert all(name.startswith("wachter/wachter/") for name in names)


@pytest.mark.parametrize("begun", ["kept", "older"])
def test_a_log_that_has_begun_goes_on_under_its_name(open_stage: OpenStage, begun: str) -> None:
    stage = open_stage()
    stage.run(event("a", 1))
    sign_now(stage)
    name = journal_of(stage).log.name
    if begun == "older":  # before the state kept names
        stage.store.connection.execute("DELETE FROM evidence WHERE key = 'name'")
        stage.restart()
    renamed = stage.settings.model_copy(update={"log": stage.settings.log.model_copy(update={"name": "other"})})
    with capture_logs() as told:
        stage.restart(renamed)
    assert journal_of(stage).log.name == name
    (warning,) = [line for line in told if line["event"] == "log_name_kept"]
    assert (warning["name"], warning["settings"]) == (name, "other")


def test_the_key_is_made_once_and_read_by_its_owner_only(open_stage: OpenStage) -> None:
    stage = open_stage()
    path = stage.settings.state.directory / "log.key"
    key = path.read_bytes()
    assert path.stat().st_mode & 0o777 == 0o600
    stage.restart()
    assert path.read_bytes() == key


def test_settings_leaves_name_the_watermark_from_which_they_hold(open_stage: OpenStage) -> None:
    stage = open_stage()
    stage.run(*events("a", 0, 60))
    clock = stage.step.pipeline.ledger.clock("lending")
    stage.step.use(stage.settings.model_copy(update={"false_alarm_budget": 0.2}), stage.contexts)
    spied = spy_on(stage)
    stage.run(event("b", 61))
    (changed,) = leaves(spied, "settings")
    assert changed["boundary"] == {"lending": clock.label_watermark_us}
    assert json.dumps(changed["old"]) != "null"


def note(stage: Stage, text: bytes = b'{"type":"access","actor":"kim","what":"show","logged":1,"detail":""}') -> None:
    """An entry beside the steps."""
    journal_of(stage).note(Entries([text], [None], bytes(32)), stage.store, stage.clock.now_us())


def test_an_entry_beside_the_steps_is_recorded_at_once(stage: Stage, spied: SpiedLog) -> None:
    stage.run(*events("a", 0, 30, 50))
    note(stage)
    assert recorded(stage) == (spied.real.shard, spied.real.size)
    stage.run(*events("b", 30, 60, 50))
    assert [leaf["type"] for leaf in leaves(spied, "inference", "access")].index("access") == 50


def test_an_entry_beside_the_steps_whose_transaction_fails_is_cut_off(
    stage: Stage, spied: SpiedLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage.run(*events("a", 0, 30, 50))
    before = recorded(stage)

    def fail(*arguments: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(evidence, "put", fail)
        with pytest.raises(StateError):
            note(stage)
    stage.step.recover()
    assert (spied.real.shard, spied.real.size) == before == recorded(stage)
    stage.run(*events("b", 30, 60, 50))
    assert leaves(spied, "access") == []


def test_a_start_is_told_though_an_entry_beside_the_steps_came_first(stage: Stage, spied: SpiedLog) -> None:
    note(stage)
    stage.run(event("a", 1))
    assert [leaf["type"] for leaf in leaves(spied, "access", "start", "settings")] == ["access", "start", "settings"]


@pytest.mark.parametrize("call", ["append", "sync", "erase"])
def test_a_disk_that_refuses_upkeep_is_said_and_the_next_step_goes_back(
    stage: Stage, spied: SpiedLog, call: str
) -> None:
    stage.run(*events("a", 0, 30, 50))
    spied.fails.add(call)
    tend = (lambda: journal_of(stage).erase({spied.real.shard: [3]})) if call == "erase" else (lambda: note(stage))
    with pytest.raises(LogUnwritable):
        tend()
    assert journal_of(stage).unwritable
    spied.fails.clear()
    stage.step.recover()
    assert not journal_of(stage).unwritable
    stage.run(event("b", 31))
    assert recorded(stage) == (spied.real.shard, spied.real.size)
