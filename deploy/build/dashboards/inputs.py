"""What the model is given: drift by column and time, and whether the data can be used at all."""

from __future__ import annotations

from typing import Any

from deploy.build.dashboards.board import Row
from deploy.build.dashboards.panels import Query, from_zero, graph, steps_of_windows
from deploy.build.dashboards.scope import MODEL, one_of
from deploy.build.dashboards.tables import heat, judged
from detectors.drift import Drift
from detectors.quality import Quality

DRIFT = Drift().measures
QUALITY = Quality().measures
OF_COLUMNS = {"stage": "=window", "segment": "=", "subject": "!="}


def drift() -> Row:
    """How far the data moved from the reference."""
    return Row("Drift", [_drift_heat(), _distances(), _drift_table()])


def quality() -> Row:
    """Missing, invalid and unseen values."""
    return Row("Data quality", [_quality_heat(), _unusable(), _quality_table()])


def _drift_heat() -> Any:
    return heat(
        "Drift of every column",
        "How far each column's distribution surely moved from the reference, in tolerances. Orange and red are breaches; a "
        "column that moved hurts nobody by itself, so this is a ticket at most.",
        MODEL,
        DRIFT,
        height=12,
    )


def _distances() -> Any:
    return _by_column(
        "Distance from the reference",
        "Jensen-Shannon distance of each column's distribution to that of the reference: 0 is equal, 1 is disjoint.",
        "js_distance",
        "short",
    )


def _drift_table() -> Any:
    return judged(
        "Judged drift",
        "Every column as it stands: how far it moved, with its interval, beside what is tolerated.",
        MODEL,
        "Column",
        width=14,
        height=10,
        metric=one_of(*DRIFT),
        segment="=",
    )


def _quality_heat() -> Any:
    return heat(
        "Quality of every column",
        "The worst quality measure of each column, its lower end in tolerances: from 1 on more values are missing, invalid "
        "or unseen than may be.",
        MODEL,
        QUALITY,
        height=12,
    )


def _unusable() -> Any:
    return _by_column(
        "Values that cannot be used",
        "Share of each column's values that are missing or invalid.",
        "unusable_share",
        "percentunit",
    )


def _quality_table() -> Any:
    return judged(
        "Judged data quality",
        "Every column as it stands, beside what is tolerated.",
        MODEL,
        "Column",
        width=14,
        height=10,
        metric=one_of(*QUALITY),
        segment="=",
    )


def _by_column(title: str, description: str, metric: str, unit: str) -> Any:
    """One measure of every column, a line each."""
    expr = MODEL.series("wachter_measure_value", metric=f"={metric}", **OF_COLUMNS)
    panel = graph(title, description, unit, Query(expr, "{{subject}}"), width=10, height=10)
    return from_zero(steps_of_windows(panel).fill_opacity(0).line_width(1))
