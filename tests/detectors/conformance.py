"""Models of the three tasks with rows, for the suite that every listed detector meets."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detectors.columns import Columns, Labelled
from detectors.encode import encode
from detectors.layout import GroupSet, Layout, Role, Task, uniform_score_edges
from tests.detectors.events import SCORE, batch, binary_layout, category, number

CLASSES = ("a", "b", "c")
SEX = GroupSet(attributes=("sex",), groups=(("F",), ("M",)))


@dataclass(frozen=True, slots=True)
class Rows:
    """Events of one model as tallies see them."""

    columns: Columns
    labelled: Labelled

    def __len__(self) -> int:
        return len(self.columns)

    def take(self, rows: NDArray[np.intp]) -> Rows:
        """Some of the events, in another order."""
        c, p = self.columns, self.labelled
        return Rows(
            Columns(
                numeric=c.numeric[:, rows], flaws=c.flaws[:, rows], codes=c.codes[:, rows], unseen=c.unseen,
                prediction=c.prediction[rows], scores=c.scores[:, rows], groups=c.groups[:, rows], bucket=c.bucket[rows],
                truth=c.truth[rows], latency_ms=c.latency_ms[rows], failed=c.failed[rows],
            ),
            Labelled(p.truth[rows], p.prediction[rows], p.scores[:, rows], p.groups[:, rows], p.bucket[rows]),
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Model:
    """A layout, and rows for it by seed and number."""

    layout: Layout
    draw: Callable[[int, int], dict[str, list[object]]]

    def rows(self, seed: int, n: int) -> Rows:
        values = self.draw(seed, n)
        columns = encode(batch(n, values), None, self.layout)
        return Rows(
            columns, Labelled(columns.truth, columns.prediction, columns.scores, columns.groups, columns.bucket)
        )


def _features(random: np.random.Generator, n: int) -> dict[str, list[object]]:
    """Two columns with flaws in them, groups, and latencies."""
    income: list[object] = random.normal(1.5, 0.8, n).round(3).tolist()
    purpose: list[object] = random.choice(["car", "home", "boat"], n, p=[0.6, 0.38, 0.02]).tolist()
    for column, flaw in ((income, None), (income, "much"), (purpose, None), (purpose, [])):
        for row in random.integers(0, n, n // 40):
            column[row] = flaw
    return {
        "features.income": income,
        "features.purpose": purpose,
        "protected.sex": random.choice(["F", "M", "?"], n, p=[0.45, 0.5, 0.05]).tolist(),
        "latency_ms": random.lognormal(2.0, 0.5, n).tolist(),
        "status": random.choice(["ok", "error"], n, p=[0.97, 0.03]).tolist(),
    }


def _binary(seed: int, n: int) -> dict[str, list[object]]:
    random = np.random.default_rng(seed)
    truth = random.random(n) < 0.3
    score = 1 / (1 + np.exp(-(random.normal(size=n) + 1.5 * truth - 1.0)))
    return {
        **_features(random, n),
        "score": score.tolist(),
        "prediction": ["yes" if one > 0.5 else "no" for one in score],
        "label": ["yes" if one else "no" for one in truth],
    }


def _multiclass(seed: int, n: int) -> dict[str, list[object]]:
    random = np.random.default_rng(seed)
    truth = random.integers(0, 3, n)
    logits = random.normal(size=(n, 3)) + 1.5 * (np.arange(3) == truth[:, None])
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return {
        **_features(random, n),
        "scores": [dict(zip(CLASSES, row, strict=True)) for row in shares.tolist()],
        "prediction": [CLASSES[code] for code in shares.argmax(axis=1)],
        "label": [CLASSES[code] for code in truth],
    }


def _regression(seed: int, n: int) -> dict[str, list[object]]:
    random = np.random.default_rng(seed)
    truth = random.normal(50.0, 10.0, n)
    return {
        **_features(random, n),
        "prediction": (truth + random.normal(0.5, 2.0, n)).tolist(),
        "label": truth.tolist(),
    }


MODELS = {
    Task.BINARY: Model(binary_layout(groups=(SEX,)), _binary),
    Task.MULTICLASS: Model(
        Layout(
            task=Task.MULTICLASS, numeric=(number(), SCORE), classes=CLASSES, scored=True, groups=(SEX,),
            categorical=(category(), category("prediction", CLASSES, role=Role.PREDICTION, closed=True)),
            score_edges=uniform_score_edges(),
        ),
        _multiclass,
    ),
    Task.REGRESSION: Model(
        Layout(
            task=Task.REGRESSION, categorical=(category(),), groups=(SEX,),
            numeric=(number(), number("prediction", (20.0, 50.0, 80.0), role=Role.PREDICTION, centre=50.0, scale=16.0)),
            error_edges=tuple(np.linspace(0.0, 20.0, 65).tolist()), target_centre=50.0, target_scale=8.0,
        ),
        _regression,
    ),
}  # fmt: skip
