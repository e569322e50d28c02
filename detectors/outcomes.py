"""Tally of predictions joined with their labels.

Tables, with K classes, S scores per event (one for binary, K for multi-class) and C score cells; the first axis of all of
them is the 16 sub-tables of the jackknife:

    outcomes.confusion         (16, K + 1, K + 1)  label x prediction, index K is any other class; up to 32 classes
    outcomes.margins           (16, K + 1, 3)      labelled, predicted, hit per class; above 32 classes
    outcomes.scores            (16, S, 2, C)       score cell x (not this class, this class); up to 32 classes
    outcomes.score_sums        (16, S, C, 2)       limbs: sum of the scores in the cell
    outcomes.losses            (16,)               rows with a log-loss: all scores given, label among the classes
    outcomes.log_loss(_squares), outcomes.brier(_squares)   limbs of the sums

A regression has the tables of error_sums.py instead.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from detectors import error_sums, grid
from detectors.columns import Labelled
from detectors.layout import MAX_CONFUSION_CLASSES, SUB_TABLES, Layout, Task
from detectors.tables import AnyArray, Kind, Tables, TableSpec, make_tables

MIN_PROBABILITY = float(np.finfo(np.float64).eps)
"""A probability is clipped to [eps, 1 - eps] before its logarithm, as scikit-learn's log_loss does."""

LABELLED, PREDICTED, HIT = 0, 1, 2


class Outcomes:
    """Counts labelled predictions; everything in it can be taken back, for labels that are replaced."""

    name = "outcomes"
    counts: Literal["labelled"] = "labelled"

    def specs(self, layout: Layout) -> tuple[TableSpec, ...]:
        if layout.task is Task.REGRESSION:
            return error_sums.specs(self.name, layout)
        return (_class_spec(layout), *_cell_specs(layout), *_loss_specs(layout))

    def count(self, batch: Labelled, layout: Layout) -> Tables:
        if layout.task is Task.REGRESSION:
            return error_sums.count(self.name, batch, layout)
        arrays = _count_classes(batch, layout) | _count_scores(batch, layout)
        return make_tables((spec, arrays[spec.name]) for spec in self.specs(layout))


def _class_spec(layout: Layout) -> TableSpec:
    codes = len(layout.classes) + 1
    if len(layout.classes) <= MAX_CONFUSION_CLASSES:
        return TableSpec("outcomes.confusion", Kind.COUNT, (SUB_TABLES, codes, codes))
    return TableSpec("outcomes.margins", Kind.COUNT, (SUB_TABLES, codes, 3))


def _cell_specs(layout: Layout) -> tuple[TableSpec, ...]:
    if not layout.scored or len(layout.classes) > MAX_CONFUSION_CLASSES:
        return ()
    scores, cells = layout.score_count, len(layout.score_edges) - 1
    return (
        TableSpec("outcomes.scores", Kind.COUNT, (SUB_TABLES, scores, 2, cells)),
        TableSpec("outcomes.score_sums", Kind.LIMBS, (SUB_TABLES, scores, cells, 2)),
    )


def _loss_specs(layout: Layout) -> tuple[TableSpec, ...]:
    if not layout.scored:
        return ()
    return (
        TableSpec("outcomes.losses", Kind.COUNT, (SUB_TABLES,)),
        TableSpec("outcomes.log_loss", Kind.LIMBS, (SUB_TABLES, 2)),
        TableSpec("outcomes.log_loss_squares", Kind.LIMBS, (SUB_TABLES, 3)),
        TableSpec("outcomes.brier", Kind.LIMBS, (SUB_TABLES, 2)),
        TableSpec("outcomes.brier_squares", Kind.LIMBS, (SUB_TABLES, 3)),
    )


def _count_classes(batch: Labelled, layout: Layout) -> dict[str, AnyArray]:
    bucket = batch.bucket.astype(np.intp)
    truth, prediction = batch.truth.astype(np.intp), batch.prediction.astype(np.intp)
    codes = len(layout.classes) + 1
    if codes - 1 <= MAX_CONFUSION_CLASSES:
        cell = (bucket * codes + truth) * codes + prediction
        return {"outcomes.confusion": count_cells(cell, (SUB_TABLES, codes, codes))}
    return {"outcomes.margins": count_margins(bucket, truth, prediction, SUB_TABLES, codes)}


def count_margins(
    key: NDArray[np.intp], truth: NDArray[np.intp], prediction: NDArray[np.intp], keys: int, codes: int
) -> NDArray[np.int64]:
    """Labelled, predicted and hit counts per key and class, (keys, codes, 3).

    The last code is any class that is not declared: two of those need not be the same, so they are never a hit.
    """
    margins = np.empty((keys, codes, 3), dtype=np.int64)
    hit = (truth == prediction) & (truth < codes - 1)
    margins[..., LABELLED] = count_cells(key * codes + truth, (keys, codes))
    margins[..., PREDICTED] = count_cells(key * codes + prediction, (keys, codes))
    margins[..., HIT] = count_cells((key * codes + truth)[hit], (keys, codes))
    return margins


def _count_scores(batch: Labelled, layout: Layout) -> dict[str, AnyArray]:
    if not layout.scored:
        return {}
    rows = np.flatnonzero(np.isfinite(batch.scores).all(axis=0))
    scores, truth = batch.scores[:, rows], batch.truth[rows].astype(np.intp)
    bucket = batch.bucket[rows].astype(np.intp)
    classes = np.array([layout.positive_code]) if layout.task is Task.BINARY else np.arange(len(layout.classes))
    is_class = truth == classes[:, None]
    losses = _count_losses(scores, is_class, bucket)
    if len(layout.classes) > MAX_CONFUSION_CLASSES:
        return losses
    return losses | _count_score_cells(scores, is_class, bucket, np.array(layout.score_edges))


def score_cell(scores: NDArray[np.float64], edges: NDArray[np.float64]) -> NDArray[np.intp]:
    """Index of [edges[i], edges[i + 1]) for each score; scores beyond an end belong to the end's cell."""
    return np.clip(np.searchsorted(edges, scores, side="right") - 1, 0, len(edges) - 2)


def _count_score_cells(
    scores: NDArray[np.float64], is_class: NDArray[np.bool_], bucket: NDArray[np.intp], edges: NDArray[np.float64]
) -> dict[str, AnyArray]:
    count, cells = len(scores), len(edges) - 1
    cell = score_cell(scores, edges)
    row = bucket * count + np.arange(count)[:, None]
    k, _ = grid.quantise(scores, 0.0, 1.0)
    sums = grid.sum_by_cell(k.ravel(), (row * cells + cell).ravel(), SUB_TABLES * count * cells)
    return {
        "outcomes.scores": count_cells(((row * 2 + is_class) * cells + cell).ravel(), (SUB_TABLES, count, 2, cells)),
        "outcomes.score_sums": sums.reshape(SUB_TABLES, count, cells, 2),
    }


def _count_losses(
    scores: NDArray[np.float64], is_class: NDArray[np.bool_], bucket: NDArray[np.intp]
) -> dict[str, AnyArray]:
    """Log-loss -ln p(label) and Brier score per row: (p - y)^2 for binary, the sum over the classes for multi-class."""
    if len(scores) == 1:
        certainty = np.where(is_class[0], scores[0], 1.0 - scores[0])
        brier = np.square(scores[0] - is_class[0])
    else:
        known = is_class.any(axis=0)
        scores, is_class, bucket = scores[:, known], is_class[:, known], bucket[known]
        certainty = np.where(is_class, scores, 0.0).sum(axis=0)
        brier = np.square(scores - is_class).sum(axis=0)
    log_loss = -np.log(np.clip(certainty, MIN_PROBABILITY, 1.0 - MIN_PROBABILITY))
    tables: dict[str, AnyArray] = {"outcomes.losses": count_cells(bucket, (SUB_TABLES,))}
    for name, loss in (("log_loss", log_loss), ("brier", brier)):
        k, _ = grid.quantise(loss, 0.0, 1.0)
        tables[f"outcomes.{name}"] = grid.sum_by_cell(k, bucket, SUB_TABLES)
        tables[f"outcomes.{name}_squares"] = grid.square_by_cell(k, bucket, SUB_TABLES)
    return tables


def count_cells(cell: NDArray[np.intp], shape: tuple[int, ...]) -> NDArray[np.int64]:
    """How often each flat index of an array of this shape occurs."""
    return np.bincount(cell, minlength=int(np.prod(shape))).reshape(shape).astype(np.int64, copy=False)
