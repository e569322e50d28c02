"""Every label has one outcome, and which one does not depend on when it came."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agent.join.labels import seed_of
from agent.source import Partition
from detectors.encode import text_hashes
from tests.agent.conftest import OpenStage
from tests.agent.scripted_source import ScriptedSource
from tests.agent.stage import MODEL, SYSTEM, Stage, event, events, label, model_of, settings_of

LABELLED: dict[str, Any] = {"labels": {"horizon": "2h"}}
LABELS = Partition("labels")


@pytest.fixture
def labelled(open_stage: OpenStage) -> Stage:
    return open_stage(**LABELLED)


def accuracy(stage: Stage, **fields: object) -> dict[str, tuple[float | None, int]]:
    """Accuracy and its n by start of the window."""
    return {one["window_start"][11:16]: (one.get("value"), one["n"]) for one in stage.lines("accuracy", **fields)}


# joined


def test_a_label_counts_for_the_window_of_its_prediction(labelled: Stage) -> None:
    labelled.run(*events("a", 0, 60), *events("b", 60, 120))
    labelled.run(*(label(f"a{n}", 70, "yes" if n < 45 else "no") for n in range(60))).finish()
    assert labelled.outcomes_of_labels() == {"joined": 60}
    assert accuracy(labelled)["00:00"] == (0.75, 60)


def test_a_label_counts_for_a_pane_that_is_frozen_and_closed(labelled: Stage) -> None:
    labelled.run(*events("a", 0, 60), *events("b", 60, 160))
    assert "00:00" in labelled.volumes()
    labelled.run(label("a0", 170)).finish()
    assert labelled.outcomes_of_labels() == {"joined": 1}


def test_a_label_before_its_prediction_waits_for_it(labelled: Stage) -> None:
    labelled.run(label("a", 5))
    assert len(labelled.step.pipeline.pending) == 1
    labelled.restart()
    labelled.run(event("a", 4)).finish()
    assert labelled.outcomes_of_labels() == {"joined": 1}
    assert len(labelled.step.pipeline.pending) == 0


def test_a_window_is_judged_once_when_its_label_horizon_has_passed(labelled: Stage) -> None:
    labelled.run(*events("a", 0, 200, 200))
    assert accuracy(labelled) == {}
    labelled.run(*(label(f"a{n}", 100) for n in range(60)))
    labelled.run(*events("b", 200, 300))
    assert set(accuracy(labelled)) == {"00:00"}


def test_the_label_watermark_waits_for_labels_that_are_not_yet_read(open_stage: OpenStage) -> None:
    source = ScriptedSource([Partition("t"), LABELS], batch=30)
    stage = open_stage(source, **LABELLED)
    source.append(*events("a", 0, 400, 400))
    source.append(*(label(f"a{n}", n + 100) for n in range(250)), to=LABELS)
    source.away = {LABELS}
    for _ in range(60):
        stage.turn()
        position = stage.step.pipeline.ledger.position(LABELS)
        if position.progress.labels.value_us is not None:
            assert stage.watermark_minute(labels=True) <= stage.watermark_minute()
    stage.finish()
    assert stage.outcomes_of_labels() == {"joined": 250}
    assert accuracy(stage)["00:00"] == (1.0, 60)


# one label counts


def test_of_two_labels_the_later_one_counts(labelled: Stage) -> None:
    labelled.run(event("a", 5), label("a", 10, "yes", name="one"), label("a", 20, "no", name="two")).finish()
    assert accuracy(labelled)["00:00"] == (0.0, 1)
    assert sum(labelled.outcomes_of_labels().values()) == 2


@pytest.mark.parametrize("order", [1, -1])
def test_a_later_label_replaces_an_earlier_one_whichever_comes_first(labelled: Stage, order: int) -> None:
    first, second = [label("a", 10, "yes", name="one"), label("a", 20, "no", name="two")][::order]
    labelled.run(event("a", 5)).run(first).run(second).finish()
    assert accuracy(labelled)["00:00"] == (0.0, 1)
    assert labelled.outcomes_of_labels() == {"joined": 1, "replaced" if order == 1 else "superseded": 1}


def test_of_labels_of_one_time_the_id_decides(open_stage: OpenStage) -> None:
    found = set()
    for order in (1, -1):
        stage = open_stage(**LABELLED)
        stage.run(event("a", 5))
        for one in [label("a", 10, "yes", name="one"), label("a", 10, "no", name="two")][::order]:
            stage.run(one)
        found.add(accuracy(stage.finish())["00:00"])
    assert len(found) == 1


@pytest.mark.parametrize("together", [True, False])
def test_equal_copies_of_a_label_are_duplicates(labelled: Stage, together: bool) -> None:
    copies = [label("a", 10)] * 3
    labelled.run(event("a", 5))
    if together:
        labelled.run(*copies)
    else:
        for one in copies:
            labelled.run(one)
    assert labelled.outcomes_of_labels() == {"joined": 1, "duplicate": 2}


def test_equal_copies_that_waited_together_are_duplicates(labelled: Stage) -> None:
    labelled.run(label("a", 10), label("a", 10)).run(event("a", 5))
    assert labelled.outcomes_of_labels() == {"joined": 1, "duplicate": 1}


# not counted, and why


def test_a_label_from_beyond_the_horizon_does_not_count(labelled: Stage) -> None:
    labelled.run(event("a", 5), label("a", 60 + 120), event("b", 6), label("b", 60 + 119.9)).finish()
    assert labelled.outcomes_of_labels() == {"joined": 1, "beyond_horizon": 1}


def test_a_label_that_comes_after_the_judgement_is_a_correction_and_changes_nothing(labelled: Stage) -> None:
    labelled.run(*events("a", 0, 60), *(label(f"a{n}", 70) for n in range(30)), *events("b", 60, 230, 170))
    before = labelled.lines(window_start="2026-01-01T00:00:00Z")
    assert accuracy(labelled)["00:00"] == (1.0, 30)
    labelled.run(label("a40", 100, "no")).finish()
    assert labelled.outcomes_of_labels() == {"joined": 30, "correction": 1}
    assert labelled.lines(window_start="2026-01-01T00:00:00Z") == before


def test_a_label_without_a_prediction_is_an_orphan_when_none_can_come_any_more(labelled: Stage) -> None:
    labelled.run(label("nobody", 5), *events("a", 0, 30))
    assert labelled.outcomes_of_labels() == {}
    labelled.run(*events("b", 30, 60))
    assert labelled.outcomes_of_labels() == {"orphan": 1}


def test_labels_that_wait_are_bounded(open_stage: OpenStage) -> None:
    stage = open_stage(limits={"max_pending_labels": 2}, **LABELLED)
    stage.run(*(label(f"early{n}", 5) for n in range(5)))
    assert stage.outcomes_of_labels() == {"overflow": 3}
    assert len(stage.step.pipeline.pending) == 2


def test_a_value_that_is_no_number_is_invalid_for_a_regression(open_stage: OpenStage) -> None:
    labelled = open_stage(task="regression", classes=[], positive=None, **LABELLED)
    labelled.run(event("a", 5, prediction=1.5), label("a", 10, "maybe")).finish()
    assert labelled.outcomes_of_labels() == {"invalid": 1}


def test_labels_are_not_watched_where_no_model_has_any(stage: Stage) -> None:
    stage.run(event("a", 5), label("a", 10)).finish()
    assert stage.outcomes_of_labels() == {"not_watched": 1}


# whose label it is


def two_models(**changes: object) -> dict[str, Any]:
    return {"models": [model_of(**LABELLED), model_of(name="other", **LABELLED, **changes)]}


def test_a_label_joins_every_model_that_holds_the_id(open_stage: OpenStage) -> None:
    stage = open_stage(**two_models())
    stage.run(event("a", 5), event("a", 6, model="other"), label("a", 10)).finish()
    assert accuracy(stage, model=MODEL)["00:00"] == accuracy(stage, model="other")["00:00"] == (1.0, 1)


def test_a_label_that_names_its_model_joins_no_other(open_stage: OpenStage) -> None:
    stage = open_stage(**two_models())
    stage.run(event("a", 5), event("a", 6, model="other"))
    stage.run(label("a", 10, system_id=SYSTEM, model={"name": "other"})).finish()
    assert accuracy(stage, model="other")["00:00"] == (1.0, 1)
    assert accuracy(stage, model=MODEL) == {}


def test_a_label_that_names_a_version_joins_no_other(labelled: Stage) -> None:
    labelled.run(event("a", 5), event("b", 5, version="2"))
    labelled.run(*(label(one, 10, system_id=SYSTEM, model={"name": MODEL, "version": "2"}) for one in "ab")).finish()
    assert accuracy(labelled, version="2")["00:00"] == (1.0, 1)
    assert accuracy(labelled, version="1") == {}
    assert labelled.outcomes_of_labels()["joined"] == 1


def test_a_label_that_one_model_holds_is_no_orphan_of_another(open_stage: OpenStage) -> None:
    stage = open_stage(**two_models())
    stage.run(event("a", 5), label("a", 10), *events("b", 10, 120)).finish()
    assert stage.outcomes_of_labels() == {"joined": 1}


def test_a_label_that_waited_is_no_orphan_of_the_model_that_never_held_it(open_stage: OpenStage) -> None:
    stage = open_stage(**two_models())
    stage.run(label("a", 10)).run(event("a", 5)).run(*events("b", 10, 120)).finish()
    assert stage.outcomes_of_labels() == {"joined": 1}


def test_an_orphan_is_counted_once_however_many_models_there_are(open_stage: OpenStage) -> None:
    stage = open_stage(**two_models())
    stage.run(label("nobody", 10), *events("b", 10, 120)).finish()
    assert stage.outcomes_of_labels() == {"orphan": 1}


def test_the_time_of_the_prediction_finds_its_pane(labelled: Stage) -> None:
    labelled.run(event("a", 5))
    labelled.run(label("a", 10, name="wrong", ref_occurred_at="2026-01-01T01:30:00Z"))
    labelled.run(label("a", 11, name="right", ref_occurred_at="2026-01-01T00:05:00Z")).finish()
    assert labelled.outcomes_of_labels() == {"joined": 1, "orphan": 1}


def test_segments_get_the_labels_of_their_predictions(open_stage: OpenStage) -> None:
    stage = open_stage(segments="country", **LABELLED)
    stage.run(*(event(n, 5, segment={"country": "NL" if n % 2 else "DE"}) for n in range(10)))
    stage.run(*(label(n, 10, "yes" if n % 2 else "no") for n in range(10))).finish()
    assert accuracy(stage, segment="country=NL")["00:00"] == (1.0, 5)
    assert accuracy(stage, segment="country=DE")["00:00"] == (0.0, 5)


# in the event


def test_a_label_in_the_event_counts_at_once(open_stage: OpenStage) -> None:
    stage = open_stage(labels={"horizon": "2h", "in_event": True})
    stage.run(event("a", 5, label="yes"), event("b", 6, label="no"), event("c", 7)).finish()
    assert stage.outcomes_of_labels() == {"joined": 2}
    assert accuracy(stage)["00:00"] == (0.5, 2)


def test_a_later_label_event_replaces_the_one_in_the_event(open_stage: OpenStage) -> None:
    stage = open_stage(labels={"horizon": "2h", "in_event": True})
    stage.run(event("a", 5, label="yes"), label("a", 10, "no")).finish()
    assert accuracy(stage)["00:00"] == (0.0, 1)


# hashes are public


def test_ids_are_hashed_under_the_seed_of_their_model() -> None:
    one, other = seed_of("lending", "credit"), seed_of("lendingc", "redit")
    assert one != other
    assert text_hashes(["a", "\ud800"], one).tolist() != text_hashes(["a", "\ud800"], other).tolist()


# the order of arrival


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(0, 19), st.integers(0, 170), st.booleans()), max_size=50), st.randoms())
def test_labels_in_any_order_within_lateness_give_the_same_measurements(
    scratch: Callable[[], Path], told: Sequence[tuple[int, int, bool]], chance: random.Random
) -> None:
    timed = [(3.0 * n, event(f"a{n}", 3 * n)) for n in range(20)]
    for n, (of, delay, yes) in enumerate(told):
        timed.append((3.0 * of + delay, label(f"a{of}", 3 * of + delay, "yes" if yes else "no", name=f"l{n}")))
    found = []
    for disorder in (0, 9):
        records = [record for _, record in sorted((minute + disorder * chance.random(), one) for minute, one in timed)]
        with closing(Stage(settings_of(scratch(), **LABELLED))) as stage:
            stage.run(*records).finish()
            found.append((stage.lines(), sum(stage.outcomes_of_labels().values())))
    assert found[0] == found[1]
