"""Making a layout: from the rows of a reference, or, where there is none, from what the settings declare.

Without a reference a number with a declared range gets 32 uniform cells of it. A number without a range gets no edges: its
cells are missing, invalid and "any value", so completeness and type are watched and drift is not. The same holds for a
column of which the reference has no value.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from config.errors import LayoutError
from detectors.cutting import Floats, cut_edges, cut_errors, cut_levels, cut_scores, grid_of, power_of_two_near
from detectors.declaration import Declaration, DeclaredColumn
from detectors.layout import (
    NUMERIC_CELLS,
    CategoricalColumn,
    Layout,
    NumericColumn,
    Role,
    Task,
    uniform_score_edges,
)

PREDICTION = "prediction"
SCORE = "score"
IQR_OF_RANGE = 0.5
"""A uniform column's interquartile range is half of its range: the width assumed where only a range is declared."""
_ERROR_OCTAVES = 12
_NONE: Floats = np.empty(0)


@dataclass(frozen=True, slots=True)
class Sample:
    """The values of a reference's rows, column by column, for the cuts.

    Attributes:
        numbers: finite values by numeric feature; levels: rows per level by categorical feature.
        predicted: rows per predicted class; predictions: predicted values of a regression.
        scores: all scores pooled (one per event, or one per event and class); monitored_scores: one per event, of the
            positive or of the predicted class.
        truth: label values of a regression; errors: |label - prediction| where both are known.
    """

    numbers: Mapping[str, Floats] = field(default_factory=dict)
    levels: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    predicted: Mapping[str, int] = field(default_factory=dict)
    predictions: Floats = field(default_factory=_NONE.copy)
    scores: Floats = field(default_factory=_NONE.copy)
    monitored_scores: Floats = field(default_factory=_NONE.copy)
    truth: Floats = field(default_factory=_NONE.copy)
    errors: Floats = field(default_factory=_NONE.copy)


def build_layout(declaration: Declaration, sample: Sample) -> Layout:
    """The layout that a reference's rows fix.

    Raises:
        LayoutError: the declaration lacks the classes, or says that events are scored where no row is.
    """
    _check_classes(declaration)
    scored = _is_scored(declaration, sample)
    numeric = [_cut_number(column, sample) for column in declaration.columns if column.kind == "number"]
    categorical = [_cut_category(column, sample) for column in declaration.columns if column.kind == "category"]
    if declaration.task is Task.REGRESSION:
        numeric.append(_cut_prediction(sample))
    else:
        categorical.append(_class_column(declaration, sample.predicted))
    if scored:
        numeric.append(_score_column(cut_scores(sample.monitored_scores)))
    target = sample.truth if len(sample.truth) else sample.predictions
    centre, scale = grid_of(target) if len(target) else (0.0, 1.0)
    return Layout(
        task=declaration.task,
        numeric=tuple(numeric),
        categorical=tuple(categorical),
        classes=declaration.classes,
        positive=declaration.positive,
        scored=scored,
        score_edges=cut_scores(sample.scores) if scored else (),
        error_edges=_error_edges(declaration, sample.errors, scale),
        target_centre=centre,
        target_scale=scale,
        groups=declaration.groups,
        subjects=declaration.subjects,
    )


def declared_layout(declaration: Declaration) -> Layout:
    """The layout where there is no reference: declared ranges and levels, 128 uniform score cells.

    Raises:
        LayoutError: the declaration lacks the classes.
    """
    _check_classes(declaration)
    scored = bool(declaration.scored) and declaration.task is not Task.REGRESSION
    numeric = [_declared_number(column) for column in declaration.columns if column.kind == "number"]
    categorical = [_declared_category(column) for column in declaration.columns if column.kind == "category"]
    scale = power_of_two_near(declaration.stated_error) if declaration.stated_error else 1.0
    if declaration.task is Task.REGRESSION:
        numeric.append(NumericColumn(name=PREDICTION, role=Role.PREDICTION, edges=(), centre=0.0, scale=scale))
    else:
        categorical.append(_class_column(declaration, {}))
    if scored:
        numeric.append(_score_column(uniform_score_edges()))
    return Layout(
        task=declaration.task,
        numeric=tuple(numeric),
        categorical=tuple(categorical),
        classes=declaration.classes,
        positive=declaration.positive,
        scored=scored,
        score_edges=uniform_score_edges() if scored else (),
        error_edges=_error_edges(declaration, _NONE, scale),
        target_scale=scale,
        groups=declaration.groups,
        subjects=declaration.subjects,
    )


def _check_classes(declaration: Declaration) -> None:
    if declaration.task is Task.REGRESSION:
        return
    if len(declaration.classes) < 2:
        raise LayoutError("classes: a classifier needs at least two. Name them all under `classes`")
    if declaration.task is Task.BINARY and declaration.positive not in declaration.classes:
        raise LayoutError("positive: a binary model needs it, one of its classes. Name it under `positive`")


def _is_scored(declaration: Declaration, sample: Sample) -> bool:
    if declaration.task is Task.REGRESSION:
        return False
    present = len(sample.scores) > 0
    if declaration.scored and not present:
        raise LayoutError(
            "scored: the settings say yes, but no reference row has a score. Add them, or say `scored: no`"
        )
    return present if declaration.scored is None else declaration.scored


def _cut_number(column: DeclaredColumn, sample: Sample) -> NumericColumn:
    values = sample.numbers.get(column.name, _NONE)
    if not len(values):
        return _any_number(column)
    centre, scale = grid_of(values, column.iqr)
    return _number(column, cut_edges(values), centre, scale)


def _declared_number(column: DeclaredColumn) -> NumericColumn:
    low, high = column.minimum, column.maximum
    if low is None or high is None or not low < high:
        return _any_number(column)
    edges = np.unique(np.append(np.linspace(low, high, NUMERIC_CELLS + 1)[:-1], np.nextafter(high, np.inf)))
    centre = column.median if column.median is not None else low / 2 + high / 2
    width = column.iqr if column.iqr else (high / 2 - low / 2) * 2 * IQR_OF_RANGE
    return _number(column, tuple(edges.tolist()), centre, power_of_two_near(width))


def _any_number(column: DeclaredColumn) -> NumericColumn:
    return _number(column, (), column.median or 0.0, power_of_two_near(column.iqr) if column.iqr else 1.0)


def _number(column: DeclaredColumn, edges: tuple[float, ...], centre: float, scale: float) -> NumericColumn:
    return NumericColumn(
        name=column.name,
        role=Role.FEATURE,
        edges=edges,
        centre=centre,
        scale=scale,
        minimum=column.minimum,
        maximum=column.maximum,
        required=column.required,
    )


def _cut_prediction(sample: Sample) -> NumericColumn:
    values = sample.predictions
    centre, scale = grid_of(values) if len(values) else (0.0, 1.0)
    return NumericColumn(
        name=PREDICTION, role=Role.PREDICTION, edges=cut_edges(values), centre=centre, scale=scale, required=True
    )


def _score_column(edges: tuple[float, ...]) -> NumericColumn:
    return NumericColumn(name=SCORE, role=Role.SCORE, edges=edges, centre=0.5, scale=0.25, minimum=0.0, maximum=1.0)


def _cut_category(column: DeclaredColumn, sample: Sample) -> CategoricalColumn:
    counts = sample.levels.get(column.name, {})
    if column.levels is not None:
        counts = {level: counts.get(level, 0) for level in column.levels}
    levels, rare = cut_levels(counts)
    return CategoricalColumn(
        name=column.name,
        role=Role.FEATURE,
        levels=levels,
        rare=rare,
        closed=column.levels is not None,
        required=column.required,
    )


def _declared_category(column: DeclaredColumn) -> CategoricalColumn:
    return _cut_category(column, Sample())


def _class_column(declaration: Declaration, predicted: Mapping[str, int]) -> CategoricalColumn:
    levels, rare = cut_levels({name: predicted.get(name, 0) for name in declaration.classes})
    return CategoricalColumn(name=PREDICTION, role=Role.PREDICTION, levels=levels, rare=rare, closed=True)


def _error_edges(declaration: Declaration, errors: Floats, scale: float) -> tuple[float, ...]:
    """By mass where errors are known, else four cells an octave from scale / 2^12 to scale * 2^13."""
    if declaration.task is not Task.REGRESSION:
        return ()
    if len(errors):
        return cut_errors(errors)
    octaves = range(-_ERROR_OCTAVES, _ERROR_OCTAVES + 1)
    return (0.0, *(scale * 2.0**octave * part for octave in octaves for part in (1.0, 1.25, 1.5, 1.75)))
