"""Families about the process: its steps, its bounds, its settings, its receivers."""

from __future__ import annotations

from collections.abc import Iterator

from exporters.families.family import MetricFamily, Sample, seconds, single
from exporters.snapshot import Snapshot

DELIVERY_OUTCOMES = ("delivered", "retried", "failed")

Family = MetricFamily[Snapshot]


def _build(snapshot: Snapshot) -> Iterator[Sample]:
    build = snapshot.build
    yield Sample((build.version, build.revision, build.python), 1)


def _deliveries(snapshot: Snapshot) -> Iterator[Sample]:
    for receiver in snapshot.receivers:
        for outcome in DELIVERY_OUTCOMES:
            yield Sample((receiver.receiver, outcome), receiver.outcomes.get(outcome, 0))


def _oldest(snapshot: Snapshot) -> Iterator[Sample]:
    for receiver in snapshot.receivers:
        if receiver.oldest_us is not None:
            yield Sample((receiver.receiver,), seconds(receiver.oldest_us))


def _last_step(snapshot: Snapshot) -> Iterator[Sample]:
    if snapshot.last_step_us is not None:
        yield Sample((), seconds(snapshot.last_step_us))


def _reload_time(snapshot: Snapshot) -> Iterator[Sample]:
    at_us = snapshot.started_us if snapshot.reload is None else snapshot.reload.last_success_us
    yield Sample((), seconds(at_us))


PROCESS: tuple[Family, ...] = (
    Family("wachter_build", "info", "Which program this is.", ("version", "revision", "python"), _build),
    Family(
        "wachter_start_timestamp_seconds",
        "gauge",
        "When the agent started.",
        (),
        lambda s: single(seconds(s.started_us)),
        unit="seconds",
    ),
    Family(
        "wachter_ready",
        "gauge",
        "1 while /-/ready answers 200.",
        (),
        lambda s: single(float(not s.not_ready)),
    ),
    Family(
        "wachter_step_seconds",
        "histogram",
        "Duration of one step, from poll to durable state.",
        (),
        lambda s: (Sample((), s.steps),),
        unit="seconds",
    ),
    Family(
        "wachter_last_step_timestamp_seconds",
        "gauge",
        "When the last step ended.",
        (),
        _last_step,
        unit="seconds",
    ),
    Family(
        "wachter_loop_timestamp_seconds",
        "gauge",
        "When the loop last turned; it does so every second, however little there is to do.",
        (),
        lambda s: single(seconds(s.at_us)),
        unit="seconds",
    ),
    Family(
        "wachter_steps_dropped",
        "counter",
        "Steps that were not written because the partitions had gone to another member.",
        (),
        lambda s: single(s.counters.steps_dropped),
    ),
    Family(
        "wachter_state_bytes",
        "gauge",
        "Size on disk by part of the state directory.",
        ("part",),
        lambda s: (Sample((part,), s.state_bytes[part]) for part in sorted(s.state_bytes)),
        unit="bytes",
    ),
    Family(
        "wachter_disk_size_bytes",
        "gauge",
        "Size of the file system that the state directory or the log lies on.",
        ("directory",),
        lambda s: (Sample((name,), s.disks[name].size_bytes) for name in sorted(s.disks)),
        unit="bytes",
    ),
    Family(
        "wachter_disk_free_bytes",
        "gauge",
        "What is free on it for the agent.",
        ("directory",),
        lambda s: (Sample((name,), s.disks[name].free_bytes) for name in sorted(s.disks)),
        unit="bytes",
    ),
    Family(
        "wachter_bound_used",
        "gauge",
        "How much of a bounded thing is in use.",
        ("bound",),
        lambda s: (Sample((b.name,), b.used) for b in s.bounds),
    ),
    Family(
        "wachter_bound_limit",
        "gauge",
        "Its limit, as the settings say.",
        ("bound",),
        lambda s: (Sample((b.name,), b.limit) for b in s.bounds),
    ),
    Family(
        "wachter_bound_reached",
        "counter",
        "How often the limit was reached.",
        ("bound",),
        lambda s: (Sample((b.name,), b.reached) for b in s.bounds),
    ),
    Family(
        "wachter_config_last_reload_successful",
        "gauge",
        "1 if the last reading of the settings succeeded.",
        (),
        lambda s: single(float(s.reload is None or s.reload.successful)),
    ),
    Family(
        "wachter_config_last_reload_success_timestamp_seconds",
        "gauge",
        "When the settings in force were read.",
        (),
        _reload_time,
        unit="seconds",
    ),
    Family(
        "wachter_web_config_last_reload_successful",
        "gauge",
        "1 if the last reading of the web config succeeded, or there is none.",
        (),
        lambda s: single(float(not s.web_config_trouble)),
    ),
)

OUTBOX: tuple[Family, ...] = (
    Family(
        "wachter_outbox_waiting",
        "gauge",
        "Messages that a receiver has not taken yet.",
        ("receiver",),
        lambda s: (Sample((r.receiver,), r.waiting) for r in s.receivers),
    ),
    Family(
        "wachter_outbox_dead",
        "gauge",
        "Messages that a receiver refused for good.",
        ("receiver",),
        lambda s: (Sample((r.receiver,), r.dead) for r in s.receivers),
    ),
    Family(
        "wachter_outbox_oldest_timestamp_seconds",
        "gauge",
        "Since when the oldest waiting message has been due; absent where none waits.",
        ("receiver",),
        _oldest,
        unit="seconds",
    ),
    Family(
        "wachter_deliveries",
        "counter",
        "Deliveries since the start by outcome: taken, to be tried again, refused for good.",
        ("receiver", "outcome"),
        _deliveries,
    ),
)
