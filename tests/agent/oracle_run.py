"""Foreign rows through the whole pipeline, for ``test_oracle``: what was drawn, and what was made of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from agent.reference.build import build_reference
from agent.reference.sources import Files
from agent.replay.run import MEASUREMENTS, replay
from agent.state.panes import Panes
from config.settings import from_mapping
from detectors.reference import Reference
from detectors.tables import Tables
from tests.agent.foreign import SETTINGS, Rows, draw
from tests.agent.world import write


@dataclass(frozen=True)
class Run:
    """What the pipeline made of the rows.

    Attributes:
        measured: lines of measurements.jsonl by (metric, subject).
        tables: of the one window, as it was last measured.
    """

    window: Rows
    before: Rows
    reference: Reference
    measured: Mapping[tuple[str, str], Mapping[str, Any]]
    tables: Tables

    def value(self, metric: str, subject: str = "") -> float:
        return float(self.measured[metric, subject]["value"])

    @property
    def labelled(self) -> tuple[NDArray[np.bool_], NDArray[np.bool_], NDArray[np.float64]]:
        """Truth, prediction and score of the rows that got a label."""
        rows = self.window.labelled
        return self.window.truth[rows], self.window.prediction[rows], self.window.score[rows]


def run_pipeline(directory: Path, events: int) -> Run:
    """Build a reference from one day of events, and replay another in which something has moved."""
    before = draw(events, 1, datetime(2026, 3, 1))
    window = draw(events, 2, datetime(2026, 3, 9), moved=True)
    reference = reference_of(directory, before)
    taken: list[Tables] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Panes, "window", kept(Panes.window, taken))
        settings = with_model(reference=str(directory / "reference"))
        path = write(directory / "events.jsonl", window.lines("w", seed=3))
        summary = replay(from_mapping(settings, directory), [path], directory)
    assert summary.counters["received"] == summary.counters["accepted"] == events
    assert summary.counters["labels"] == summary.counters["labels_received"] == window.labelled.sum()
    lines = [json.loads(line) for line in (directory / MEASUREMENTS).read_text().splitlines()]
    assert {line["window_end"] for line in lines} == {"2026-03-10T00:00:00Z"}
    measured = {(line["metric"], line.get("subject", "")): line for line in lines}
    return Run(window, before, reference, measured, taken[-1])


def reference_of(directory: Path, rows: Rows) -> Reference:
    settings = from_mapping(with_model(), directory)
    path = write(directory / "reference.jsonl", rows.lines("r", seed=4))
    system, model = settings.systems[0], settings.systems[0].models[0]
    source = Files([path], settings, system.id, model, None)
    reference = build_reference(settings, system, model, None, source, lambda done: None)
    (directory / "reference").write_bytes(reference.to_bytes())
    return reference


def with_model(**changes: object) -> dict[str, Any]:
    settings: dict[str, Any] = json.loads(json.dumps(SETTINGS))
    settings["systems"][0]["models"][0].update(changes)
    return settings


def kept(window: Any, taken: list[Tables]) -> Any:
    """The same method, whose answers are kept."""

    def keeping(self: Panes, *args: Any) -> Tables:
        taken.append(window(self, *args))
        return taken[-1]

    return keeping
