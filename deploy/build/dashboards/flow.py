"""The agent's rows about the way of an event: received, read, stepped through."""

from __future__ import annotations

from typing import Any

from deploy.build.dashboards.board import Row
from deploy.build.dashboards.panels import Query, from_zero, graph, stacked
from deploy.build.dashboards.scope import AGENT

INSTANCE = "by (instance)"


def events() -> Row:
    """What became of the records."""
    return Row("Events", [_journey(), _rejected(), _labels(), _shares()])


def source() -> Row:
    """Partitions and how far they are."""
    return Row("Source", [_lag(), _reading(), _frontier(), _paused()])


def steps() -> Row:
    """The loop."""
    return Row("Steps", [_durations(), _rate(), _mishaps()])


def _journey() -> Any:
    outcomes = {
        "accepted": "wachter_events_accepted_total",
        "duplicate": "wachter_events_duplicate_total",
        "late": "wachter_events_late_total",
    }
    queries = [Query(f"sum({AGENT.rate(name)})", legend) for legend, name in outcomes.items()]
    queries.append(Query(f"sum({AGENT.rate('wachter_events_rejected_total')})", "rejected"))
    return stacked(graph("Events", "What became of the events per second; together they are all that were received.",
                         "eps", *queries))  # fmt: skip


def _rejected() -> Any:
    expr = f"sum by (reason) ({AGENT.rate('wachter_events_rejected_total')}) > 0"
    panel = graph("Rejected", "Records that could not be placed, by reason. `wachter rejects list` shows them.", "eps",
                  Query(expr, "{{reason}}"))  # fmt: skip
    return from_zero(panel)


def _labels() -> Any:
    expr = f"sum by (outcome) ({AGENT.rate('wachter_labels_total')}) > 0"
    return stacked(graph("Labels", "What became of the labels per second.", "eps", Query(expr, "{{outcome}}")))


def _shares() -> Any:
    every = f"(sum({AGENT.rate('wachter_events_received_total')}) > 0)"
    names = {
        "rejected": "wachter_events_rejected_total",
        "late": "wachter_events_late_total",
        "duplicate": "wachter_events_duplicate_total",
    }
    queries = [Query(f"sum({AGENT.rate(name)}) / {every}", legend) for legend, name in names.items()]
    return from_zero(graph("Shares", "Of what was received: rejected, late, seen before.", "percentunit", *queries))


def _lag() -> Any:
    expr = AGENT.series("wachter_partition_lag_records")
    return from_zero(graph("Lag", "Records between the position and the end of each partition.", "short",
                           Query(expr, "{{topic}}/{{partition}}")))  # fmt: skip


def _reading() -> Any:
    moved = f"deriv({AGENT.series('wachter_partition_next_offset', '$__rate_interval')})"
    expr = f"clamp_min(sum by (topic, partition) ({moved}), 0)"
    return stacked(
        graph(
            "Read",
            "Records per second whose effect became durable, by partition.",
            "eps",
            Query(expr, "{{topic}}/{{partition}}"),
        )
    )


def _frontier() -> Any:
    expr = f"time() - {AGENT.series('wachter_partition_frontier_timestamp_seconds')}"
    panel = graph("Event time of each partition", "How long ago the time was that each partition has reached. Windows wait "
                  "for the slowest one.", "s", Query(expr, "{{topic}}/{{partition}}"))  # fmt: skip
    return from_zero(panel)


def _paused() -> Any:
    expr = f"sum {INSTANCE} ({AGENT.series('wachter_partition_paused')})"
    return from_zero(graph("Waiting partitions", "Partitions that wait for others, so that windows do not fill unevenly, or "
                           "for room.", "short", Query(expr, "{{instance}}")))  # fmt: skip


def _durations() -> Any:
    buckets = f"sum by (le) ({AGENT.rate('wachter_step_seconds_bucket')})"
    queries = [Query(f"histogram_quantile({share}, {buckets})", f"p{share * 100:g}") for share in (0.5, 0.9, 0.99)]
    return from_zero(graph("Duration of a step", "From poll to durable state: 50, 90 and 99 % of the steps were quicker.",
                           "s", *queries, width=8))  # fmt: skip


def _rate() -> Any:
    expr = f"sum {INSTANCE} ({AGENT.rate('wachter_step_seconds_count')})"
    return from_zero(graph("Steps", "Steps per second.", "ops", Query(expr, "{{instance}}"), width=8))


def _mishaps() -> Any:
    queries = [
        Query(f"sum by (edge) ({AGENT.rate('wachter_failures_total')})", "failed: {{edge}}"),
        Query(f"sum({AGENT.rate('wachter_steps_dropped_total')})", "dropped, partitions moved"),
        Query(f"sum({AGENT.rate('wachter_commits_failed_total')})", "commit refused"),
    ]
    return from_zero(graph("Mishaps", "Exceptions caught, steps given up, commits refused, per second; after each of them "
                           "records are read again and nothing is lost.", "ops", *queries, width=8))  # fmt: skip
