"""How much the model is asked, how quickly it answers, how often it fails."""

from __future__ import annotations

from typing import Any

from deploy.build.dashboards.board import Row
from deploy.build.dashboards.panels import Query, from_zero, graph, stacked, steps_of_windows, with_interval
from deploy.build.dashboards.scope import MODEL, WHOLE_MODEL

WHOLE = {"segment": "=", "subject": "="}


def row() -> Row:
    """Its panels."""
    return Row("Volume and latency", [_rate(), _volume(), _latency(), _failed()])


def _rate() -> Any:
    expr = f"sum by (version, status) ({WHOLE_MODEL.rate('wachter_model_events_total')})"
    return stacked(
        graph(
            "Predictions of every version",
            "Accepted predictions per second by the status that the model answered with; all versions, whichever is chosen.",
            "eps",
            Query(expr, "{{version}} {{status}}"),
        )
    )


def _volume() -> Any:
    names = {"events": "wachter_measure_value", "expected": "wachter_measure_baseline"}
    queries = [
        Query(f"max({WHOLE_MODEL.series(name, metric='=volume', version='=*', **WHOLE)})", legend)
        for legend, name in names.items()
    ]
    panel = graph(
        "Predictions in a window",
        "Over all versions, beside the same hours of the weeks before, as far as they were seen.",
        "short",
        *queries,
    )
    return from_zero(steps_of_windows(panel).fill_opacity(0))


def _latency() -> Any:
    queries = [
        Query(MODEL.series("wachter_measure_value", metric=f"=latency_{quantile}", **WHOLE), quantile)
        for quantile in ("p50", "p95", "p99")
    ]
    panel = graph(
        "Latency",
        "How long the model took, by window: half, 95 % and 99 % of the predictions were quicker. Needs latency_ms in the "
        "events.",
        "ms",
        *queries,
    )
    return from_zero(steps_of_windows(panel).fill_opacity(0))


def _failed() -> Any:
    return from_zero(
        with_interval(
            "Failed predictions",
            "Share of a window's predictions that the model answered with an error, with its interval.",
            "percentunit",
            MODEL,
            {"metric": "=error_rate", **WHOLE},
            width=12,
        )
    )
