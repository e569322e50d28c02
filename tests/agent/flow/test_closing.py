"""A window is measured under the layout that it was counted under, in the order of due times."""

from __future__ import annotations

from typing import Any

import pytest

from tests.agent.conftest import OpenStage
from tests.agent.stage import SYSTEM, Stage, event, events, label, model_of, settings_of

TWO_COLUMNS: dict[str, Any] = {"columns": {"x": "number", "y": "number"}}


def changed(stage: Stage, **changes: Any) -> None:
    """Other settings in the same state directory, after a restart."""
    stage.restart(settings_of(stage.settings.state.directory.parent, **changes))


def test_after_a_restart_old_windows_finish_under_their_own_layout(open_stage: OpenStage) -> None:
    stage = open_stage()
    stage.run(*events("a", 0, 100, 100))
    changed(stage, **TWO_COLUMNS)
    stage.run(*events("b", 100, 240, 140)).finish()
    subjects = {
        start: {one["subject"] for one in stage.lines("missing_share", window_start=f"2026-01-01T0{start}:00:00Z")}
        for start in range(4)
    }
    assert subjects[0] == {"prediction", "x"}
    assert subjects[2] == subjects[3] == {"prediction", "x", "y"}
    assert stage.classes() == (240, 240, 0, 0, 0)


def test_a_window_never_mixes_two_layouts(open_stage: OpenStage) -> None:
    stage = open_stage()
    stage.run(*events("a", 0, 100, 100))
    changed(stage, **TWO_COLUMNS)
    stage.run(*events("b", 100, 240, 140)).finish()
    ledger = stage.step.pipeline.ledger
    assert ledger.lanes[1].ended
    assert len({lane.context for lane in ledger.lanes.values()}) == 2


def test_the_window_in_which_the_layout_changed_is_told_in_both_parts_and_decides_nothing(
    open_stage: OpenStage,
) -> None:
    stage = open_stage()
    stage.run(*events("a", 0, 100, 100))
    changed(stage, **TWO_COLUMNS)
    stage.run(*events("b", 100, 240, 140)).finish()
    volumes = {start: stage.lines("volume", window_start=f"2026-01-01T0{start}:00:00Z") for start in range(4)}
    both = [one for one in volumes[1] if one["version"] == "1"]
    assert sorted(one["value"] for one in both) == [20, 40]
    assert all(one["partial"] for one in both)
    assert not any(one.get("partial") for start in (0, 2, 3) for one in volumes[start])


def test_a_detector_switched_on_at_a_restart_measures_no_window_that_it_saw_a_part_of(open_stage: OpenStage) -> None:
    stage = open_stage(detectors={"drift": False, "quality": False})
    stage.run(*events("a", 0, 100, 100))
    changed(stage)
    stage.run(*events("b", 100, 240, 140)).finish()
    shares = stage.lines("missing_share")
    assert min(one["window_start"] for one in shares if not one.get("partial")) == "2026-01-01T02:00:00Z"
    assert {one["n"] for one in shares if one.get("partial")} == {20}


def test_labels_find_the_predictions_of_an_old_layout(open_stage: OpenStage) -> None:
    labelled: dict[str, Any] = {"labels": {"horizon": "2h"}}
    stage = open_stage(**labelled)
    stage.run(*events("a", 0, 100, 100))
    changed(stage, **labelled, **TWO_COLUMNS)
    stage.run(*(label(f"a{n}", 110) for n in range(60)), *events("b", 100, 160, 60)).finish()
    assert stage.outcomes_of_labels() == {"joined": 60}
    assert stage.lines("accuracy")[0]["n"] == 60


def test_the_old_layout_goes_when_its_last_lane_has_ended_and_can_be_read_again(open_stage: OpenStage) -> None:
    stage = open_stage()
    stage.run(*events("a", 0, 100, 100))
    changed(stage, **TWO_COLUMNS)
    stage.run(*events("b", 100, 300, 200))
    changed(stage, **TWO_COLUMNS)
    stage.run(*events("c", 300, 400, 100)).finish()
    assert stage.classes()[:2] == (400, 400)


def test_a_model_that_left_the_settings_does_not_stop_the_others(open_stage: OpenStage) -> None:
    both = [model_of(), model_of(name="other")]
    stage = open_stage(models=both)
    stage.run(*events("a", 0, 100, 100), *events("o", 0, 100, 100, model="other"))
    changed(stage, models=both[:1])
    stage.run(*events("b", 100, 240, 140)).finish()
    assert stage.volumes(model="credit")["01:00"] == 60


def test_lines_are_written_by_due_time_stream_and_metric(open_stage: OpenStage) -> None:
    stage = open_stage(labels={"horizon": "1h"}, segments="country")
    stage.run(*events("a", 0, 300, 300, segment={"country": "NL"}), event("b", 200, version="2")).finish()
    keys = [
        (one["due"], one["version"], one.get("segment", ""), one["window_end"], one["metric"], one.get("subject", ""))
        for one in stage.lines()
    ]
    assert keys == sorted(keys)


def test_panes_that_nothing_can_ask_for_any_more_are_forgotten(open_stage: OpenStage) -> None:
    stage = open_stage(labels={"horizon": "1h"}, detectors={"quality": False})
    stage.run(*events("a", 0, 1200, 1200))
    held = stage.step.pipeline.panes.starts(1)
    first = stage.step.pipeline.ledger.clock(SYSTEM).label_watermark_us - 3 * 3_600_000_000
    assert held
    assert min(held) >= first
    assert stage.store.connection.execute("SELECT count(*) FROM pane").fetchone()[0] == len(held)


def test_a_model_with_few_positives_a_window_is_judged_over_several_windows(open_stage: OpenStage) -> None:
    stage = open_stage(labels={"horizon": "1h", "in_event": True}, scored=True, baseline={"roc_auc": 0.95})
    truths = ["yes" if n % 10 == 0 else "no" for n in range(800)]
    stage.run(
        *(event(n, 0.3 * n, prediction="no", score=n * 7 % 100 / 100, label=truth) for n, truth in enumerate(truths))
    )
    stage.finish()
    alone, together, *_ = stage.lines("roc_auc", stage="labels")
    assert (alone["verdict"], alone["verdict_reason"]) == ("insufficient_data", "too_few_labels")
    assert (together["verdict"], len(together["judged_with"])) == ("critical", 2)


@pytest.mark.parametrize(
    ("told", "reason"),
    [({"prediction": None, "label": "yes"}, "no_predictions"), ({"label": None}, "no_labels")],
)
def test_labels_without_a_prediction_are_told_from_no_labels(
    open_stage: OpenStage, told: dict[str, Any], reason: str
) -> None:
    stage = open_stage(labels={"horizon": "1h", "in_event": True}, scored=True)
    stage.run(*events("a", 0, 200, score=0.7, **told)).finish()
    assert {one["reason"] for one in stage.lines("roc_auc", stage="labels")} == {reason}


def test_what_is_judged_together_stands_beside_the_windows_own_figures(open_stage: OpenStage) -> None:
    stage = open_stage(labels={"horizon": "1h", "in_event": True}, baseline={"accuracy": 0.5})
    truths = ["yes"] * 100 + ["yes", "no"] * 80
    stage.run(*(event(n, 0.6 * n, label=truth) for n, truth in enumerate(truths))).finish()
    first, second, *_ = stage.lines("accuracy", stage="labels")
    assert (first["value"], first["n"], "judged" in first) == (1.0, 100, False)
    assert (second["value"], second["n"]) == (0.5, 100)
    assert (second["judged"]["value"], second["judged"]["n"]) == (0.75, 200)
    assert second["lower"] < 0.5 < second["upper"] < second["judged"]["upper"]
    assert second["effect"] == -0.25
    assert len(second["judged_with"]) == 2
