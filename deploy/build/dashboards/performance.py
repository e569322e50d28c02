"""Is the model still right? Measures with labels: value, interval, reference, coverage."""

from __future__ import annotations

from typing import Any

from deploy.build.dashboards.board import Row, picked
from deploy.build.dashboards.panels import Query, graph, limit, steps_of_windows, with_interval
from deploy.build.dashboards.scope import MODEL, one_of
from deploy.build.dashboards.tables import judged
from detectors.performance import Performance

COVERAGE = "label_coverage"
METRICS = tuple(metric for metric in Performance().measures if metric != COVERAGE)
WHOLE = {"segment": "=", "subject": "="}
"""The whole stream: no segment, no class."""


def variable() -> Any:
    """The performance measures that are judged and have a panel each."""
    judged_ones = MODEL.series("wachter_measure_tolerance", metric=one_of(*METRICS), **WHOLE)
    return picked("measure", "Measure", f"label_values({judged_ones}, metric)", several=True)


def row() -> Row:
    """Its panels."""
    return Row("Performance", [_each(), _effects(), _coverage(), _provisional(), _table()])


def _each() -> Any:
    panel = with_interval(
        "$measure",
        "The measure on each window whose labels had their time, with its interval, beside its value on the reference.",
        "short",
        MODEL,
        {"metric": "=$measure", "stage": "=labels", **WHOLE},
        width=24,
    )
    return panel.repeat("measure").repeat_direction("h").max_per_row(3)


def _effects() -> Any:
    narrowed = {"metric": one_of(*METRICS), **WHOLE}
    lower = MODEL.series("wachter_measure_effect_lower", **narrowed)
    expr = f"{lower} / {MODEL.series('wachter_measure_tolerance', **narrowed)}"
    panel = graph(
        "Distance to the tolerance",
        "The lower end of each effect, in tolerances. Beyond 1 the model is surely worse than it may be: a breach.",
        "short",
        Query(expr, "{{metric}}"),
    )
    return limit(steps_of_windows(panel).fill_opacity(0), 1)


def _coverage() -> Any:
    return with_interval(
        "Label coverage",
        "Share of predictions whose label was known when their window was judged. Where it is low nothing is decided.",
        "percentunit",
        MODEL,
        {"metric": f"={COVERAGE}", **WHOLE},
        width=12,
        reference=False,
    ).axis_soft_max(1)


def _provisional() -> Any:
    expr = MODEL.series("wachter_provisional_value", metric="=~$measure", **WHOLE)
    panel = graph(
        "Labels still arriving",
        "The same measures on the latest window, from the labels known so far. They lead, and decide nothing.",
        "short",
        Query(expr, "{{metric}}"),
        width=8,
        height=9,
    )
    return steps_of_windows(panel).fill_opacity(0)


def _table() -> Any:
    return judged(
        "Judged performance",
        "What is compared with its tolerance: how far each measure fell. A breach is a lower end above the tolerance.",
        MODEL,
        "Class",
        width=16,
        height=9,
        metric=one_of(*METRICS, COVERAGE),
        segment="=",
    )
