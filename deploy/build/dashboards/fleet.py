"""Every system and model at once: is anything wrong, and where."""

from __future__ import annotations

from typing import Any

from grafana_foundation_sdk.models import dashboard as d

from deploy.build.dashboards.board import Row, board
from deploy.build.dashboards.panels import GREEN, ORANGE, RED, Query, graph, number, painted, stacked, states
from deploy.build.dashboards.scope import FLEET
from deploy.build.dashboards.tables import VERDICTS, Column, rows

MODEL = "by (system, model)"
TO_MODEL = "/d/wachter-model?${datasource:queryparam}&var-system=${__data.fields.System}&var-model=${__value.raw}"
NARROW = {"custom.width": 100}
STATES = {"0": ("no open incident", GREEN), "1": ("warning", ORANGE), "2": ("critical", RED)}


def build() -> Any:
    """The dashboard."""
    return board(
        "wachter-fleet",
        "Wachter / Fleet",
        "Every system and model that Wachter watches: what is broken, since when, and how much is seen of it.",
        FLEET,
        [
            Row("Now", _now()),
            Row("Models", [_models()]),
            Row("Over time", [_states(), _predictions(), _verdicts(), _failed(), _behind()]),
        ],
        since="now-7d",
    )


def _now() -> list[Any]:
    incidents = FLEET.series("wachter_incidents_open", severity="={}")
    critical, warning = (f"sum({incidents.replace('{}', severity)})" for severity in ("critical", "warning"))
    unseen = f"count({FLEET.series('wachter_incident_acknowledged')} == 0) or vector(0)"
    breaches = f"sum({FLEET.series('wachter_measure_verdict', verdict='=~warning|critical')})"
    undecided = f"sum({FLEET.series('wachter_measure_verdict', verdict='=insufficient_data')})"
    return [
        number(
            "Models",
            "Models that were seen or declared; versions of one model count once.",
            "short",
            Query(f"count(count {MODEL} ({FLEET.series('wachter_model_info')}))"),
        ),
        number(
            "Critical incidents",
            "Open incidents that page: harm is being done.",
            "short",
            Query(critical),
            steps=[(1, RED)],
        ),
        number(
            "Warnings",
            "Open incidents that are tickets: a promise about data or a model is broken, without known harm.",
            "short",
            Query(warning),
            steps=[(1, ORANGE)],
        ),
        number(
            "Not acknowledged",
            "Open incidents that nobody has taken yet.",
            "short",
            Query(unseen),
            steps=[(1, ORANGE)],
        ),
        number(
            "Measures in breach",
            "Measures whose latest window is surely beyond its tolerance. Several windows may be asked for before an "
            "incident opens.",
            "short",
            Query(breaches),
            steps=[(1, ORANGE)],
        ),
        number(
            "Measures undecided",
            "Measures with too little data to be judged. That is not green: the runbook of the model says why.",
            "short",
            Query(undecided),
        ),
    ]


def _models() -> Any:
    severity = FLEET.series("wachter_incidents_open", severity="={}")
    coverage = FLEET.series("wachter_measure_value", metric="=label_coverage", segment="=")
    events = FLEET.rate("wachter_model_events_total")
    failed = FLEET.rate("wachter_model_events_total", status="=error")
    breaches = FLEET.series("wachter_measure_verdict", verdict="=~warning|critical")
    versions = f"count by (system, model, version) ({FLEET.series('wachter_model_info')})"
    newest = f"max {MODEL} ({FLEET.series('wachter_model_last_event_timestamp_seconds')})"
    columns = [
        Column("Critical", f"sum {MODEL} ({severity.replace('{}', 'critical')})", steps=[(1, RED)], settings=NARROW),
        Column("Warnings", f"sum {MODEL} ({severity.replace('{}', 'warning')})", steps=[(1, ORANGE)], settings=NARROW),
        Column("In breach", f"sum {MODEL} ({breaches})", steps=[(1, ORANGE)], settings=NARROW),
        Column("Versions", f"count {MODEL} ({versions})", settings=NARROW),
        Column("Labels known", f"min {MODEL} ({coverage})", "percentunit", settings={"decimals": 1}),
        Column("Predictions", f"sum {MODEL} ({events})", "eps"),
        Column("Failed", f"sum {MODEL} ({failed}) / sum {MODEL} ({events})", "percentunit", settings={"decimals": 2}),
        Column("Newest prediction", f"1000 * {newest}", "dateTimeAsIso", settings={"custom.width": 190}),
    ]
    panel = rows(
        "Models",
        "One line a model, over all its versions and segments. A model's name leads to its dashboard.",
        {"system": "System", "model": "Model"},
        columns,
        widths={"System": 190, "Model": 190},
        none="no model was seen yet",
    )
    return panel.override_by_name("Model", [_link()])


def _link() -> Any:
    return d.DynamicConfigValue(id_val="links", value=[{"title": "Show this model", "url": TO_MODEL}])


def _states() -> Any:
    opened = FLEET.series("wachter_incidents_open", severity="={}")
    critical, warning = (f"({opened.replace('{}', name)} > bool 0)" for name in ("critical", "warning"))
    return states(
        "State of each model",
        "The loudest open incident of each model, over time.",
        Query(f"max {MODEL} ({critical} * 2 or {warning})", "{{system}}/{{model}}"),
        STATES,
    )


def _predictions() -> Any:
    expr = f"sum {MODEL} ({FLEET.rate('wachter_model_events_total')})"
    return stacked(graph("Predictions", "Accepted predictions per second.", "eps", Query(expr, "{{system}}/{{model}}")))


def _verdicts() -> Any:
    expr = f"sum by (verdict) ({FLEET.series('wachter_measure_verdict')})"
    panel = graph(
        "Verdicts", "Judged measures by the verdict on their latest window.", "short", Query(expr, "{{verdict}}")
    )
    for verdict, (_, colour) in VERDICTS.items():
        painted(panel, verdict, colour)
    return stacked(panel)


def _failed() -> Any:
    every = f"sum {MODEL} ({FLEET.rate('wachter_model_events_total')})"
    failed = f"sum {MODEL} ({FLEET.rate('wachter_model_events_total', status='=error')})"
    return graph(
        "Failed predictions",
        "Share of predictions that the model answered with an error.",
        "percentunit",
        Query(f"{failed} / ({every} > 0)", "{{system}}/{{model}}"),
    ).axis_soft_min(0)


def _behind() -> Any:
    watermark = FLEET.series("wachter_watermark_timestamp_seconds")
    return graph(
        "Event time behind the clock",
        "How long ago the time was before which nothing more is expected, of events and of labels. Windows close when it "
        "passes their end, so verdicts are this much late.",
        "s",
        Query(f"time() - {watermark}", "{{system}} {{kind}}"),
    ).axis_soft_min(0)
