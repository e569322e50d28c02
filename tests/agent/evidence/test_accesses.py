"""Who was shown payloads stands in the log, once, and nothing of what they hold."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from agent.cli import app
from agent.evidence.begin import log_directory, upkeep_of
from agent.state.accesses import note_access, waiting
from agent.state.store import DATABASE
from config.errors import LogUnwritable
from exporters.evidence.leaf import Access, read_leaf
from exporters.evidence.reader import LogReader
from exporters.evidence.verify import verify
from exporters.evidence.writer import EvidenceLog
from tests.agent.conftest import OpenStage
from tests.agent.stage import Stage, events


def tending(stage: Stage) -> Callable[[], bool]:
    return upkeep_of(stage.settings, stage.journal, stage.store, stage.clock)


def note(stage: Stage, actor: str, what: str = "report", detail: str = "a window") -> None:
    note_access(stage.settings.state.directory / DATABASE, actor, what, detail)


def logged(stage: Stage) -> list[Access]:
    reader = LogReader(log_directory(stage.settings))
    leaves = [read_leaf(entry, "") for shard in reader.shards() for entry in reader.entries(shard)]
    return [leaf for leaf in leaves if isinstance(leaf, Access)]


def test_what_waits_is_logged_once_and_verifies(open_stage: OpenStage) -> None:
    stage = open_stage().run(*events("a", 0, 90))
    tend = tending(stage)
    note(stage, "kim")
    note(stage, "joe", "examples", "incident i-1, entries 2026-01/7")
    assert tend() is False
    assert tend() is False
    assert [(leaf.actor, leaf.what, leaf.detail) for leaf in logged(stage)] == [
        ("kim", "report", "a window"),
        ("joe", "examples", "incident i-1, entries 2026-01/7"),
    ]
    assert waiting(stage.store.connection) == []
    stage.run(*events("b", 90, 120))
    stage.step.end("stopped")
    directory = log_directory(stage.settings)
    assert verify(directory, LogReader(directory).verifiers()).ok


def test_an_access_that_the_disk_refuses_is_logged_later(
    open_stage: OpenStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = open_stage().run(*events("a", 0, 90))
    tend = tending(stage)
    note(stage, "kim")

    def refuse(*_: object) -> None:
        raise LogUnwritable("no space")

    with monkeypatch.context() as patch:
        patch.setattr(EvidenceLog, "append", refuse)
        with pytest.raises(LogUnwritable):
            tend()
    assert len(waiting(stage.store.connection)) == 1
    tend()
    assert [leaf.actor for leaf in logged(stage)] == ["kim"]


def test_one_that_waited_when_the_agent_ended_is_logged_by_the_next(open_stage: OpenStage) -> None:
    stage = open_stage().run(*events("a", 0, 90))
    note(stage, "kim")
    stage.restart()
    tending(stage)()
    assert [leaf.actor for leaf in logged(stage)] == ["kim"]


def test_a_replay_passes_over_accesses(open_stage: OpenStage, tmp_path: Path) -> None:
    stage = open_stage().run(*events("a", 0, 90))
    note(stage, "kim")
    tending(stage)()
    stage.run(*events("b", 90, 200))
    stage.step.end("stopped")
    assert len(logged(stage)) == 1
    log, out = log_directory(stage.settings), tmp_path / "out"
    result = CliRunner().invoke(app, ["replay", "--from-log", str(log), "--out", str(out)])
    assert (result.exit_code, "byte for byte" in result.stdout) == (0, True), result.stdout
