"""docs/metrics.md, written from the table of families: ``python -m exporters.metrics_page > docs/metrics.md``."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from typing import Any

from exporters.families import MEASURE_FAMILIES, SERIES_DROPPED, MetricFamily
from exporters.families.agent import OUTBOX, PROCESS
from exporters.families.journey import JOURNEY, SOURCE
from exporters.families.log import LOG
from exporters.families.models import MODEL_FAMILIES

HEAD = """\
# Metrics

`/metrics` speaks the Prometheus text format and OpenMetrics 1.0. Every family is listed here; this page is written from
the table in `exporters/families` (`python -m exporters.metrics_page > docs/metrics.md`), and a test compares them.
`process_cpu_seconds_total`, `process_resident_memory_bytes`, `process_open_fds` and their like are exported as well.

How to read them:

- One agent judges a stream. Its values are not to be averaged over replicas.
- A measure that cannot be computed has no value series: absent is never 0 and never NaN. Its verdict is
  `insufficient_data`, and `wachter_measure_undecided` carries the named reason.
- `stage` says what a window's results rest on: `window` is final at the window's end, `labels` is final when the labels
  had their time, `provisional` still waits for labels and decides nothing. Join a measure with its window's end by
  `on(system, model, version, segment, stage)`.
- `subject` is the column, class or protected attribute that a measure speaks of, and empty for the whole stream. What
  decides always has series, and so has what speaks of the whole stream; other measures of single columns, classes and
  groups only where `exposition.measures` names them. A protected group (`sex=F`) is a label only where
  `exposition.protected_labels` names its attribute.
- What is judged is the lower end of the effect: `wachter_measure_effect_lower > wachter_measure_tolerance` is a breach.
- A window that cannot decide alone is judged together with the undecided ones before it. Effect and verdict are then of all
  of them; value, interval and events stay those of the latest window.
- Window gauges step when a window closes. Rates and burn rates belong to the counters, `wachter_model_events_total` first.
- At most `limits.max_series` series are exported besides those of the agent itself. Beyond that whole results are left
  out, those that only inform first, breaches last, and `wachter_series_dropped` counts them.
- Counters are totals since the state directory was made and survive restarts; `wachter_deliveries_total` and
  `wachter_log_copies_failed_total` begin at the start of the process.
"""

SECTIONS: tuple[tuple[str, str, tuple[MetricFamily[Any], ...]], ...] = (
    ("The agent", "", PROCESS),
    ("The journey of events", "Received is always accepted + rejected + duplicate + late.", JOURNEY),
    ("The source", "", SOURCE),
    ("The event log", "Absent where `log.enabled` is false.", LOG),
    ("Receivers", "", OUTBOX),
    ("Systems, models, streams, incidents", "", MODEL_FAMILIES),
    ("Measures", "", (*MEASURE_FAMILIES, SERIES_DROPPED)),
)


def page() -> str:
    """The page as Markdown."""
    return "\n".join([HEAD, *(_section(*section) for section in SECTIONS)])


def _section(title: str, text: str, families: Iterable[MetricFamily[Any]]) -> str:
    paragraphs = [f"## {title}", text, *(line for family in families for line in _family(family))]
    return "\n\n".join(paragraph for paragraph in paragraphs if paragraph) + "\n"


def _family(family: MetricFamily[Any]) -> Iterator[str]:
    labels = ", ".join(f"`{label}`" for label in family.labels) or "none"
    kind = "gauge that is always 1" if family.type == "info" else family.type
    unit = f", {family.unit}" if family.unit else ""
    yield f"### `{family.exposed_name}`"
    yield f"{family.help}"
    yield f"Type: {kind}{unit}. Labels: {labels}."


if __name__ == "__main__":
    sys.stdout.write(page())
