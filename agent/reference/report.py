"""A reference as a person reads it, and as a program does."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from detectors.chunks import MIN_CHUNKS
from detectors.classification import margins
from detectors.coverage import label_count
from detectors.families import FAMILIES
from detectors.family import Frame
from detectors.layout import FIRST_VALUE, Layout, Task
from detectors.measurement import Measurement, Stage
from detectors.outcomes import LABELLED
from detectors.policy import MIN_Z
from detectors.reference import Reference

SHOWN_FAMILIES = frozenset({"performance", "bias"})
MOST_OUTSIDE = 0.01
FEW_ROWS = 1000
"""Below this a column's cells hold about 30 rows each, and every comparison is wide."""


def performance_of(reference: Reference) -> Iterator[Measurement]:
    """How the model did in the reference: performance and bias, by the detectors' own measures."""
    frame = Frame(
        layout=reference.layout,
        reference=None,
        z=MIN_Z,
        stage=Stage.LABELS,
        phi=reference.phi,
        predictions=int(reference.provenance.get("predictions", 0)),
    )
    for family in FAMILIES:
        if family.name in SHOWN_FAMILIES:
            yield from (found for found in family.measure(reference.tables, frame) if found.value is not None)


def warnings_of(reference: Reference) -> Iterator[str]:
    """What whoever builds a reference should know, in sentences."""
    facts = reference.provenance
    used, predictions, labelled = (int(facts.get(name, 0)) for name in ("rows_used", "predictions", "labelled"))
    if reference.chunks < MIN_CHUNKS:
        yield (
            f"{reference.chunks} chunks of window length, fewer than {MIN_CHUNKS}: the spread between chunks is unknown, "
            "so intervals count events as independent and tolerances stay at their defaults"
        )
    if used < FEW_ROWS:
        yield f"{used} rows are few: intervals will be wide, and small changes cannot be decided"
    if predictions < used:
        yield f"{used - predictions} rows have no readable prediction"
    if not labelled:
        yield "no row has a label: performance has nothing to be compared with"
    elif int(facts.get("rows_labels_immature", 0)):
        yield f"{facts['rows_labels_immature']} labels were left out: their predictions are younger than labels.horizon"
    rejected = sum(int(count) for name, count in facts.items() if name.startswith("rows_rejected_"))
    if rejected:
        yield f"{rejected} records were rejected: " + ", ".join(
            f"{name.removeprefix('rows_rejected_')} {count}" for name, count in facts.items() if "rejected_" in name
        )
    yield from _outside_classes(reference)
    for name in _columns_without_values(reference.layout):
        yield f"column {name} has no value in any row: only its presence and type can be watched"


def _outside_classes(reference: Reference) -> Iterator[str]:
    """Answers that are none of the classes: most often the same ones written otherwise, as 1.0 for 1."""
    for what, outside, n in _answers(reference):
        if n and outside > MOST_OUTSIDE * n:
            classes = ", ".join(reference.layout.classes[:10])
            yield (
                f"{outside} of {n} {what} are none of the classes ({classes}) and count as wrong: "
                "they are compared as JSON text, where 1.0 is not 1"
            )


def _answers(reference: Reference) -> Iterator[tuple[str, int, int]]:
    """Predictions and labels of a classification: how many are none of its classes, and how many there are."""
    if reference.layout.task is Task.REGRESSION:
        return
    if "groups.predicted" in reference.tables:
        predicted = reference.tables.ints("groups.predicted")
        yield "predictions", int(predicted[-1]), int(predicted.sum())
    if label_count(reference.tables, reference.layout):
        labelled = margins(reference.tables)[:, :, LABELLED].sum(axis=0)
        yield "labels", int(labelled[-1]), int(labelled.sum())


def to_record(reference: Reference) -> dict[str, Any]:
    """The reference without its tables, as plain data."""
    layout = reference.layout
    return {
        "digest": reference.digest,
        "layout_digest": layout.digest,
        "task": layout.task.value,
        "classes": list(layout.classes),
        "scored": layout.scored,
        "first": iso(reference.first_us),
        "last": iso(reference.last_us),
        "chunks": reference.chunks,
        "longest_gap_seconds": reference.longest_gap_us / 1e6,
        "columns": list(columns_of(layout)),
        "phi": _nested(reference.phi),
        "auto": _nested(reference.auto),
        "performance": [
            {"metric": m.metric, "subject": m.subject, "value": m.value, "lower": m.lower, "upper": m.upper, "n": m.n}
            for m in performance_of(reference)
        ],
        "provenance": dict(reference.provenance),
        "warnings": list(warnings_of(reference)),
    }


def columns_of(layout: Layout) -> Iterator[dict[str, Any]]:
    """Name, role, type and cells of each column."""
    for number in layout.numeric:
        yield {"name": number.name, "role": number.role.value, "type": "number", "cells": max(0, len(number.edges) - 1)}
    for category in layout.categorical:
        yield {
            "name": category.name,
            "role": category.role.value,
            "type": "category",
            "cells": len(category.levels),
            "rare": len(category.rare),
        }


def iso(time_us: int) -> str:
    """A time in UTC, to the second."""
    return datetime.fromtimestamp(time_us / 1e6, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _columns_without_values(layout: Layout) -> Iterator[str]:
    yield from (column.name for column in layout.numeric if column.cells == FIRST_VALUE)
    yield from (column.name for column in layout.categorical if not column.levels)


def _nested(values: Mapping[tuple[str, str], float]) -> dict[str, dict[str, float]]:
    result: dict[str, dict[str, float]] = {}
    for (metric, subject), value in sorted(values.items()):
        result.setdefault(metric, {})[subject] = value
    return result
