"""From the settings of a model to what the detectors know of it."""

from __future__ import annotations

from itertools import product

from config.settings import Model
from detectors.declaration import Declaration, DeclaredColumn
from detectors.layout import GroupSet, Task
from detectors.windows import WindowPlan


def declaration_of(model: Model) -> Declaration:
    """The model's columns, classes and groups in the terms of the layout."""
    return Declaration(
        task=Task(model.task),
        columns=tuple(
            DeclaredColumn(
                name=name,
                kind=column.type,
                required=column.required,
                minimum=column.minimum,
                maximum=column.maximum,
                levels=column.levels,
                median=column.median,
                iqr=column.iqr,
            )
            for name, column in model.enabled_columns().items()
        ),
        classes=model.classes,
        positive=model.positive,
        scored=model.scored,
        stated_error=model.baseline.get("mae"),
        groups=group_sets(model),
        subjects=model.subjects,
    )


def group_sets(model: Model) -> tuple[GroupSet, ...]:
    """Protected attributes, then their declared intersections."""
    groups = {name: protected.groups for name, protected in model.protected.items()}
    alone = [(name,) for name in groups]
    return tuple(
        GroupSet(attributes=attributes, groups=tuple(product(*(groups[name] for name in attributes))))
        for attributes in (*alone, *model.intersections)
    )


def window_plan(model: Model) -> WindowPlan:
    window = model.window
    return WindowPlan(window.length_us, window.slide_us, window.offset_us, window.min_events)
