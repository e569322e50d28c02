"""Breaches without end: one open incident per stream and track, and people are called once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from agent.delivery import outbox
from agent.delivery.outbox import Target
from detectors.measurement import Track
from tests.agent.stage import Stage, event, model_of, settings_of
from tests.faults.conftest import Note
from tests.faults.report import scaled

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
COLUMNS = 100
WINDOWS = scaled(20, 100)
"""Every column breaches in each: a step closes thousands of breaches at once."""
HOOK = Target("oncall", "http://127.0.0.1:9/", standing=False)
MANAGER = Target("am", "http://127.0.0.1:9/am", standing=True)


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    columns = {f"c{n}": {"type": "number", "minimum": 0, "maximum": 1} for n in range(COLUMNS)}
    rule = {"tolerance": 0.05, "open_after": 1, "clear_after": 1}
    model = model_of(columns=columns, thresholds={"envelope_share": rule})
    with closing(Stage(settings_of(tmp_path, models=[model], limits={"max_outbox": 50}))) as stage:
        stage.step.targets = lambda: (HOOK, MANAGER)
        yield stage


def test_a_storm_of_breaches_is_one_incident_and_one_call(stage: Stage, note: Note) -> None:
    bad = {f"c{n}": 9.0 for n in range(COLUMNS)}
    stage.run(*(event(n, n, features=bad) for n in range(60 * (WINDOWS + 2))))
    breaches = sum(line.get("verdict") in ("warning", "critical") for line in stage.lines("envelope_share"))
    streams = stage.step.pipeline.ledger.streams.values()
    open_ = [one for stream in streams for one in stream.incidents if one.is_open]
    assert breaches >= WINDOWS * COLUMNS / 5  # undecided windows add up until they decide
    assert max(Counter((one.stream, one.track) for one in open_).values()) == 1
    told = stage.store.connection.execute("SELECT receiver, kind, count(*) FROM outbox GROUP BY 1, 2").fetchall()
    note(breaches=breaches, incidents=len(open_), messages=sum(count for *_, count in told))
    assert {one.track for one in open_} == {Track.HEALTH}
    assert [(receiver, count) for receiver, _, count in sorted(told)] == [("am", 1), ("oncall", 1)]


def test_a_condition_that_comes_and_goes_fills_the_outbox_only_to_its_bound(stage: Stage, note: Note) -> None:
    """The receivers are away; what opened and ended meanwhile leaves first, and what leaves is counted."""
    for hour in range(2 * WINDOWS + 2):
        features = {f"c{n}": 9.0 if hour % 2 else 0.5 for n in range(COLUMNS)}
        stage.run(*(event(f"{hour}-{n}", 60 * hour + n, features=features) for n in range(60)))
    rows = outbox.rows(stage.store.connection)
    opened = sum(len(list(state.incidents)) for state in stage.step.pipeline.ledger.streams.values())
    note(incidents=opened, rows=rows)
    assert rows <= 50
