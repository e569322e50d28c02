"""The join is bounded: beyond its bytes it keeps an unbiased sample of ids, and coverage counts within it."""

from __future__ import annotations

from typing import Any

import pytest

from agent.join import pane as join_pane
from agent.join.joins import FULL_HASH
from tests.agent.conftest import OpenStage
from tests.agent.stage import MODEL, SYSTEM, Stage, event, events, label

LABELLED: dict[str, Any] = {"labels": {"horizon": "1h"}, "window": {"length": "1h"}}


def files(stage: Stage) -> set[str]:
    return {path.name for path in (stage.store.directory / "join").iterdir()}


def panes(stage: Stage) -> list[Any]:
    return [pane.record for pane in stage.step.pipeline.joins.of_model(SYSTEM, MODEL)]


@pytest.fixture
def only_files(monkeypatch: pytest.MonkeyPatch) -> None:
    """Panes move to files at once."""
    monkeypatch.setattr(join_pane, "SPILL_BYTES", 0)


@pytest.mark.usefixtures("only_files")
def test_panes_are_dropped_when_no_label_counts_there_any_more(open_stage: OpenStage) -> None:
    stage = open_stage(**LABELLED)
    stage.run(*events("a", 0, 300, 300))
    assert min(record.start_us for record in panes(stage)) > 0
    assert len(panes(stage)) <= 4
    assert {name.split(".")[0] for name in files(stage)} == {str(record.id) for record in panes(stage)}


def test_frozen_panes_are_those_that_the_watermark_has_passed(open_stage: OpenStage) -> None:
    stage = open_stage(**LABELLED)
    stage.run(*events("a", 0, 150, 150))
    watermark = stage.step.pipeline.ledger.clock(SYSTEM).watermark_us
    assert [record.frozen for record in panes(stage)] == [record.end_us <= watermark for record in panes(stage)]


def test_beyond_its_bytes_the_join_keeps_a_sample_and_coverage_counts_within_it(open_stage: OpenStage) -> None:
    stage = open_stage(state={"max_join_bytes": "1KiB"}, **LABELLED)
    for hour in range(4):
        stage.run(*events(f"h{hour}-", 60 * hour, 60 * hour + 60, 400))
        stage.run(*(label(f"h{hour}-{n}", 60 * hour + 61) for n in range(400)))
    stage.run(*events("end", 240, 400, 160)).finish()
    outcomes = stage.outcomes_of_labels()
    assert outcomes["joined"] + outcomes["not_sampled"] == 1600
    assert outcomes["not_sampled"] > 200
    coverage = [one for one in stage.lines("label_coverage") if "subject" not in one]
    sampled = coverage[1]
    assert sampled["value"] == 1.0
    assert 140 < sampled["n"] < 260
    assert stage.lines("volume")[1]["value"] == 400


def test_the_sample_settles_where_the_join_fits_and_grows_again_when_traffic_falls(open_stage: OpenStage) -> None:
    stage = open_stage(state={"max_join_bytes": "20KiB"}, **LABELLED)
    for hour in range(12):
        stage.run(*events(f"h{hour}-", 60 * hour, 60 * hour + 60, 600))
    busy = min(record.hash_limit for record in panes(stage))
    assert 1 / 64 < busy / FULL_HASH < 1
    for hour in range(12, 30):
        stage.run(*events(f"h{hour}-", 60 * hour, 60 * hour + 60, 20))
    assert panes(stage)[0].hash_limit > busy


def test_a_sample_survives_a_restart(open_stage: OpenStage) -> None:
    found = []
    for restarts in (False, True):
        stage = open_stage(state={"max_join_bytes": "1KiB"}, **LABELLED)
        for hour in range(3):
            stage.run(*events(f"h{hour}-", 60 * hour, 60 * hour + 60, 200))
            stage.run(*(label(f"h{hour}-{n}", 60 * hour + 61) for n in range(200)))
            if restarts:
                stage.restart()
        stage.settle().finish()
        found.append((stage.written(), stage.outcomes_of_labels()))
    assert found[0] == found[1]


@pytest.mark.usefixtures("only_files")
def test_files_that_nothing_refers_to_are_removed_at_the_start(open_stage: OpenStage) -> None:
    stage = open_stage(**LABELLED)
    stage.run(event("a", 5))
    stray = stage.store.directory / "join" / "999.rows"
    stray.write_bytes(b"left by a step that did not complete")
    stage.restart()
    assert not stray.exists()
    assert files(stage) == {"1.rows"}
