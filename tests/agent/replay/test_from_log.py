"""Measurements and incidents computed again from the log alone are those that it recorded, byte for byte."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


from agent.replay.from_log import LogSummary, replay_log
from agent.source import Partition
from tests.agent.conftest import OpenStage
from tests.agent.scripted_source import ScriptedSource
from tests.agent.stage import Stage, event, events, label, us

OTHER = Partition("t", 1)
TWO = (Partition("t"), OTHER)


def log_of(stage: Stage) -> Path:
    """The stage's log, all of it signed."""
    stage.step.end("stopped")
    return stage.settings.state.directory / "log"


def replayed(stage: Stage, out: Path, **options: Any) -> LogSummary:
    return replay_log(log_of(stage), out, **options)


def differences(out: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (out / "differences.jsonl").read_text().splitlines()]


def assert_repeats(stage: Stage, out: Path) -> LogSummary:
    summary = replayed(stage, out)
    assert differences(out) == []
    assert summary.equal
    written = b"\n".join([*stage.written(), b""])
    assert (out / "measurements.jsonl").read_bytes() + (out / "incidents.jsonl").read_bytes() == written
    return summary


def test_a_log_repeats_its_windows(stage: Stage, tmp_path: Path) -> None:
    stage.run(*events("a", 0, 200, 300))
    summary = assert_repeats(stage, tmp_path / "out")
    assert summary.compared.windows == 4  # two hours, each of the version and of the whole model
    assert summary.measurements > 0
