"""Histograms of windows, against numpy on the raw rows."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import numpy as np

from agent.replay.run import CELLS, replay
from tests.agent.world import World, make_reference, settings_of, write


def test_the_cells_of_every_window_are_those_of_its_rows(tmp_path: Path) -> None:
    reference = make_reference(tmp_path)
    world = World(seed=3, days=2)
    events = write(tmp_path / "events.jsonl", [record for _, record in world.events])
    replay(settings_of(tmp_path, reference=str(reference)), [events], tmp_path / "out", cells=True)
    records = [json.loads(line) for line in (tmp_path / "out" / CELLS).read_bytes().splitlines()]
    rows = [json.loads(record) for _, record in world.events]
    for record in records:
        window = [row for row in rows if record["window_start"] <= row["occurred_at"] < record["window_end"]]
        if record["column"] == "x":
            bounds = [-np.inf, *record["edges"], np.inf]
            assert record["counts"] == np.histogram([row["features"]["x"] for row in window], bounds)[0].tolist()
        if record["column"] == "purpose":
            assert record["levels"] == Counter(row["features"]["purpose"] for row in window)
    assert {(record["window_start"], record["column"]) for record in records} >= {
        ("2026-01-01T00:00:00Z", "x"),
        ("2026-01-02T00:00:00Z", "purpose"),
    }
