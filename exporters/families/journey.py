"""Families about the journey of events: what became of records and labels, and the source they come from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from config.contract import REJECT_REASONS
from exporters.families.family import MetricFamily, Sample, present, seconds, single
from exporters.snapshot import FAILURE_EDGES, LABEL_OUTCOMES, SOURCE_STATES, PartitionStatus, Snapshot

PARTITION_LABELS = ("topic", "partition")

Family = MetricFamily[Snapshot]


def _known(counts: Mapping[str, int], names: tuple[str, ...]) -> Iterator[Sample]:
    """Counts by name; the known names come first and are 0 where nothing was counted."""
    for name in (*names, *sorted(counts.keys() - set(names))):
        yield Sample((name,), counts.get(name, 0))


def _partition(partition: PartitionStatus) -> tuple[str, str]:
    return partition.topic, str(partition.number)


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
        "Unexpected exceptions caught: of one detector on one window, of an act, or of a step, which is then read again.",
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
