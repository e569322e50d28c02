"""Small layouts and batches for the tests of this room."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from detectors.columns import Inferences, ModelKey
from detectors.layout import CategoricalColumn, GroupSet, Layout, NumericColumn, Role, Task, uniform_score_edges

MODEL = ModelKey("credit-scoring", "credit", "3.1")


def number(name: str = "income", edges: Sequence[float] = (0.0, 1.0, 2.0, 3.0), **more: object) -> NumericColumn:
    return NumericColumn(
        name=name,
        edges=tuple(edges),
        **{"role": Role.FEATURE, "centre": 1.5, "scale": 1.0, **more},  # type: ignore[arg-type]
    )


def category(name: str = "purpose", levels: Sequence[str] = ("car", "home"), **more: object) -> CategoricalColumn:
    return CategoricalColumn(name=name, levels=tuple(levels), **{"role": Role.FEATURE, **more})  # type: ignore[arg-type]


SCORE = number("score", uniform_score_edges(), role=Role.SCORE, centre=0.5, scale=0.25)


def binary_layout(**more: object) -> Layout:
    fields = {
        "task": Task.BINARY,
        "numeric": (number(), SCORE),
        "categorical": (category(), category("prediction", ("yes", "no"), role=Role.PREDICTION, closed=True)),
        "classes": ("no", "yes"),
        "positive": "yes",
        "scored": True,
        "score_edges": uniform_score_edges(),
        "groups": (GroupSet(attributes=("sex",), groups=(("F",), ("M",))),),
    }
    return Layout(**{**fields, **more})  # type: ignore[arg-type]


def feature_layout(*columns: NumericColumn | CategoricalColumn) -> Layout:
    """A regression's layout with these columns only."""
    return Layout(
        task=Task.REGRESSION,
        numeric=tuple(column for column in columns if isinstance(column, NumericColumn)),
        categorical=tuple(column for column in columns if isinstance(column, CategoricalColumn)),
    )


def batch(size: int, values: dict[str, Sequence[object]], ids: Sequence[str] | None = None) -> Inferences:
    return Inferences(
        ids=ids or [f"event-{i}" for i in range(size)],
        occurred_us=np.arange(size, dtype=np.int64),
        models=(MODEL,),
        model_of=np.zeros(size, dtype=np.int32),
        partition=np.zeros(size, dtype=np.int32),
        offset=np.arange(size, dtype=np.int64),
        values=values,
    )
