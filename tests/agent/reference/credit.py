"""A made-up credit model: its settings, its events and its labels, seeded."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from agent.reference.build import build_reference
from agent.reference.settings import choose_model
from agent.reference.sources import Files
from config.settings import Settings, from_text
from detectors.reference import Reference

START = datetime(2026, 1, 1, tzinfo=UTC)
SETTINGS = """
source: {type: kafka, brokers: ["localhost:9092"], topics: [scoring]}
systems:
  - id: credit
    owner: lending
    purpose: Decide on credit
    models:
      - name: scoring
        task: binary
        classes: [deny, grant]
        positive: grant
        columns: {income: number, age: number, purpose: category}
        protected: {sex: [F, M]}
        labels: {horizon: 3d}
"""

Event = dict[str, Any]


def credit_settings(extra: str = "") -> Settings:
    return from_text(SETTINGS + extra)


def credit_events(rows: int = 600, days: int = 12, seed: int = 1, version: str = "1") -> list[Event]:
    """Inference events spread evenly over days, the label of each beside it under ``truth`` (not part of the event)."""
    rng = np.random.default_rng(seed)
    events = []
    for i in range(rows):
        truth = bool(rng.random() < 0.4)
        score = float(rng.beta(3 if truth else 2, 3))
        event = {
            "schema_version": "1",
            "event_type": "inference",
            "event_id": f"e{seed}-{i}",
            "occurred_at": stamp(START + timedelta(days=days) * i / rows),
            "system_id": "credit",
            "model": {"name": "scoring", "version": version},
            "features": {
                "income": round(float(rng.lognormal(10, 1)), 2),
                "age": int(rng.integers(18, 80)),
                "purpose": str(rng.choice(["car", "house", "study"], p=[0.5, 0.3, 0.2])),
            },
            "protected": {"sex": str(rng.choice(["F", "M"]))},
            "prediction": "grant" if score > 0.5 else "deny",
            "score": score,
        }
        events.append(event | {"truth": "grant" if truth else "deny"})
    return events


def label_of(event: Event, after: timedelta = timedelta(days=1), **changes: object) -> Event:
    given = datetime.fromisoformat(event["occurred_at"]) + after
    label = {
        "schema_version": "1",
        "event_type": "label",
        "event_id": f"l-{event['event_id']}",
        "ref_event_id": event["event_id"],
        "occurred_at": stamp(given),
        "label": event["truth"],
    }
    return label | changes


def sent(event: Event) -> Event:
    """The event as a producer sends it."""
    return {name: value for name, value in event.items() if name != "truth"}


def stamp(time: datetime) -> str:
    return time.isoformat(timespec="microseconds").replace("+00:00", "Z")


def write_lines(path: Path, events: Iterable[Event]) -> Path:
    path.write_text("".join(json.dumps(sent(event)) + "\n" for event in events), encoding="utf-8")
    return path


def reference_of(*paths: Path, settings: Settings | None = None, version: str | None = None) -> Reference:
    settings = settings or credit_settings()
    system, model = choose_model(settings, None)
    source = Files(paths, settings, system.id, model, version)
    return build_reference(settings, system, model, version, source, lambda _: None)
