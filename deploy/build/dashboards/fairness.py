"""Does the model treat groups alike? Gaps between groups, and each group with its interval."""

from __future__ import annotations

from typing import Any

from deploy.build.dashboards.board import Row, picked
from deploy.build.dashboards.panels import Query, graph, limit, steps_of_windows, with_interval
from deploy.build.dashboards.scope import MODEL, one_of
from deploy.build.dashboards.tables import judged
from detectors.bias import Bias
from detectors.representativeness import Representativeness

OF_ONE_GROUP = "group_"
GAPS = (*(name for name in Bias().measures if not name.startswith(OF_ONE_GROUP)), *Representativeness().measures)


def variables() -> list[Any]:
    """Which measure of single groups is shown, and which groups."""
    shown = MODEL.series("wachter_measure_value", metric=f"=~{OF_ONE_GROUP}.+", subject="=~.+=.+", segment="=")
    groups = MODEL.series("wachter_measure_value", metric="=$of_groups", subject="=~.+=.+", segment="=")
    return [
        picked("of_groups", "Measure of groups", f"label_values({shown}, metric)", several=False),
        picked("group", "Group", f"label_values({groups}, subject)", several=True),
    ]


def row() -> Row:
    """Its panels."""
    return Row("Fairness", [_gaps(), _table(), _each()])


def _gaps() -> Any:
    narrowed = {"metric": one_of(*GAPS), "segment": "="}
    lower = MODEL.series("wachter_measure_effect_lower", **narrowed)
    panel = graph(
        "Distance to the tolerance",
        "The lower end of each gap between groups, in tolerances. Beyond 1 groups surely differ by more than they may.",
        "short",
        Query(f"{lower} / {MODEL.series('wachter_measure_tolerance', **narrowed)}", "{{subject}}: {{metric}}"),
        width=10,
        height=9,
    )
    return limit(steps_of_windows(panel).fill_opacity(0), 1)


def _table() -> Any:
    return judged(
        "Judged gaps",
        "Gaps between groups as they stand, each with its interval beside its tolerance.",
        MODEL,
        "Attribute",
        width=14,
        height=9,
        metric=one_of(*GAPS),
        segment="=",
    )


def _each() -> Any:
    panel = with_interval(
        "$group",
        "The chosen measure on one group, with its interval. Groups are shown only where exposition.protected_labels names "
        "their attribute and exposition.measures the measure.",
        "percentunit",
        MODEL,
        {"metric": "=$of_groups", "subject": "=$group", "segment": "="},
        width=24,
        height=7,
        reference=False,
    )
    return panel.axis_soft_min(0).repeat("group").repeat_direction("h").max_per_row(3)
