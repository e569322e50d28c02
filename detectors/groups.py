"""Tallies of predictions and labels by protected group.

Group sets (protected attributes and declared intersections) lie one after the other on one axis of G codes; code 0 of each
set is "missing or not declared". The first axis is B sub-tables: 16 where events carry ``subject_ref`` (every interval is
then a jackknife), else one. K classes, C score cells.

    groups.predicted           (K + 1,)           predictions per class, index K is any other class; label coverage
    groups.predictions         (B, G, K + 1)      group x predicted class; (B, G, 1) for a regression
    group_outcomes.margins     (B, G, K + 1, 3)   labelled, predicted, hit per group and class: for any class taken as the
                                                  favourable one this gives the group x prediction x label cube
    group_outcomes.scores      (B, G, 2, C)       score cell x (not positive, positive), binary scored models
    group_outcomes.score_sums  (B, G, C, 2)       limbs: sum of the scores in the cell
    group_outcomes.rows        (B, G)             rows of a regression
    group_outcomes.errors      (B, G, 2)          limbs: (prediction - truth) / target_scale
    group_outcomes.squares     (B, G, 3)          limbs: its square
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from detectors import grid
from detectors.columns import Columns, Labelled
from detectors.layout import SUB_TABLES, Layout, Task
from detectors.outcomes import count_cells, count_margins, score_cell
from detectors.tables import AnyArray, Kind, Tables, TableSpec, make_tables


def group_offsets(layout: Layout) -> NDArray[np.intp]:
    """(P + 1,) first code of each group set on the axis of groups; the last is its length G."""
    return np.cumsum([0, *(group_set.codes for group_set in layout.groups)]).astype(np.intp)


class Groups:
    """Counts inferences by group and prediction."""

    name = "groups"
    counts: Literal["inferences"] = "inferences"

    def specs(self, layout: Layout) -> tuple[TableSpec, ...]:
        tables = []
        if layout.task is not Task.REGRESSION:
            tables.append(TableSpec("groups.predicted", Kind.COUNT, (len(layout.classes) + 1,)))
        if layout.groups:
            tables.append(TableSpec("groups.predictions", Kind.COUNT, (*_key_shape(layout), _prediction_codes(layout))))
        return tuple(tables)

    def count(self, batch: Columns, layout: Layout) -> Tables:
        rows = np.flatnonzero(~np.isnan(batch.prediction))
        codes = _prediction_codes(layout)
        code = batch.prediction[rows].astype(np.intp) if codes > 1 else np.zeros(len(rows), dtype=np.intp)
        arrays: dict[str, AnyArray] = {"groups.predicted": np.bincount(code, minlength=codes)}
        if layout.groups:
            key = _keys(batch.groups[:, rows], batch.bucket[rows], layout)
            shape = (*_key_shape(layout), codes)
            arrays["groups.predictions"] = count_cells((key * codes + code).ravel(), shape)
        return make_tables((spec, arrays[spec.name]) for spec in self.specs(layout))


class GroupOutcomes:
    """Counts labelled predictions by group; everything in it can be taken back."""

    name = "group_outcomes"
    counts: Literal["labelled"] = "labelled"

    def specs(self, layout: Layout) -> tuple[TableSpec, ...]:
        if not layout.groups:
            return ()
        shape = _key_shape(layout)
        if layout.task is Task.REGRESSION:
            return (
                TableSpec("group_outcomes.rows", Kind.COUNT, shape),
                TableSpec("group_outcomes.errors", Kind.LIMBS, (*shape, 2)),
                TableSpec("group_outcomes.squares", Kind.LIMBS, (*shape, 3)),
            )
        margins = TableSpec("group_outcomes.margins", Kind.COUNT, (*shape, len(layout.classes) + 1, 3))
        if layout.task is not Task.BINARY or not layout.scored:
            return (margins,)
        cells = len(layout.score_edges) - 1
        return (
            margins,
            TableSpec("group_outcomes.scores", Kind.COUNT, (*shape, 2, cells)),
            TableSpec("group_outcomes.score_sums", Kind.LIMBS, (*shape, cells, 2)),
        )

    def count(self, batch: Labelled, layout: Layout) -> Tables:
        if not layout.groups:
            return make_tables(())
        arrays = _count_errors(batch, layout) if layout.task is Task.REGRESSION else _count_outcomes(batch, layout)
        return make_tables((spec, arrays[spec.name]) for spec in self.specs(layout))


def _prediction_codes(layout: Layout) -> int:
    return 1 if layout.task is Task.REGRESSION else len(layout.classes) + 1


def _key_shape(layout: Layout) -> tuple[int, int]:
    return (SUB_TABLES if layout.subjects else 1, int(group_offsets(layout)[-1]))


def _keys(groups: NDArray[np.int16], bucket: NDArray[np.uint8], layout: Layout) -> NDArray[np.intp]:
    """(P, n) index into the flattened (B, G) axes."""
    offsets = group_offsets(layout)
    key = groups.astype(np.intp) + offsets[:-1, None]
    return key + bucket.astype(np.intp) * offsets[-1] if layout.subjects else key


def _count_outcomes(batch: Labelled, layout: Layout) -> dict[str, AnyArray]:
    shape, codes = _key_shape(layout), len(layout.classes) + 1
    key = _keys(batch.groups, batch.bucket, layout)
    sets = len(layout.groups)
    truth, prediction = (np.tile(column.astype(np.intp), sets) for column in (batch.truth, batch.prediction))
    margins = count_margins(key.ravel(), truth, prediction, shape[0] * shape[1], codes)
    arrays: dict[str, AnyArray] = {"group_outcomes.margins": margins.reshape(*shape, codes, 3)}
    if layout.task is Task.BINARY and layout.scored:
        arrays |= _count_scores(batch, layout)
    return arrays


def _count_scores(batch: Labelled, layout: Layout) -> dict[str, AnyArray]:
    rows = np.flatnonzero(np.isfinite(batch.scores[0]))
    score, positive = batch.scores[0, rows], batch.truth[rows] == layout.positive_code
    edges = np.array(layout.score_edges)
    cells, shape = len(edges) - 1, _key_shape(layout)
    key = _keys(batch.groups[:, rows], batch.bucket[rows], layout)
    cell = score_cell(score, edges)
    k = np.tile(grid.quantise(score, 0.0, 1.0)[0], len(layout.groups))
    sums = grid.sum_by_cell(k, (key * cells + cell).ravel(), shape[0] * shape[1] * cells)
    counts = count_cells(((key * 2 + positive) * cells + cell).ravel(), (*shape, 2, cells))
    return {"group_outcomes.scores": counts, "group_outcomes.score_sums": sums.reshape(*shape, cells, 2)}


def _count_errors(batch: Labelled, layout: Layout) -> dict[str, AnyArray]:
    shape = _key_shape(layout)
    keys = shape[0] * shape[1]
    key = _keys(batch.groups, batch.bucket, layout).ravel()
    k = np.tile(grid.quantise(batch.prediction - batch.truth, 0.0, layout.target_scale)[0], len(layout.groups))
    return {
        "group_outcomes.rows": count_cells(key, shape),
        "group_outcomes.errors": grid.sum_by_cell(k, key, keys).reshape(*shape, 2),
        "group_outcomes.squares": grid.square_by_cell(k, key, keys).reshape(*shape, 3),
    }
