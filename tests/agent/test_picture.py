"""The picture of the agent after a step."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.delivery.sender import Sender
from agent.picture import Facts, Painter
from agent.state.store import DATABASE
from detectors.measurement import Track
from exporters.exposition import ExpositionOptions, render
from exporters.snapshot import Snapshot
from tests.agent.stage import Stage, event, events, label, settings_of


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    settings = settings_of(
        tmp_path, labels={"horizon": "1h"}, root={"severities": {"harm": "info"}}, limits={"max_outbox": 7}
    )
    one = Stage(settings)
    yield one
    one.close()


def paint(stage: Stage) -> Snapshot:
    sender = Sender(stage.settings.state.directory / DATABASE)
    return Painter(stage.step, sender).paint(Facts(started_us=0), {})


def test_a_model_as_a_whole_stands_beside_its_versions(stage: Stage) -> None:
    stage.run(*events("a", 0, 60, 40), *events("b", 60, 130, 40, version="2")).finish()
    shown = {str(stream.key): stream for stream in paint(stage).streams}
    assert set(shown) == {"lending/credit/1", "lending/credit/2", "lending/credit/*"}
    (window,) = shown["lending/credit/*"].windows
    assert [result.measurement.metric for result in window.results] == ["volume"]
    text = render(paint(stage), ExpositionOptions()).decode()
    assert (
        'wachter_measure_value{metric="volume",model="credit",segment="",stage="window",subject="",system="lending",version="*"}'
        in text
    )


def test_bounds_say_how_near_open_panes_and_the_outbox_are_to_them(stage: Stage) -> None:
    stage.run(*events("a", 0, 30))
    bounds = {bound.name: bound for bound in paint(stage).bounds}
    assert bounds["open_panes"].used == 1
    assert bounds["open_panes"].limit >= 3
    assert (bounds["outbox"].used, bounds["outbox"].limit) == (0, 7)


def test_labels_are_counted_as_they_come_and_severities_are_those_of_the_settings(stage: Stage) -> None:
    stage.run(event("a", 1), label("a", 2), label("nobody", 2))
    snapshot = paint(stage)
    assert snapshot.counters.labels_received == 2
    assert snapshot.severities[Track.HARM] == "info"


def test_the_disks_of_state_and_log_are_shown(stage: Stage) -> None:
    stage.run(*events("a", 0, 30))
    disks = paint(stage).disks
    assert set(disks) == {"state", "log"}
    assert 0 < disks["state"].free_bytes <= disks["state"].size_bytes


def test_the_loop_s_time_goes_on_while_nothing_is_written(stage: Stage) -> None:
    before = paint(stage)
    stage.clock.at_us += 60_000_000
    assert paint(stage).at_us - before.at_us == 60_000_000
