"""One version of one model: what is broken, how sure that is, and what moved with it."""

from __future__ import annotations

from typing import Any

from deploy.build.dashboards import fairness, inputs, performance, traffic
from deploy.build.dashboards.board import Row, board
from deploy.build.dashboards.panels import ORANGE, RED, Query, number
from deploy.build.dashboards.scope import MODEL
from deploy.build.dashboards.tables import Column, rows

KEY = "by (segment, track, severity)"


def build() -> Any:
    """The dashboard."""
    return board(
        "wachter-model",
        "Wachter / Model",
        "One version of one model: performance with intervals, fairness, drift, data quality, volume and latency.",
        MODEL,
        [
            Row("Now", [*_now(), _incidents(), _facts()]),
            performance.row(),
            fairness.row(),
            inputs.drift(),
            inputs.quality(),
            traffic.row(),
        ],
        since="now-30d",
        variables=[performance.variable(), *fairness.variables()],
        single=True,
    )


def _now() -> list[Any]:
    incidents = MODEL.series("wachter_incidents_open", severity="={}")
    critical, warning = (f"sum({incidents.replace('{}', severity)})" for severity in ("critical", "warning"))
    breaches = f"sum({MODEL.series('wachter_measure_verdict', verdict='=~warning|critical')})"
    undecided = f"sum({MODEL.series('wachter_measure_verdict', verdict='=insufficient_data')})"
    ends = f"1000 * max({MODEL.series('wachter_window_end_timestamp_seconds', stage='={}')})"
    judged, labelled = (Query(ends.replace("{}", stage)) for stage in ("window", "labels"))
    return [
        number("Critical incidents", "Open incidents that page.", "short", Query(critical), steps=[(1, RED)]),
        number("Warnings", "Open incidents that are tickets.", "short", Query(warning), steps=[(1, ORANGE)]),
        number("Measures in breach", "Surely beyond their tolerance on the latest window.", "short", Query(breaches),
               steps=[(1, ORANGE)]),
        number("Measures undecided", "Too little data to be judged. That is not green.", "short", Query(undecided)),
        number("Judged until", "End of the latest window judged without labels: drift, data quality, service.",
               "dateTimeAsIso", judged),
        number("Judged with labels until", "End of the latest window judged with labels: performance, fairness.",
               "dateTimeAsIso", labelled),
    ]  # fmt: skip


def _incidents() -> Any:
    opened = f"1000 * max by (segment, track) ({MODEL.series('wachter_incident_opened_timestamp_seconds')})"
    severity = f"max {KEY} ({MODEL.series('wachter_incidents_open')} > 0)"
    with_severity = f"{severity} * on (segment, track) group_left () ({opened})"
    acknowledged = f"max by (segment, track) ({MODEL.series('wachter_incident_acknowledged')})"
    return rows(
        "Open incidents",
        "At most one for harm and one for health; what it found stands on its page at the agent.",
        {"severity": "Severity", "track": "Track", "segment": "Segment"},
        [
            Column("Since", with_severity, "dateTimeAsIso"),
            Column("Acknowledged", f"{severity} * on (segment, track) group_left () {acknowledged}"),
        ],
        width=10,
        height=5,
        none="no incident is open",
    )


def _facts() -> Any:
    model, system = MODEL.series("wachter_model_info"), MODEL.series("wachter_system_info")
    expr = f"{model} * on (job, instance, system) group_left (owner, supplier, risk_class) {system}"
    kept = "system, owner, supplier, risk_class, task, reference"
    keys = {"system": "System", "owner": "Owner", "supplier": "Supplier", "risk_class": "Risk class", "task": "Task",
            "reference": "Reference"}  # fmt: skip
    return rows(
        "What it is",
        "What the settings say about the system, and the first digits of the digest of what the model is compared with.",
        keys,
        [Column("Versions", f"max by ({kept}) ({expr})", shown=False)],
        width=14,
        height=5,
    )
