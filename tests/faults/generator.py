"""A seeded story: events and labels of one binary model whose ids and values are known beforehand.

Values that are summed lie on a grid of powers of two, so that any right sum is the same to the last bit.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

SYSTEM, MODEL, VERSION = "lending", "credit", "1"
PURPOSES = ("car", "home", "boat")
"""The last one is not declared in the settings: an unseen level."""
GROUPS = ("F", "M")
LATENESS = timedelta(minutes=10)
SENTINELS = 16
"""So many events of a later time move the frontier of any partition: the majority of its last 31."""
_GRID = 64

Hands = list[list[bytes | None]]
"""Records by partition; ``None`` is a tombstone."""


@dataclass(frozen=True)
class Rows:
    """What was drawn, arrays of shape (n,), by time.

    Attributes:
        at_us: event times in microseconds since 1970.
        x: NaN where none is sent.
        purpose: index into PURPOSES, -1 where none is sent.
        group: index into GROUPS.
        score: probability of "yes"; ``predicted`` is "yes" from one half on.
        labelled, label_at_us: whether a label comes, and its own time.
        latency_ms: of the answer.
    """

    at_us: NDArray[np.int64]
    x: NDArray[np.float64]
    purpose: NDArray[np.int64]
    group: NDArray[np.int64]
    score: NDArray[np.float64]
    truth: NDArray[np.bool_]
    labelled: NDArray[np.bool_]
    label_at_us: NDArray[np.int64]
    latency_ms: NDArray[np.float64]

    @property
    def predicted(self) -> NDArray[np.bool_]:
        return self.score >= 0.5


@dataclass(frozen=True)
class Story:
    """Events spread over so many windows, a label for most of them within one and a half windows.

    Attributes:
        events: how many.
        window: length of a window; labels may come until ``horizon`` (two windows) after its end.
        prefix: of the event ids; event ``n`` is ``prefix + n``, its label ``label-prefix + n``.
        padding: bytes of an undeclared field, to make records larger.
    """

    seed: int = 1
    events: int = 2000
    windows: int = 4
    window: timedelta = timedelta(hours=1)
    start: datetime = datetime(2026, 1, 1, tzinfo=UTC)
    lateness: timedelta = LATENESS
    prefix: str = "e"
    padding: int = 0

    @property
    def horizon(self) -> timedelta:
        return 2 * self.window

    @property
    def end(self) -> datetime:
        return self.start + self.windows * self.window

    @property
    def sentinel_at(self) -> datetime:
        """Event time that lets every window and every horizon of the story pass."""
        return self.end + self.horizon + self.window + self.lateness

    @property
    def closed_at(self) -> datetime:
        """How far the watermark comes with the sentinels."""
        return self.sentinel_at - self.lateness

    @cached_property
    def rows(self) -> Rows:
        chance, n = np.random.default_rng(self.seed), self.events
        score = chance.integers(1, _GRID, n) / _GRID
        at_us = micros(self.start) + np.sort(chance.integers(0, micros(self.end) - micros(self.start), n))
        return Rows(
            at_us=at_us,
            x=np.where(chance.random(n) < 0.05, np.nan, chance.integers(-200, 200, n) / _GRID),
            purpose=np.where(chance.random(n) < 0.05, -1, chance.choice(len(PURPOSES), n, p=(0.5, 0.4, 0.1))),
            group=chance.integers(0, len(GROUPS), n),
            score=score,
            truth=chance.random(n) < score,
            labelled=chance.random(n) < 0.9,
            label_at_us=at_us + chance.integers(1, int(1.5 * self.window / timedelta(microseconds=1)), n),
            latency_ms=chance.integers(1, 800, n) / 8,
        )

    def event(self, number: int, **changes: object) -> bytes:
        """One event as its producer sends it."""
        rows = self.rows
        features: dict[str, Any] = {}
        if not np.isnan(rows.x[number]):
            features["x"] = float(rows.x[number])
        if rows.purpose[number] >= 0:
            features["purpose"] = PURPOSES[rows.purpose[number]]
        body = {
            "schema_version": "1",
            "event_type": "inference",
            "event_id": f"{self.prefix}{number}",
            "occurred_at": iso(int(rows.at_us[number])),
            "system_id": SYSTEM,
            "model": {"name": MODEL, "version": VERSION},
            "features": features,
            "prediction": "yes" if rows.predicted[number] else "no",
            "score": float(rows.score[number]),
            "protected": {"sex": GROUPS[rows.group[number]]},
            "latency_ms": float(rows.latency_ms[number]),
            **({"padding": "x" * self.padding} if self.padding else {}),
            **changes,
        }
        return json.dumps(body).encode()

    def label(self, number: int) -> bytes:
        """Its label."""
        body = {
            "schema_version": "1",
            "event_type": "label",
            "event_id": f"label-{self.prefix}{number}",
            "ref_event_id": f"{self.prefix}{number}",
            "occurred_at": iso(int(self.rows.label_at_us[number])),
            "label": "yes" if self.rows.truth[number] else "no",
        }
        return json.dumps(body).encode()

    @cached_property
    def timed(self) -> list[tuple[int, bytes]]:
        """(time in microseconds, record) of all events and labels, by time; a label never before its event."""
        rows = self.rows
        events = [(int(at), 0, n) for n, at in enumerate(rows.at_us)]
        labels = [(int(rows.label_at_us[n]), 1, int(n)) for n in np.flatnonzero(rows.labelled)]
        return [(at, self.label(n) if late else self.event(n)) for at, late, n in sorted(events + labels)]

    @property
    def records(self) -> list[bytes]:
        """All events and labels, by time."""
        return [record for _, record in self.timed]

    def disordered(self, seed: int) -> list[bytes]:
        """The same, none later than another by more than half of the lateness."""
        chance = np.random.default_rng(seed)
        half = int(self.lateness / timedelta(microseconds=2))
        keyed = [(at + int(chance.integers(0, half)), n, record) for n, (at, record) in enumerate(self.timed)]
        return [record for _, _, record in sorted(keyed)]

    def sentinels(self, partitions: int) -> Hands:
        """Per partition the events that let all windows before them close."""
        late = Story(seed=self.seed, events=SENTINELS * partitions, prefix="sentinel-")
        at = iso(micros(self.sentinel_at))
        records: list[bytes | None] = [late.event(number, occurred_at=at) for number in range(late.events)]
        return [records[number::partitions] for number in range(partitions)]

    def settings(self, **model: object) -> dict[str, object]:
        """Settings of its system but for source, state and listen; ``model`` changes the model's."""
        whole: dict[str, object] = {
            "name": MODEL,
            "task": "binary",
            "classes": ["no", "yes"],
            "positive": "yes",
            "scored": True,
            "columns": {
                "x": {"type": "number", "median": 0.0, "iqr": 1.0},
                "purpose": {"type": "category", "levels": list(PURPOSES[:-1])},
            },
            "protected": {"sex": list(GROUPS)},
            "labels": {"horizon": f"{int(self.horizon.total_seconds())}s"},
            "window": {"length": f"{int(self.window.total_seconds())}s"},
            **model,
        }
        system = {"id": SYSTEM, "owner": "credit team", "purpose": "decide on credit", "models": [whole]}
        return {"systems": [{**system, "lateness": f"{int(self.lateness.total_seconds())}s"}]}


def dealt(records: Sequence[bytes], partitions: int, seed: int) -> Hands:
    """The records dealt to so many partitions at random, each in order."""
    places = np.random.default_rng(seed).integers(0, partitions, len(records))
    return [[records[n] for n in np.flatnonzero(places == part)] for part in range(partitions)]


def part_of(hands: Hands, begin: float, end: float) -> Hands:
    """The records of each partition between two fractions of it."""
    return [hand[int(len(hand) * begin) : int(len(hand) * end)] for hand in hands]


def micros(at: datetime) -> int:
    """Microseconds since 1970."""
    return (at - datetime.fromtimestamp(0, at.tzinfo)) // timedelta(microseconds=1)


def iso(at_us: int) -> str:
    """Time as events write it."""
    return (datetime.fromtimestamp(0, UTC) + timedelta(microseconds=at_us)).isoformat().replace("+00:00", "Z")
