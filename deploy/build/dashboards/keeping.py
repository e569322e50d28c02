"""The agent's rows about what it keeps and whom it tells: event log, receivers, resources, scrapes."""

from __future__ import annotations

from typing import Any

from grafana_foundation_sdk.models import dashboard as d

from deploy.build.dashboards.board import Row
from deploy.build.dashboards.panels import Query, from_zero, graph, limit, stacked
from deploy.build.dashboards.scope import AGENT


def log() -> Row:
    """The event log."""
    return Row("Event log", [_entries(), _size(), _signed()])


def receivers() -> Row:
    """The outbox."""
    return Row("Receivers", [_waiting(), _oldest(), _deliveries()])


def resources() -> Row:
    """Bounds, disk, processor, memory."""
    return Row("Bounds and resources", [_bounds(), _disk(), _state(), _processor(), _memory(), _files()])


def scrapes() -> Row:
    """What Prometheus sees of it."""
    return Row("Scrapes", [_up(), _scrape_seconds(), _samples()])


def _entries() -> Any:
    expr = f"sum by (instance) ({AGENT.rate('wachter_log_entries_total')})"
    return from_zero(graph("Entries", "Entries written per second.", "ops", Query(expr, "{{instance}}"), width=8))


def _size() -> Any:
    return from_zero(graph("Size", "Size of the event log on disk.", "bytes",
                           Query(AGENT.series("wachter_log_bytes"), "{{instance}}"), width=8))  # fmt: skip


def _signed() -> Any:
    expr = f"time() - {AGENT.series('wachter_log_signed_timestamp_seconds')}"
    copies = f"increase({AGENT.series('wachter_log_copies_failed_total', '$__rate_interval')})"
    panel = graph("Since the last checkpoint", "How long ago the log was last signed, and copies of checkpoints that were "
                  "not taken. Entries after the last checkpoint are not protected against changes yet.", "s",
                  Query(expr, "{{instance}}"), Query(copies, "{{instance}}: copies not taken"), width=8)  # fmt: skip
    return from_zero(_counted(panel, "/copies/"))


def _waiting() -> Any:
    queries = (
        Query(AGENT.series("wachter_outbox_waiting"), "{{receiver}} waiting"),
        Query(AGENT.series("wachter_outbox_dead"), "{{receiver}} refused"),
    )
    return from_zero(graph("Messages", "Messages that a receiver has not taken yet, or refused for good.", "short", *queries,
                           width=8))  # fmt: skip


def _oldest() -> Any:
    expr = f"time() - {AGENT.series('wachter_outbox_oldest_timestamp_seconds')}"
    panel = graph(
        "Oldest message", "How long the oldest message has waited.", "s", Query(expr, "{{receiver}}"), width=8
    )
    return from_zero(panel)


def _deliveries() -> Any:
    expr = f"sum by (receiver, outcome) (increase({AGENT.series('wachter_deliveries_total', '$__rate_interval')}))"
    return from_zero(graph("Deliveries", "Deliveries by what came of them; one that is retried waits longer each time.",
                           "short", Query(expr, "{{receiver}} {{outcome}}"), width=8))  # fmt: skip


def _bounds() -> Any:
    expr = f"{AGENT.series('wachter_bound_used')} / {AGENT.series('wachter_bound_limit')}"
    panel = graph("Bounds", "How much of each bounded thing is in use. At its bound an agent leaves something out, and "
                  "counts it; it does not fall.", "percentunit", Query(expr, "{{bound}}"), width=8)  # fmt: skip
    return from_zero(limit(panel, 1))


def _disk() -> Any:
    expr = f"{AGENT.series('wachter_disk_free_bytes')} / {AGENT.series('wachter_disk_size_bytes')}"
    panel = graph("Free disk", "Share of the file system that is free, below the state and below the log.", "percentunit",
                  Query(expr, "{{instance}} {{directory}}"), width=8)  # fmt: skip
    return from_zero(panel).axis_soft_max(1)


def _state() -> Any:
    expr = f"sum by (part) ({AGENT.series('wachter_state_bytes')})"
    return stacked(graph("State on disk", "Size of the parts of the state directory.", "bytes", Query(expr, "{{part}}"),
                         width=8))  # fmt: skip


def _processor() -> Any:
    expr = f"rate({AGENT.scraped('process_cpu_seconds_total')}[$__rate_interval])"
    return from_zero(graph("Processor", "Cores in use.", "short", Query(expr, "{{instance}}"), width=8))


def _memory() -> Any:
    expr = AGENT.scraped("process_resident_memory_bytes")
    return from_zero(graph("Memory", "Resident memory. Consuming pauses beyond limits.memory_bytes.", "bytes",
                           Query(expr, "{{instance}}"), width=8))  # fmt: skip


def _files() -> Any:
    expr = AGENT.scraped("process_open_fds")
    return from_zero(graph("Open files", "File descriptors in use, sockets among them.", "short",
                           Query(expr, "{{instance}}"), width=8))  # fmt: skip


def _up() -> Any:
    return from_zero(graph("Answered", "1 while the scrape of an agent succeeds.", "short",
                           Query(AGENT.scraped("up"), "{{instance}}"), width=8)).axis_soft_max(1)  # fmt: skip


def _scrape_seconds() -> Any:
    expr = AGENT.scraped("scrape_duration_seconds")
    return from_zero(
        graph("Duration of a scrape", "As Prometheus measures it.", "s", Query(expr, "{{instance}}"), width=8)
    )


def _samples() -> Any:
    expr = AGENT.scraped("scrape_samples_scraped")
    return from_zero(graph("Samples", "Samples in a scrape; limits.max_series bounds those of measures.", "short",
                           Query(expr, "{{instance}}"), width=8))  # fmt: skip


def _counted(panel: Any, pattern: str) -> Any:
    unit = d.DynamicConfigValue(id_val="unit", value="short")
    right = d.DynamicConfigValue(id_val="custom.axisPlacement", value="right")
    return panel.override_by_regexp(pattern, [unit, right])
