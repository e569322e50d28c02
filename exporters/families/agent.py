"""Families about the agent: the journey of events, its source, its steps, its bounds, its receivers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from config.contract import REJECT_REASONS
from exporters.families.family import MetricFamily, Sample, present, seconds, single
from exporters.snapshot import FAILURE_EDGES, LABEL_OUTCOMES, SOURCE_STATES, PartitionStatus, Snapshot

PARTITION_LABELS = ("topic", "partition")
DELIVERY_OUTCOMES = ("delivered", "retried", "failed")

Family = MetricFamily[Snapshot]


def _known(counts: Mapping[str, int], names: tuple[str, ...]) -> Iterator[Sample]:
    """Counts by name; the known names come first and are 0 where nothing was counted."""
    for name in (*names, *sorted(counts.keys() - set(names))):
        yield Sample((name,), counts.get(name, 0))


def _partition(partition: PartitionStatus) -> tuple[str, str]:
    return partition.topic, str(partition.number)


def _build(snapshot: Snapshot) -> Iterator[Sample]:
    build = snapshot.build
    yield Sample((build.version, build.revision, build.python), 1)


def _lag(snapshot: Snapshot) -> Iterator[Sample]:
    for partition in snapshot.source.partitions:
        yield from present(_partition(partition), partition.lag_records)


def _frontier(snapshot: Snapshot) -> Iterator[Sample]:
    for partition in snapshot.source.partitions:
        if partition.frontier_us is not None:
            yield Sample(_partition(partition), seconds(partition.frontier_us))


def _trouble(snapshot: Snapshot) -> Iterator[Sample]:
    if snapshot.source.trouble:
        yield Sample((snapshot.source.trouble,), 1)


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


JOURNEY: tuple[Family, ...] = (
    Family(
        "wachter_events_received",
        "counter",
        "Inference events and unreadable records; always accepted + rejected + duplicate + late.",
        (),
        lambda s: single(s.counters.received),
    ),
    Family(
        "wachter_events_accepted",
        "counter",
        "Events that were taken in.",
        (),
        lambda s: single(s.counters.accepted),
    ),
    Family(
        "wachter_events_rejected",
        "counter",
        "Records that could not be placed, by named reason; see wachter rejects list.",
        ("reason",),
        lambda s: _known(s.counters.rejected, tuple(REJECT_REASONS)),
    ),
    Family(
        "wachter_events_duplicate",
        "counter",
        "Copies of events that were already taken in.",
        (),
        lambda s: single(s.counters.duplicates),
    ),
    Family(
        "wachter_events_late",
        "counter",
        "Inference events whose pane was already frozen.",
        (),
        lambda s: single(s.counters.late),
    ),
    Family(
        "wachter_events_conflicting",
        "counter",
        "Duplicates that differ from the event they repeat; the first one counts.",
        (),
        lambda s: single(s.counters.conflicts),
    ),
    Family(
        "wachter_events_oversight",
        "counter",
        "Oversight events: a person reviewed, overrode or stopped.",
        (),
        lambda s: single(s.counters.oversights),
    ),
    Family(
        "wachter_labels_received",
        "counter",
        "Label events, and labels that came with their prediction.",
        (),
        lambda s: single(s.counters.labels_received),
    ),
    Family(
        "wachter_labels",
        "counter",
        "Labels by what became of them.",
        ("outcome",),
        lambda s: _known(s.counters.labels, LABEL_OUTCOMES),
    ),
    Family(
        "wachter_undeclared_fields",
        "counter",
        "Fields of events that the settings do not declare; they are ignored.",
        (),
        lambda s: single(s.counters.undeclared_fields),
    ),
    Family(
        "wachter_gap_records",
        "counter",
        "Offsets that were gone from the source before they were read.",
        (),
        lambda s: single(s.counters.gap_records),
    ),
    Family(
        "wachter_rejects_evicted",
        "counter",
        "Rejected records whose bytes were given up for newer ones.",
        (),
        lambda s: single(s.counters.rejects_evicted),
    ),
    Family(
        "wachter_failures",
        "counter",
        "Unexpected exceptions caught at an edge: one record, one detector on one window, one exporter.",
        ("edge",),
        lambda s: _known(s.counters.failures, FAILURE_EDGES),
    ),
)

SOURCE: tuple[Family, ...] = (
    Family(
        "wachter_source_state",
        "gauge",
        "1 for the state that the source is in.",
        ("state",),
        lambda s: (Sample((state,), float(state == s.source.state)) for state in SOURCE_STATES),
    ),
    Family(
        "wachter_source_trouble",
        "gauge",
        "1 while nothing can be read, with the kind of trouble; the log and / say it in words.",
        ("kind",),
        _trouble,
    ),
    Family(
        "wachter_partition_lag_records",
        "gauge",
        "Records between the position and the end of the partition.",
        PARTITION_LABELS,
        _lag,
    ),
    Family(
        "wachter_partition_next_offset",
        "gauge",
        "Offset of the next record whose effect is not durable yet.",
        PARTITION_LABELS,
        lambda s: (Sample(_partition(p), p.next_offset) for p in s.source.partitions),
    ),
    Family(
        "wachter_partition_frontier_timestamp_seconds",
        "gauge",
        "Event time that the partition has reached (running maximum of a median).",
        PARTITION_LABELS,
        _frontier,
        unit="seconds",
    ),
    Family(
        "wachter_partition_paused",
        "gauge",
        "1 while the partition waits for others or for room.",
        PARTITION_LABELS,
        lambda s: (Sample(_partition(p), float(p.paused)) for p in s.source.partitions),
    ),
    Family(
        "wachter_commits_failed",
        "counter",
        "Commits to the source that failed; harmless, the state is what counts.",
        (),
        lambda s: single(s.counters.commits_failed),
    ),
)

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
        "When the oldest waiting message was written; absent where none waits.",
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

AGENT_FAMILIES: tuple[Family, ...] = (*PROCESS, *JOURNEY, *SOURCE, *OUTBOX)
