"""A snapshot as Prometheus reads it, as text or OpenMetrics: families of prometheus-client, from custom collectors."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from config.settings.root import Settings
from detectors.columns import ModelKey
from detectors.measurement import Status
from exporters.encoding import encode_openmetrics, encode_text
from exporters.families import FAMILIES, MEASURE_FAMILIES, SERIES_DROPPED, MetricFamily, Sample, StreamRow
from exporters.snapshot import Result, Snapshot, Timing


class Format(StrEnum):
    """What a scraper may ask for; the value is the content type."""

    TEXT = "text/plain; version=0.0.4; charset=utf-8"
    OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"


GROUP_FAMILIES = frozenset({"bias", "performance"})
"""Detector families whose subjects may name a protected group, as attribute=group."""
ENCODERS: dict[Format, Callable[[Iterable[Metric]], bytes]] = {
    Format.TEXT: encode_text,
    Format.OPENMETRICS: encode_openmetrics,
}
_RANK = {Status.CRITICAL: 0, Status.WARNING: 0, Status.INSUFFICIENT_DATA: 1, Status.OK: 2}


@dataclass(frozen=True, slots=True)
class ExpositionOptions:
    """What is shown of the measurements.

    Attributes:
        measures: informing measures of single columns, classes and groups that get series; those of the whole stream
            and all that decide always do.
        protected_labels: protected attributes whose groups may be label values.
        max_series: bound on all series but the agent's own, which the settings bound already.
    """

    measures: frozenset[str] = frozenset()
    protected_labels: frozenset[str] = frozenset()
    max_series: int = 10_000

    @classmethod
    def of(cls, settings: Settings) -> ExpositionOptions:
        """What the settings say."""
        return cls(
            measures=frozenset(settings.exposition.measures),
            protected_labels=frozenset(settings.exposition.protected_labels),
            max_series=settings.limits.max_series,
        )


def render(
    snapshot: Snapshot, options: ExpositionOptions, wanted: Format = Format.TEXT, *, process: bool = False
) -> bytes:
    """The exposition of a snapshot; with ``process`` also process_* (CPU, memory, files) as of now."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(SnapshotCollector(snapshot, options))
    if process:
        ProcessCollector(registry=registry)
    return ENCODERS[wanted](registry.collect())


class SnapshotCollector(Collector):
    """The families of one immutable snapshot."""

    def __init__(self, snapshot: Snapshot, options: ExpositionOptions) -> None:
        self._snapshot = snapshot
        self._options = options

    def collect(self) -> Iterator[Metric]:
        series = 0
        for family in FAMILIES:
            metric = to_metric(family, family.read(self._snapshot))
            series += len(metric.samples)
            yield metric
        rows = list(_shown_rows(self._snapshot, self._options))
        kept = _within(rows, self._options.max_series - series)
        for measure in MEASURE_FAMILIES:
            yield to_metric(measure, (sample for row in kept for sample in measure.read(row)))
        yield to_metric(SERIES_DROPPED, SERIES_DROPPED.read(len(rows) - len(kept)))


def to_metric(family: MetricFamily[Any], samples: Iterable[Sample]) -> Metric:
    """A family with its samples in prometheus-client's form.

    Of two samples with the same labels the first counts: Prometheus would refuse the whole scrape.
    """
    kind = "gauge" if family.type == "info" else family.type
    metric = Metric(family.exposed_name if family.type == "info" else family.name, family.help, kind, family.unit)
    unique: dict[tuple[str, ...], float | Timing] = {}
    for labels, value in samples:
        unique.setdefault(labels, value)
    for labels, value in unique.items():
        named = dict(zip(family.labels, labels, strict=True))
        if isinstance(value, Timing):
            _add_histogram(metric, named, value)
        else:
            metric.add_sample(family.exposed_name, named, value)
    return metric


def _add_histogram(metric: Metric, labels: dict[str, str], timing: Timing) -> None:
    edges = (*(repr(edge) for edge in timing.edges), "+Inf")
    cumulative = timing.cumulative()
    for edge, count in zip(edges, cumulative, strict=True):
        metric.add_sample(f"{metric.name}_bucket", {**labels, "le": edge}, count)
    metric.add_sample(f"{metric.name}_count", labels, cumulative[-1])
    metric.add_sample(f"{metric.name}_sum", labels, timing.sum_seconds)


def _shown_rows(snapshot: Snapshot, options: ExpositionOptions) -> Iterator[StreamRow]:
    protected = {model.key: model.protected for model in snapshot.models}
    for stream in snapshot.streams:
        attributes = protected.get(ModelKey(*stream.key[:3]), ())
        for window in stream.windows:
            for result in window.results:
                if _is_wanted(result, options) and _names_no_hidden_group(result, attributes, options):
                    yield StreamRow(stream.key, window.stage, window.provisional, result)


def _is_wanted(result: Result, options: ExpositionOptions) -> bool:
    decides = result.tolerance is not None or result.status is not None
    return decides or not result.measurement.subject or result.measurement.metric in options.measures


def _names_no_hidden_group(result: Result, protected: tuple[str, ...], options: ExpositionOptions) -> bool:
    """Whether every attribute of ``sex=F`` or ``sex=F, age=25-40`` may show its groups. ``class=yes`` is a class of the
    model, not a group, unless an attribute is called so."""
    subject = result.measurement.subject
    if result.family not in GROUP_FAMILIES or "=" not in subject:
        return True
    named = {part.partition("=")[0] for part in subject.split(", ")}
    shown = options.protected_labels | ({"class"} - set(protected))
    return named <= shown


def _within(rows: list[StreamRow], budget: int) -> list[StreamRow]:
    """The rows that fit, in their order: breaches first, then what decides, then what informs."""
    kept = set()
    for i in sorted(range(len(rows)), key=lambda i: (_priority(rows[i]), i)):
        budget -= sum(1 for family in MEASURE_FAMILIES for _ in family.read(rows[i]))
        if budget < 0:
            break
        kept.add(i)
    return [row for i, row in enumerate(rows) if i in kept]


def _priority(row: StreamRow) -> int:
    status = row.result.status
    return 3 if status is None else _RANK[status]
