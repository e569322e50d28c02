"""The agent itself: does it read, does it keep up, can it keep what it must and tell whom it must."""

from __future__ import annotations

from typing import Any

from deploy.build.dashboards import flow, keeping
from deploy.build.dashboards.board import Row, board
from deploy.build.dashboards.panels import GREEN, GREY, ORANGE, RED, YELLOW, Query, number, states
from deploy.build.dashboards.scope import AGENT
from deploy.build.dashboards.tables import Column, rows
from exporters.snapshot import SOURCE_STATES

STATES = {
    "0": ("starting", YELLOW),
    "1": ("reading", GREEN),
    "2": ("standing by", GREY),
    "3": ("in trouble", RED),
}


def build() -> Any:
    """The dashboard."""
    return board(
        "wachter-agent",
        "Wachter / Agent",
        "The agents themselves: what they read, how far behind they are, their event log, their receivers, their bounds.",
        AGENT,
        [
            Row("Now", [*_now(), _source(), _programs()]),
            flow.events(),
            flow.source(),
            flow.steps(),
            keeping.log(),
            keeping.receivers(),
            keeping.resources(),
            keeping.scrapes(),
        ],
        since="now-6h",
        shaded=False,
    )


def _now() -> list[Any]:
    ready = Query(f"sum({AGENT.series('wachter_ready')}) / count({AGENT.series('wachter_ready')})")
    settings = Query(f"min({AGENT.series('wachter_config_last_reload_successful')})")
    return [
        number("Ready", "Share of the agents that are ready. A member that stands by is.", "percentunit", ready,
               steps=[(0, RED), (1, GREEN)]),
        number("Records that wait", "Lag over all partitions.", "short",
               Query(f"sum({AGENT.series('wachter_partition_lag_records')})")),
        number("Log unwritable", "Agents that cannot write their event log; they consume nothing.", "short",
               Query(f"sum({AGENT.series('wachter_log_unwritable')})"), steps=[(1, RED)]),
        number("Messages waiting", "Messages that receivers have not taken yet.", "short",
               Query(f"sum({AGENT.series('wachter_outbox_waiting')})"), steps=[(1, ORANGE)]),
        number("Settings read", "1 where every agent read its settings without a mistake at the last reload.", "short",
               settings, steps=[(0, RED), (1, GREEN)]),
        number("Series dropped", "Results without series because limits.max_series was reached.", "short",
               Query(f"sum({AGENT.series('wachter_series_dropped')})"), steps=[(1, ORANGE)]),
    ]  # fmt: skip


def _source() -> Any:
    names = enumerate(SOURCE_STATES)
    numbered = [f"({AGENT.series('wachter_source_state', state=f'={name}')} == 1) * {n}" for n, name in names]
    expr = f"max by (instance) ({' or '.join(numbered)})"
    return states("Source", "Whether the agent reads. A member that stands by reads when the other one is gone.",
                  Query(expr, "{{instance}}"), STATES, width=12, height=6)  # fmt: skip


def _programs() -> Any:
    build = f"max by (instance, version, python) ({AGENT.series('wachter_build_info')})"
    started = f"1000 * max by (instance) ({AGENT.series('wachter_start_timestamp_seconds')})"
    with_build = f"{build} * on (instance) group_left () ({started})"
    return rows("Agents", "Which program runs where, and since when.",
                {"instance": "Instance", "version": "Version", "python": "Python"},
                [Column("Since", with_build, "dateTimeAsIso")], width=12, height=6)  # fmt: skip
