"""Rows as a data frame, and what its columns mean to Evidently. Only the report's own process imports this."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from agent.reports.levels import harmless, names_of_levels
from agent.reports.sample import Table
from config.settings import Model

PREDICTION, LABEL, SCORE = "prediction", "label", "score"


@dataclass(frozen=True, slots=True)
class Frames:
    """Window and reference under the same names.

    Attributes:
        numbers, categories: columns that are compared; the frames have ``label`` beside them.
    """

    window: Any
    reference: Any
    numbers: list[str]
    categories: list[str]


def frames_of(model: Model, window: Table, reference: Table, reveal: Collection[str] | None) -> Frames:
    """Frames of both; columns that neither has a value of are left out.

    Args:
        reveal: columns whose levels are shown; ``None`` for all. Classes are declared and always shown.
    """
    numbers = [f"features.{name}" for name, column in model.enabled_columns().items() if column.type == "number"]
    texts = [f"features.{name}" for name, column in model.enabled_columns().items() if column.type == "category"]
    texts += [f"protected.{name}" for name in model.protected]
    numbers += [SCORE] if model.task == "binary" else []
    numbers, texts = ([*numbers, PREDICTION], texts) if model.task == "regression" else (numbers, [*texts, PREDICTION])
    tables = (window, reference)
    numbers = [name for name in numbers if any(np.isfinite(_floats(table, name)).any() for table in tables)]
    texts = [name for name in texts if any(_some(table, name) for table in tables)]
    columns: tuple[dict[str, Any], dict[str, Any]] = ({}, {})
    for name in [*numbers, *([LABEL] if model.task == "regression" else [])]:
        for table, frame in zip(tables, columns, strict=True):
            frame[harmless(name)] = _floats(table, name)
    for name in texts if model.task == "regression" else [*texts, LABEL]:
        plain = name.partition(".")[2] or name
        is_revealed = reveal is None or name in (PREDICTION, LABEL) or plain in reveal or name in reveal
        called = names_of_levels([list(table[name]) for table in tables], is_revealed=is_revealed)
        for table, frame in zip(tables, columns, strict=True):
            frame[harmless(name)] = np.array([called.get(value) for value in table[name]], dtype=object)
    frames = [pd.DataFrame(frame) for frame in columns]
    return Frames(frames[0], frames[1], [harmless(name) for name in numbers], [harmless(name) for name in texts])


def labelled(frame: Any) -> Any:
    """The rows that have both an answer and a label."""
    return frame[frame[LABEL].notna() & frame[PREDICTION].notna()].reset_index(drop=True)


def _floats(table: Table, name: str) -> Any:
    return np.asarray(table[name], dtype=float)


def _some(table: Table, name: str) -> bool:
    return any(value is not None for value in table[name])
