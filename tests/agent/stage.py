"""A step on a stage: scripted records in, one small model, a clock that stands, and the results to look at."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from agent.clock import FixedClock
from agent.decoders import build_decoder
from agent.evidence.begin import open_journal
from agent.flow.contexts import Contexts
from agent.flow.pipeline import Outcome
from agent.source import Partition
from agent.state.store import Store, incident_lines, measurement_lines
from agent.step import Step
from config.settings import Settings, from_mapping
from detectors.columns import ALL_VERSIONS
from tests.agent.scripted_source import ScriptedSource
from tests.agent.world import iso

MINUTE_US = 60_000_000
HOUR_US = 60 * MINUTE_US
START = datetime(2026, 1, 1, tzinfo=UTC)
START_US = int(START.timestamp()) * 1_000_000
SYSTEM, MODEL, VERSION = "lending", "credit", "1"
PART = Partition("t")


def at(minute: float) -> str:
    """Time as the events say it."""
    return iso(START + timedelta(minutes=minute))


def us(minute: float) -> int:
    return START_US + round(minute * MINUTE_US)


def event(name: object, minute: float, *, version: str = VERSION, model: str = MODEL, **fields: object) -> bytes:
    """An inference event so many minutes after the start."""
    record = {
        "schema_version": "1",
        "event_type": "inference",
        "event_id": str(name),
        "occurred_at": at(minute),
        "system_id": SYSTEM,
        "model": {"name": model, "version": version},
        "features": {"x": 1.0},
        "prediction": "yes",
        **fields,
    }
    return json.dumps(record).encode()


def events(prefix: str, start: float, end: float, count: int = 60, **fields: Any) -> list[bytes]:
    """Events spread evenly over [start, end) minutes."""
    return [event(f"{prefix}{n}", start + (end - start) * n / count, **fields) for n in range(count)]


def label(of: object, minute: float, value: object = "yes", *, name: str | None = None, **fields: object) -> bytes:
    """A label event."""
    record = {
        "schema_version": "1",
        "event_type": "label",
        "event_id": name or f"label-{of}",
        "ref_event_id": str(of),
        "occurred_at": at(minute),
        "label": value,
        **fields,
    }
    return json.dumps(record).encode()


def model_of(**changes: object) -> dict[str, object]:
    return {
        "name": MODEL,
        "task": "binary",
        "classes": ["no", "yes"],
        "positive": "yes",
        "columns": {"x": "number"},
        "window": {"length": "1h"},
        **changes,
    }


def settings_of(
    directory: Path,
    *,
    kafka: dict[str, object] | None = None,
    models: Iterable[dict[str, object]] | None = None,
    limits: dict[str, object] | None = None,
    state: dict[str, object] | None = None,
    root: dict[str, object] | None = None,
    **changes: object,
) -> Settings:
    """Settings of one model in hourly windows, from Kafka by the clock of the events; ``changes`` go to the model."""
    return from_mapping(
        {
            "source": {"type": "kafka", "brokers": ["none:9092"], "topics": ["t"], "clock": "events", **(kafka or {})},
            "systems": [
                {"id": SYSTEM, "owner": "team", "purpose": "test", "models": list(models or [model_of(**changes)])}
            ],
            "limits": limits or {},
            "state": {"directory": str(directory / "state"), **(state or {})},
            **(root or {}),
        },
        directory,
    )


class Stage:
    """One agent's step over a scripted source."""

    def __init__(
        self, settings: Settings, source: ScriptedSource | None = None, clock: FixedClock | None = None
    ) -> None:
        self.settings = settings
        self.source = source or ScriptedSource()
        self.clock = clock or FixedClock(START_US)
        self.outcomes: list[Outcome] = []
        self._open()

    def _open(self) -> None:
        self.contexts = Contexts(self.settings)
        self.store = Store(self.settings.state.directory, durable=False)
        self.journal = open_journal(self.settings, self.contexts, self.store, self.clock)
        self.step = Step(
            self.settings,
            self.contexts,
            self.store,
            self.source,
            build_decoder(self.settings),
            self.clock,
            journal=self.journal,
        )

    def close(self) -> None:
        self.journal.close()
        self.store.close()

    def restart(self, settings: Settings | None = None) -> None:
        """As after a kill: what was not written is gone, state and log are opened again."""
        self.close()
        self.settings = settings or self.settings
        self.source.assign(self.source.logs)
        self._open()

    def run(self, *records: bytes | None, to: Partition | None = None) -> Stage:
        """Append records, and step until all of them have been read."""
        self.source.append(*records, to=to)
        self.turn()
        while not self.source.drained and not self.step.owned.held:
            self.turn()
        return self

    def settle(self, limit: int = 200) -> Stage:
        """Step until everything was read and nothing waits."""
        for _ in range(limit):
            self.turn()
            if self.source.drained and not self.step.pipeline.buffer.waiting:
                return self
        raise AssertionError("the source does not drain")

    def turn(self, times: int = 1) -> Outcome:
        for _ in range(times):
            self.outcomes.append(self.step.run(0.0))
        return self.outcomes[-1]

    def idle(self, minutes: float = 2.0) -> Stage:
        """Let the clock pass over partitions that stand at their end."""
        self.turn()
        self.clock.at_us += round(minutes * MINUTE_US)
        self.turn()
        return self

    def finish(self) -> Stage:
        """The source ends: every window closes."""
        self.source.finished = True
        while not self.step.finished:
            self.turn()
        return self

    def count(self, name: str, **labels: str) -> int:
        """A counter, summed over the labels that are not named."""
        return sum(value for found, value in self.step.pipeline.ledger.counter(name) if labels.items() <= found.items())

    def classes(self) -> tuple[int, int, int, int, int]:
        """received, accepted, rejected, duplicate, late."""
        names = ("received", "accepted", "rejected", "duplicate", "late")
        received, accepted, rejected, duplicate, late = (self.count(name) for name in names)
        return received, accepted, rejected, duplicate, late

    def outcomes_of_labels(self) -> Counter[str]:
        return Counter({f["outcome"]: v for f, v in self.step.pipeline.ledger.counter("labels") if v})

    def lines(self, metric: str | None = None, **fields: object) -> list[dict[str, Any]]:
        """What was measured and written, as ``measurements.jsonl`` has it; whole models only where they are asked for."""
        found = (json.loads(line) for line in measurement_lines(self.store.connection))
        return [
            one
            for one in found
            if one["version"] != ALL_VERSIONS or fields.get("version") == ALL_VERSIONS
            if metric in (None, one["metric"]) and all(one.get(name) == value for name, value in fields.items())
        ]

    def written(self) -> list[bytes]:
        """All lines of measurements and incidents, to compare byte for byte."""
        connection = self.store.connection
        return [*measurement_lines(connection), *incident_lines(connection, agent=False)]

    def volumes(self, **fields: object) -> dict[str, float]:
        """Events by start of the closed windows, as ``00:00``."""
        return {one["window_start"][11:16]: one["value"] for one in self.lines("volume", **fields)}

    def watermark_minute(self, *, labels: bool = False) -> float:
        clock = self.step.pipeline.ledger.clock(SYSTEM)
        return ((clock.label_watermark_us if labels else clock.watermark_us) - START_US) / MINUTE_US
