"""Families about systems, models and streams: facts, event time, windows, incidents."""

from __future__ import annotations

import math
from collections.abc import Iterator

from detectors.measurement import Status, Track
from exporters.families.family import (
    MODEL_LABELS,
    STAGE_LABELS,
    STREAM_LABELS,
    MetricFamily,
    Sample,
    model_labels,
    seconds,
    stage_label,
)
from exporters.snapshot import Snapshot, StreamStatus, WindowResults

Family = MetricFamily[Snapshot]


def _windows(snapshot: Snapshot) -> Iterator[tuple[StreamStatus, WindowResults, tuple[str, ...]]]:
    for stream in snapshot.streams:
        for window in stream.windows:
            yield stream, window, (*stream.key, stage_label(window.stage, window.provisional))


def _watermarks(snapshot: Snapshot) -> Iterator[Sample]:
    for system in snapshot.systems:
        for kind, at_us in (("events", system.watermark_us), ("labels", system.label_watermark_us)):
            if at_us is not None:
                yield Sample((system.system, kind), seconds(at_us))


def _model_events(snapshot: Snapshot) -> Iterator[Sample]:
    for model in snapshot.models:
        yield Sample((*model_labels(model.key), "ok"), model.accepted - model.failed)
        yield Sample((*model_labels(model.key), "error"), model.failed)


def _last_event(snapshot: Snapshot) -> Iterator[Sample]:
    for model in snapshot.models:
        if model.last_event_us is not None:
            yield Sample(model_labels(model.key), seconds(model.last_event_us))


def _evaluations(snapshot: Snapshot) -> Iterator[Sample]:
    for stream in snapshot.streams:
        for status in Status:
            yield Sample((*stream.key, status.value), stream.evaluations.get(status, 0))


def _calls(snapshot: Snapshot) -> Iterator[Sample]:
    for stream in snapshot.streams:
        for track in Track:
            yield Sample((*stream.key, track.value), stream.calls.get(track, 0))


def _incidents_open(snapshot: Snapshot) -> Iterator[Sample]:
    counts = {(*s.key, track.value, snapshot.severities[track]): 0 for s in snapshot.streams for track in Track}
    for incident in snapshot.incidents:
        key = (*incident.stream, incident.track.value, incident.severity)
        counts[key] = counts.get(key, 0) + (incident.state != "resolved")
    return (Sample(labels, count) for labels, count in counts.items())


def _incident_opened(snapshot: Snapshot) -> Iterator[Sample]:
    for incident in snapshot.incidents:
        if incident.state != "resolved":
            yield Sample((*incident.stream, incident.track.value), seconds(incident.opened_us))


def _incident_acknowledged(snapshot: Snapshot) -> Iterator[Sample]:
    for incident in snapshot.incidents:
        if incident.state != "resolved":
            yield Sample((*incident.stream, incident.track.value), float(bool(incident.acknowledged_by)))


def _cells(snapshot: Snapshot) -> Iterator[Sample]:
    for stream, window, _ in _windows(snapshot):
        for cell in window.cells:
            below = "" if cell.below is None else "+Inf" if math.isinf(cell.below) else repr(cell.below)
            yield Sample((*stream.key, cell.column, cell.cell, below), cell.count)


MODEL_FAMILIES: tuple[Family, ...] = (
    Family(
        "wachter_system",
        "info",
        "What the settings say about a system.",
        ("system", "owner", "supplier", "risk_class"),
        lambda s: (Sample((x.system, x.owner, x.supplier, x.risk_class), 1) for x in s.systems),
    ),
    Family(
        "wachter_model",
        "info",
        "A model version, with the first digits of the digests of its reference and its layout.",
        (*MODEL_LABELS, "task", "reference", "layout"),
        lambda s: (Sample((*m.key, m.task, m.reference, m.layout), 1) for m in s.models),
    ),
    Family(
        "wachter_watermark_timestamp_seconds",
        "gauge",
        "Event time before which nothing more is expected: of events, and of labels.",
        ("system", "kind"),
        _watermarks,
        unit="seconds",
    ),
    Family(
        "wachter_model_events",
        "counter",
        "Accepted inference events by the status that the model answered with.",
        (*MODEL_LABELS, "status"),
        _model_events,
    ),
    Family(
        "wachter_stream_overflow_events",
        "counter",
        "Inference events beyond limits.max_streams: rejected with their version (version is __other__), or counted for the "
        "whole model only (segment is __other__).",
        STREAM_LABELS,
        lambda s: (Sample(tuple(key), count) for key, count in s.overflow.items()),
    ),
    Family(
        "wachter_model_last_event_timestamp_seconds",
        "gauge",
        "Largest event time of an accepted inference event.",
        MODEL_LABELS,
        _last_event,
        unit="seconds",
    ),
    Family(
        "wachter_window_start_timestamp_seconds",
        "gauge",
        "Start of the latest measured window; stage says whether it is final without labels (window), with them (labels), "
        "or provisional.",
        STAGE_LABELS,
        lambda s: (Sample(labels, seconds(window.start_us)) for _, window, labels in _windows(s)),
        unit="seconds",
    ),
    Family(
        "wachter_window_end_timestamp_seconds",
        "gauge",
        "End of that window.",
        STAGE_LABELS,
        lambda s: (Sample(labels, seconds(window.end_us)) for _, window, labels in _windows(s)),
        unit="seconds",
    ),
    Family(
        "wachter_window_partial",
        "gauge",
        "1 if that window was cut by the first position read or by a gap; such a window decides nothing.",
        STAGE_LABELS,
        lambda s: (Sample(labels, float(window.partial)) for _, window, labels in _windows(s)),
    ),
    Family(
        "wachter_windows_closed",
        "counter",
        "Windows that were measured for good.",
        STREAM_LABELS,
        lambda s: (Sample(tuple(x.key), x.windows_closed) for x in s.streams),
    ),
    Family(
        "wachter_judgement_z",
        "gauge",
        "Normal quantile of the intervals that are judged, from the budget of false alarms.",
        STREAM_LABELS,
        lambda s: (Sample(tuple(x.key), x.z) for x in s.streams),
    ),
    Family(
        "wachter_evaluations",
        "counter",
        "Verdicts by status.",
        (*STREAM_LABELS, "verdict"),
        _evaluations,
    ),
    Family(
        "wachter_calls",
        "counter",
        "How often people were called, by track: harm pages, health is a ticket.",
        (*STREAM_LABELS, "track"),
        _calls,
    ),
    Family(
        "wachter_incidents_open",
        "gauge",
        "Open incidents; at most one per stream and track.",
        (*STREAM_LABELS, "track", "severity"),
        _incidents_open,
    ),
    Family(
        "wachter_incident_opened_timestamp_seconds",
        "gauge",
        "Event time at which the open incident opened.",
        (*STREAM_LABELS, "track"),
        _incident_opened,
        unit="seconds",
    ),
    Family(
        "wachter_incident_acknowledged",
        "gauge",
        "1 if somebody has acknowledged the open incident.",
        (*STREAM_LABELS, "track"),
        _incident_acknowledged,
    ),
    Family(
        "wachter_column_cell_events",
        "gauge",
        "Events of the latest window by cell of a column: below its upper edge (cumulative), or by name where the cell "
        "holds no number. Only with exposition.cells.",
        (*STREAM_LABELS, "column", "cell", "below"),
        _cells,
    ),
)
