"""A producer that invents names - values, columns, models, versions, segments - or breaches without end: bounds hold."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults.conftest import Note
from tests.faults.file_agent import FileAgent
from tests.faults.generator import MODEL, PURPOSES, Story
from tests.faults.process import usage
from tests.faults.report import SEED, scaled

pytestmark = pytest.mark.slow
EVENTS = scaled(4_000, 1_000_000)
MAX_STREAMS, MAX_SERIES = 50, 2_000
MEMORY_LIMIT_MEBIBYTES = 512
OWN_SERIES = 200
"""Of the agent and its process, about."""

Invent = Callable[[Story, int], bytes]
INVENTED: dict[str, Invent] = {
    "values": lambda story, n: story.event(n, features={"x": 1.0, "purpose": f"p{n}"}),
    "columns": lambda story, n: story.event(n, features={"x": 1.0, "purpose": PURPOSES[0], f"c{n}": 1}),
    "models": lambda story, n: story.event(n, model={"name": f"m{n}", "version": "1"}),
    "versions": lambda story, n: story.event(n, model={"name": MODEL, "version": f"v{n}"}),
    "segments": lambda story, n: story.event(n, segment={"country": f"c{n}"}),
}


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("invented", INVENTED)
def test_names_without_end_fill_neither_memory_nor_metrics(tmp_path: Path, note: Note, invented: str) -> None:
    story = Story(seed=SEED, events=EVENTS, windows=2)
    limits = {"max_streams": MAX_STREAMS, "max_series": MAX_SERIES}
    settings = {**story.settings(segments="country"), "limits": limits}
    with FileAgent(tmp_path, settings) as agent:
        agent.topic.deal(INVENTED[invented](story, number) for number in range(EVENTS))
        for number, hand in enumerate(story.sentinels(agent.topic.partitions)):
            agent.topic.append(number, hand)
        agent.until(agent.has_read_all, 1000)
        agent.until(lambda: agent.metric("wachter_events_received_total") >= agent.records())
        page, peak = agent.get("/metrics").text, usage(agent.pid).peak_mebibytes
        series = sum(not line.startswith("#") for line in page.splitlines())
        counters = agent.counters()
        note(events=EVENTS, series=series, peak_mebibytes=peak)
        assert agent.get("/-/healthy").status == 200
    classes = [counters.get(name, 0) for name in ("accepted", "rejected", "duplicate", "late")]
    assert counters["received"] == sum(classes) == EVENTS + sum(map(len, story.sentinels(2)))
    assert series <= MAX_SERIES + OWN_SERIES
    assert peak <= MEMORY_LIMIT_MEBIBYTES
    if invented in ("models", "versions"):  # what no stream holds is set aside, and counted
        assert counters["rejected"] >= EVENTS - MAX_STREAMS
    elif invented == "segments":  # what no segment holds counts for the whole model
        assert counters["segment_overflow"] >= EVENTS - MAX_STREAMS
    else:
        assert counters["accepted"] == counters["received"]
