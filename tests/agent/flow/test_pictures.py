from __future__ import annotations

import json
from collections.abc import Callable

from agent.state import pictures
from agent.state.store import incident_lines
from exporters.dossier import Pictures
from tests.agent.stage import HOUR_US, START_US, Stage, events

OpenStage = Callable[..., Stage]


def shown(stage: Stage) -> Pictures | None:
    (found,) = [json.loads(line) for line in incident_lines(stage.store.connection, agent=False)]
    return pictures.get(stage.store.connection, found["id"])


def outside(open_stage: OpenStage) -> Stage:
    return open_stage(
        columns={"x": {"type": "number", "minimum": 0, "maximum": 2}},
        thresholds={"envelope_share": {"tolerance": 0.05, "open_after": 1, "clear_after": 1}},
    )


def test_an_incident_is_pictured_in_the_window_that_opened_it(open_stage: OpenStage) -> None:
    stage = outside(open_stage).run(*events("a", 0, 120, 800, features={"x": 9.0}))
    found = shown(stage)
    assert found is not None
    assert (found.window_start_us, found.window_end_us) == (START_US, START_US + HOUR_US)
    assert [(one.column, sum(one.current)) for one in found.columns] == [("x", 400), ("prediction", 400)]


def test_a_window_that_is_bad_again_takes_the_place_of_the_one_before(open_stage: OpenStage) -> None:
    stage = outside(open_stage).run(*events("a", 0, 180, 1200, features={"x": 9.0}))
    found = shown(stage)
    assert found is not None
    assert found.window_start_us == START_US + HOUR_US


def test_a_window_that_ends_an_incident_does_not_take_its_picture(open_stage: OpenStage) -> None:
    stage = outside(open_stage).run(*events("a", 0, 60, 400, features={"x": 9.0}), *events("b", 60, 180, 800))
    found = shown(stage)
    assert found is not None
    assert found.window_start_us == START_US
