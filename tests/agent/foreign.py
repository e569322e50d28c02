"""Events of somebody else's system, in somebody else's JSON; and the rows behind them, as arrays for independent oracles."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

DAY_MS = 86_400_000
JOBS = ("clerk", "cook", "driver", "nurse", "smith", "teacher")

SETTINGS: dict[str, Any] = {
    "source": {"type": "files", "paths": ["events.jsonl"]},
    "mappings": [
        {
            "when": {"path": "$.kind", "equals": "scored"},
            "time": "ms",
            "constants": {"system_id": "loans", "model": "repay", "version": "7"},
            "fields": {
                "event_id": "$.request.id",
                "occurred_at": "$.request.at",
                "features": "$.request.inputs",
                "features.job": "$.context['job.title']",
                "prediction": "$.reply[0].label",
                "score": "$.reply[0].p",
                "protected.sex": "$.who.sex",
            },
        },
        {
            "when": {"path": "$.kind", "equals": "outcome"},
            "type": "label",
            "time": "ms",
            "fields": {"event_id": "$.id", "occurred_at": "$.at", "ref_event_id": "$.of", "label": "$.truth"},
        },
    ],
    "systems": [
        {
            "id": "loans",
            "owner": "credit",
            "purpose": "decide who gets a loan",
            "models": [
                {
                    "name": "repay",
                    "task": "binary",
                    "classes": ["default", "pay"],
                    "positive": "pay",
                    "columns": {"income": "number", "age": "number", "job": "category"},
                    "protected": {"sex": ["F", "M"]},
                    "labels": {"horizon": "2d"},
                }
            ],
        }
    ],
}


@dataclass(frozen=True)
class Rows:
    """What was drawn, (n,) each.

    Attributes:
        at_ms: event times, all of one day.
        income: NaN where none is sent; ``spoilt`` where text is sent instead.
        job: "" where none is sent.
        labelled: whether a label comes.
    """

    at_ms: NDArray[np.int64]
    income: NDArray[np.float64]
    spoilt: NDArray[np.bool_]
    age: NDArray[np.int64]
    job: NDArray[np.str_]
    sex: NDArray[np.str_]
    score: NDArray[np.float64]
    truth: NDArray[np.bool_]
    labelled: NDArray[np.bool_]

    @property
    def usable(self) -> NDArray[np.bool_]:
        """Rows with an income."""
        return ~np.isnan(self.income) & ~self.spoilt

    @property
    def prediction(self) -> NDArray[np.bool_]:
        return self.score >= 0.5

    def lines(self, prefix: str, seed: int) -> list[bytes]:
        """Events in the order of time, a label behind each, all shuffled within minutes."""
        chance = np.random.default_rng(seed)
        keyed: list[tuple[float, bytes]] = []
        for row in range(len(self.at_ms)):
            at = int(self.at_ms[row])
            keyed.append((at + chance.uniform(0, 300_000), json.dumps(self._event(row, prefix)).encode()))
            if self.labelled[row]:
                late = int(chance.integers(3_600_000, DAY_MS))
                keyed.append((at + late, json.dumps(self._label(row, prefix, late)).encode()))
        return [line for _, line in sorted(keyed)]

    def _event(self, row: int, prefix: str) -> dict[str, Any]:
        inputs: dict[str, Any] = {"age": int(self.age[row]), "income": float(self.income[row])}
        if np.isnan(self.income[row]):
            inputs["income"] = None
        if self.spoilt[row]:
            inputs["income"] = "n/a"
        return {
            "kind": "scored",
            "request": {"id": f"{prefix}{row}", "at": int(self.at_ms[row]), "inputs": inputs},
            "context": {"job.title": str(self.job[row])} if self.job[row] else {},
            "reply": [{"label": "pay" if self.prediction[row] else "default", "p": float(self.score[row])}],
            "who": {"sex": str(self.sex[row])},
        }

    def _label(self, row: int, prefix: str, late_ms: int) -> dict[str, Any]:
        at = int(self.at_ms[row]) + late_ms
        truth = "pay" if self.truth[row] else "default"
        return {"kind": "outcome", "id": f"o-{prefix}{row}", "of": f"{prefix}{row}", "at": at, "truth": truth}


def draw(n: int, seed: int, day: datetime, *, moved: bool = False) -> Rows:
    """Rows of one day; ``moved`` raises incomes, brings a job that nobody had, and makes the scores worse."""
    chance = np.random.default_rng(seed)
    start = int(day.replace(tzinfo=UTC).timestamp()) * 1000
    income = np.exp(chance.normal(10.1 if moved else 10.0, 0.6, n))
    income[chance.random(n) < 0.03] = np.nan
    job = chance.choice(JOBS, n, p=(0.3, 0.25, 0.2, 0.15, 0.07, 0.03)).astype("<U8")
    if moved:
        job[chance.random(n) < 0.02] = "poet"
    job[chance.random(n) < 0.01] = ""
    age = chance.integers(18, 80, n)
    sex = chance.choice(["F", "M", "X"], n, p=(0.45, 0.53, 0.02))
    lean = chance.normal(0.3, 1.2, n) + np.where(sex == "F", -0.15, 0.0)
    score = np.round(1 / (1 + np.exp(-lean)), 6)
    truth = chance.random(n) < 1 / (1 + np.exp(-lean * (0.7 if moved else 1.0)))
    return Rows(
        at_ms=start + np.sort(chance.integers(0, DAY_MS, n)),
        income=income,
        spoilt=chance.random(n) < 0.01,
        age=age,
        job=job,
        sex=sex,
        score=score,
        truth=truth,
        labelled=chance.random(n) < 0.9,
    )
