"""From read rows to the columns of inference, label and oversight events, and the flaws of those that cannot be placed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agent.decoders.envelope import (
    Columns,
    Flaws,
    Outer,
    addresses,
    check_actions,
    check_labels,
    check_schema,
    fill_from_outer,
    model_keys,
    texts,
    times,
    without,
)
from agent.decoders.shape import Shape
from agent.decoders.times import NO_TIME, read_times
from detectors.columns import Inferences, Labels, ModelKey, Oversights

NOT_GIVEN = -1
_PLAIN_VALUES = ("prediction", "score", "scores", "label", "latency_ms", "status", "subject_ref")


@dataclass(frozen=True, slots=True)
class Rows:
    """Records that were read in one shape.

    Attributes:
        columns: the values of every field, n each.
        offsets, partition: (n,), where each was read.
        outer: envelopes around them, by row.
    """

    shape: Shape
    columns: Columns
    offsets: NDArray[np.int64]
    partition: NDArray[np.int32]
    outer: Mapping[int, Outer]

    def __len__(self) -> int:
        return len(self.offsets)


def build_inferences(
    rows: Rows, value_names: Sequence[str], known: frozenset[tuple[str, str]]
) -> tuple[Inferences, Flaws]:
    """Inference events; every name of ``value_names`` has a column, of ``None`` where the shape does not carry it."""
    flaws = Flaws()
    columns = dict(rows.columns)
    check_schema(columns, flaws)
    fill_from_outer(columns, rows.outer)
    ids = texts(columns["event_id"], "event_id", flaws)
    occurred = times(columns, rows.shape.time, rows.outer, flaws)
    models, model_of = model_keys(columns, known, flaws)
    size = len(rows)
    keep, take = _kept(flaws, size), without(flaws, size)
    if flaws.by_row:
        models, model_of = _used(models, model_of, keep)
    nothing: Sequence[Any] = [None] * (size - len(flaws.by_row))
    values = {name: take(columns[name]) if name in columns else nothing for name in value_names}
    return Inferences(
        ids=take(ids),
        occurred_us=occurred[keep],
        models=models,
        model_of=model_of[keep],
        partition=rows.partition[keep],
        offset=rows.offsets[keep],
        values=values,
    ), flaws


def build_labels(rows: Rows, known: frozenset[tuple[str, str]]) -> tuple[Labels, Flaws]:
    """Label events."""
    flaws = Flaws()
    columns = dict(rows.columns)
    size = len(rows)
    check_schema(columns, flaws)
    fill_from_outer(columns, rows.outer)
    ids = texts(columns["event_id"], "event_id", flaws)
    ref_ids = texts(columns["ref_event_id"], "ref_event_id", flaws)
    occurred = times(columns, rows.shape.time, rows.outer, flaws)
    check_labels(columns["label"], flaws)
    addressed = addresses(columns, size, known, flaws)
    keep, take = _kept(flaws, size), without(flaws, size)
    return Labels(
        ids=take(ids),
        ref_ids=take(ref_ids),
        occurred_us=occurred[keep],
        ref_occurred_us=_ref_times(columns.get("ref_occurred_at"), rows)[keep],
        labels=take(columns["label"]),
        addressed=take(addressed),
        partition=rows.partition[keep],
        offset=rows.offsets[keep],
    ), flaws


def build_oversights(rows: Rows) -> tuple[Oversights, Flaws]:
    """Oversight events."""
    flaws = Flaws()
    columns = dict(rows.columns)
    size = len(rows)
    check_schema(columns, flaws)
    fill_from_outer(columns, rows.outer)
    ids, ref_ids, _ = (texts(columns[name], name, flaws) for name in ("event_id", "ref_event_id", "actor_ref"))
    occurred = times(columns, rows.shape.time, rows.outer, flaws)
    check_actions(columns["action"], flaws)
    keep, take = _kept(flaws, size), without(flaws, size)
    return Oversights(
        ids=take(ids),
        ref_ids=take(ref_ids),
        actions=take(columns["action"]),
        occurred_us=occurred[keep],
        partition=rows.partition[keep],
        offset=rows.offsets[keep],
    ), flaws


def value_names(features: Sequence[str], protected: Sequence[str], segment: Sequence[str]) -> tuple[str, ...]:
    """All names of ``Inferences.values``."""
    return (
        *(f"features.{name}" for name in features),
        *(f"protected.{name}" for name in protected),
        *(f"segment.{name}" for name in segment),
        *_PLAIN_VALUES,
    )


def _used(
    models: tuple[ModelKey, ...], model_of: NDArray[np.int32], keep: NDArray[np.bool_]
) -> tuple[tuple[ModelKey, ...], NDArray[np.int32]]:
    """Only the models that kept rows are of."""
    used = np.unique(model_of[keep])
    position = np.full(len(models) + 1, -1, dtype=np.int32)  # the last takes the -1 of rows without a model
    position[used] = np.arange(len(used), dtype=np.int32)
    return tuple(models[i] for i in used.tolist()), position[model_of]


def _kept(flaws: Flaws, size: int) -> NDArray[np.bool_]:
    keep = np.ones(size, dtype=bool)
    keep[list(flaws.by_row)] = False
    return keep


def _ref_times(values: Sequence[Any] | None, rows: Rows) -> NDArray[np.int64]:
    """Times of the predictions; one that cannot be read counts as not given."""
    if values is None:
        return np.full(len(rows), NOT_GIVEN, dtype=np.int64)
    result = read_times(values, rows.shape.time)
    result[result == NO_TIME] = NOT_GIVEN
    return result
