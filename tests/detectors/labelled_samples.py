"""Seeded rows of labelled models, and their tables."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detectors.columns import Columns, Labelled
from detectors.family import Frame
from detectors.groups import GroupOutcomes, Groups
from detectors.layout import GroupSet, Layout, Task, uniform_score_edges
from detectors.measurement import Measurement, Stage
from detectors.outcomes import Outcomes
from detectors.tables import Tables, total

SEX = GroupSet(attributes=("sex",), groups=(("F",), ("M",), ("X",)))
AGE = GroupSet(attributes=("age",), groups=(("young",), ("old",)))


@dataclass(frozen=True)
class Sample:
    """Rows as columns: all of them predicted, all of them labelled."""

    layout: Layout
    labelled: Labelled

    @property
    def columns(self) -> Columns:
        rows, none = self.labelled, np.zeros((0, len(self.labelled)))
        nothing = np.full(len(rows), np.nan)
        return Columns(
            none,
            none.astype(np.uint8),
            none.astype(np.int32),
            (),
            rows.prediction,
            rows.scores,
            rows.groups,
            rows.bucket,
            rows.truth,
            nothing,
            np.zeros(len(rows), dtype=np.bool_),
        )

    @property
    def tables(self) -> Tables:
        counted = (Groups().count(self.columns, self.layout),)
        labels = tuple(tally.count(self.labelled, self.layout) for tally in (Outcomes(), GroupOutcomes()))
        return total((*counted, *labels))

    def take(self, rows: NDArray[np.intp] | slice) -> Sample:
        part = self.labelled
        return Sample(
            self.layout,
            Labelled(
                part.truth[rows], part.prediction[rows], part.scores[:, rows], part.groups[:, rows], part.bucket[rows]
            ),
        )


def binary_layout(**changes: object) -> Layout:
    values = {
        "task": Task.BINARY,
        "numeric": (),
        "categorical": (),
        "classes": ("no", "yes"),
        "positive": "yes",
        "scored": True,
        "score_edges": uniform_score_edges(),
        "groups": (SEX, AGE),
    }
    return Layout(**(values | changes))  # type: ignore[arg-type]


def binary_sample(seed: int, n: int, signal: float = 1.5, layout: Layout | None = None) -> Sample:
    """Logistic scores, three in ten positive, groups independent of everything."""
    layout = layout or binary_layout()
    random = np.random.default_rng(seed)
    truth = (random.random(n) < 0.3).astype(np.float64)
    score = 1 / (1 + np.exp(-(random.normal(size=n) + signal * truth - 1.2)))
    scores = score[None] if layout.scored else np.zeros((0, n))
    return Sample(layout, Labelled(truth, (score > 0.4).astype(np.float64), scores, *_keys(random, n, layout)))


def multiclass_sample(seed: int, n: int, classes: int = 4, scored: bool = True) -> Sample:
    """Labels of unequal shares; the prediction is the class of the highest score."""
    random = np.random.default_rng(seed)
    layout = Layout(
        task=Task.MULTICLASS,
        numeric=(),
        categorical=(),
        classes=tuple(f"c{i:02}" for i in range(classes)),
        scored=scored,
        score_edges=uniform_score_edges() if scored else (),
        groups=(SEX,),
    )
    shares = np.arange(1, classes + 1) / np.arange(1, classes + 1).sum()
    truth = random.choice(classes, n, p=shares)
    logits = random.normal(size=(classes, n)) + 1.2 * (np.arange(classes)[:, None] == truth)
    scores = np.exp(logits) / np.exp(logits).sum(axis=0)
    prediction = scores.argmax(axis=0).astype(np.float64)
    kept = scores if scored else np.zeros((0, n))
    return Sample(layout, Labelled(truth.astype(np.float64), prediction, kept, *_keys(random, n, layout)))


def regression_sample(seed: int, n: int, noise: float = 2.0) -> Sample:
    random = np.random.default_rng(seed)
    layout = Layout(
        task=Task.REGRESSION,
        numeric=(),
        categorical=(),
        error_edges=tuple(np.linspace(0.0, 20.0, 65)),
        target_centre=50.0,
        target_scale=8.0,
        groups=(SEX,),
    )
    truth = random.normal(50.0, 10.0, n)
    prediction = truth + random.normal(0.5, noise, n)
    return Sample(layout, Labelled(truth, prediction, np.zeros((0, n)), *_keys(random, n, layout)))


def _keys(random: np.random.Generator, n: int, layout: Layout) -> tuple[NDArray[np.int16], NDArray[np.uint8]]:
    groups = [random.integers(0, group_set.codes, n) for group_set in layout.groups]
    return np.array(groups, dtype=np.int16).reshape(-1, n), random.integers(0, 16, n).astype(np.uint8)


def frame(layout: Layout, reference: Tables | None = None, stage: Stage = Stage.LABELS, **changes: object) -> Frame:
    return Frame(layout=layout, reference=reference, z=3.0, stage=stage, **changes)  # type: ignore[arg-type]


def by_key(measurements: object) -> dict[tuple[str, str], Measurement]:
    found = list(measurements)  # type: ignore[call-overload]
    keyed = {(m.metric, m.subject): m for m in found}
    assert len(keyed) == len(found)
    return keyed
