"""A seeded world for tests of the pipeline: events and labels of one binary model, with everything that goes wrong in it."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from agent.reference.build import build_reference
from agent.reference.sources import Files
from config.settings import Settings, from_mapping

START = datetime(2026, 1, 1, tzinfo=UTC)
LATENESS = timedelta(minutes=10)


@dataclass
class World:
    """Events of ``days`` days, ``per_day`` a day, evenly spread; from ``drift_from`` on a feature has moved.

    Attributes:
        events, labels: (time, JSON record), by time.
    """

    seed: int
    days: int = 6
    per_day: int = 600
    drift_from: int | None = None
    bad_day: int | None = None
    label_hours: tuple[float, float] = (1.0, 30.0)
    prefix: str = "e"
    start: datetime = START
    events: list[tuple[datetime, bytes]] = field(default_factory=list)
    labels: list[tuple[datetime, bytes]] = field(default_factory=list)

    def __post_init__(self) -> None:
        chance = random.Random(self.seed)
        for number in range(self.days * self.per_day):
            self._add(number, chance)
        self.labels.sort(key=lambda label: label[0])

    def _add(self, number: int, chance: random.Random) -> None:
        at = self.start + timedelta(days=1) * number / self.per_day
        day = number // self.per_day
        moved = self.drift_from is not None and day >= self.drift_from
        x = chance.gauss(1.0 if moved else 0.0, 1.0)
        score = min(max(0.5 + x / 6 + chance.uniform(-0.1, 0.1), 0.0), 1.0)
        truth = chance.random() < (0.5 if day == self.bad_day else score)
        event_id = f"{self.prefix}{number}"
        event = {
            "schema_version": "1",
            "event_type": "inference",
            "event_id": event_id,
            "occurred_at": iso(at),
            "system_id": "lending",
            "model": {"name": "credit", "version": "1"},
            "features": {"x": x, "amount": round(chance.lognormvariate(8, 1), 2), "purpose": chance.choice("abcd")},
            "prediction": "yes" if score > 0.5 else "no",
            "score": score,
            "protected": {"sex": chance.choice("FM")},
            "latency_ms": round(chance.expovariate(0.1), 3),
        }
        label_at = at + timedelta(hours=chance.uniform(*self.label_hours))
        label = {
            "schema_version": "1",
            "event_type": "label",
            "event_id": f"label-{event_id}",
            "ref_event_id": event_id,
            "occurred_at": iso(label_at),
            "label": "yes" if truth else "no",
        }
        self.events.append((at, json.dumps(event).encode()))
        self.labels.append((label_at, json.dumps(label).encode()))


def iso(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")


def disordered(records: list[tuple[datetime, bytes]], seed: int) -> list[bytes]:
    """The records in another order, none later than others by more than the lateness allows."""
    chance = random.Random(seed)
    half = LATENESS / 2
    keyed = [(at + chance.random() * half, number, record) for number, (at, record) in enumerate(records)]
    return [record for _, _, record in sorted(keyed)]


def dealt(records: list[bytes], parts: int, seed: int) -> list[list[bytes]]:
    """The records dealt to so many partitions, each in order."""
    chance = random.Random(seed)
    hands: list[list[bytes]] = [[] for _ in range(parts)]
    for record in records:
        chance.choice(hands).append(record)
    return hands


def write(path: Path, records: list[bytes]) -> Path:
    path.write_bytes(b"".join(record + b"\n" for record in records))
    return path


def settings_of(directory: Path, **changes: object) -> Settings:
    """Settings of the world's model; ``changes`` go to the model."""
    return from_mapping(mapping_of(**changes), directory)


def mapping_of(**changes: object) -> dict[str, object]:
    model: dict[str, object] = {
        "name": "credit",
        "task": "binary",
        "classes": ["no", "yes"],
        "positive": "yes",
        "columns": {"x": "number", "amount": "number", "purpose": "category"},
        "protected": {"sex": ["F", "M"]},
        "labels": {"horizon": "2d"},
        "window": {"length": "1d"},
        **changes,
    }
    system = {"id": "lending", "owner": "credit team", "purpose": "decide on credit", "models": [model]}
    return {"source": {"type": "files", "paths": ["events.jsonl"]}, "systems": [system]}


def make_reference(directory: Path, *, days: int = 12, per_day: int = 600) -> Path:
    """A reference of a world without any change, in ``reference.wachter``."""
    world = World(seed=77, days=days, per_day=per_day, prefix="r", start=START - timedelta(days=days + 5))
    rows = write(directory / "reference.jsonl", [record for _, record in (*world.events, *world.labels)])
    settings = settings_of(directory)
    system, model = settings.systems[0], settings.systems[0].models[0]
    source = Files([rows], settings, system.id, model, None)
    path = directory / "reference.wachter"
    path.write_bytes(build_reference(settings, system, model, None, source, lambda done: None).to_bytes())
    return path
