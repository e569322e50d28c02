"""The log of an agent, whatever happened to it, verifies: each record is there once, or the log says why not."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.source import Partition
from exporters.evidence.findings import Report
from exporters.evidence.keys import read_verifiers
from exporters.evidence.verify import verify
from tests.agent.conftest import OpenStage
from tests.agent.scripted_source import ScriptedSource
from tests.agent.stage import PART, Stage, event, events, label

OTHER = Partition("t", 1)
MONTH_US = 31 * 86_400_000_000


def log_of(stage: Stage) -> Path:
    return stage.settings.state.directory / "log"


def verified(stage: Stage) -> Report:
    log = log_of(stage)
    return verify(log, read_verifiers(log / "log.vkey"))


def test_the_log_of_a_day_verifies_to_its_last_entry(open_stage: OpenStage) -> None:
    stage = open_stage(labels={"horizon": "2h"})
    stage.run(*events("a", 0, 200), event("a1", 3), b"{no json", label("a1", 4), *events("b", 200, 400)).finish()
    stage.step.end("stopped")
    report = verified(stage)
    assert report.findings == ()
    assert report.notes == ()
    assert report.positions == {("t", 0): 123}


@pytest.mark.parametrize("payloads", ["plain", "sealed", "none"])
def test_payloads_are_what_the_leaves_commit_to_in_every_form(open_stage: OpenStage, payloads: str) -> None:
    stage = open_stage(root={"log": {"payloads": payloads}}).run(*events("a", 0, 90, subject_ref="kim"))
    stage.step.end("stopped")
    report = verified(stage)
    assert report.findings == ()
    assert report.shards[0].payloads.get(payloads, 0) >= 60 or payloads == "none"


def test_a_killed_agent_leaves_a_log_that_verifies_before_and_after_its_restart(open_stage: OpenStage) -> None:
    stage = open_stage()
    for number in range(4):
        stage.run(*events(f"{number}-", 60 * number, 60 * number + 59))
        assert verified(stage).findings == ()
        stage.restart()
        assert verified(stage).findings == ()
    stage.step.end("stopped")
    assert verified(stage).positions == {("t", 0): 240}


def test_a_new_month_begins_a_shard_that_continues_the_last(open_stage: OpenStage) -> None:
    stage = open_stage()
    stage.run(*events("a", 0, 90))
    stage.clock.at_us += MONTH_US
    stage.run(*events("b", 90, 200))
    stage.step.end("stopped")
    report = verified(stage)
    assert report.findings == ()
    assert [shard.name for shard in report.shards] == ["2026-01", "2026-02"]


def test_two_partitions_are_each_complete(open_stage: OpenStage) -> None:
    stage = open_stage(ScriptedSource((PART, OTHER)))
    stage.source.append(*events("a", 0, 30))
    stage.source.append(*events("o", 0, 30), to=OTHER)
    stage.settle().step.end("stopped")
    report = verified(stage)
    assert report.findings == ()
    assert report.positions == {("t", 0): 60, ("t", 1): 60}


def test_records_that_were_gone_before_they_were_read_are_named_by_their_range(open_stage: OpenStage) -> None:
    stage = open_stage().run(*events("a", 0, 30))
    stage.close()
    stage.source.append(*events("gone", 30, 40, count=7))
    stage.source.delete_before(PART, 65)
    stage.source.assign(stage.source.logs)
    stage.restart()
    stage.run(*events("b", 40, 90))
    stage.step.end("stopped")
    report = verified(stage)
    assert report.findings == ()
    assert [(str(gap), gap.cause) for gap in report.missing] == [("t/0 offsets 60 to 64", "retention")]
