"""Families about the event log; absent where nothing is logged."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from exporters.families.family import MetricFamily, Sample, present, seconds
from exporters.snapshot import LogStatus, Snapshot

Family = MetricFamily[Snapshot]


def _of(read: Callable[[LogStatus], float | None]) -> Callable[[Snapshot], Iterator[Sample]]:
    """The one sample of a family, where there is a log and a value."""
    return lambda snapshot: present((), None if snapshot.log is None else read(snapshot.log))


LOG: tuple[Family, ...] = (
    Family(
        "wachter_log_entries",
        "counter",
        "Entries of the event log.",
        (),
        _of(lambda log: log.entries),
    ),
    Family(
        "wachter_log_bytes",
        "gauge",
        "Size of the event log on disk.",
        (),
        _of(lambda log: log.bytes),
        unit="bytes",
    ),
    Family(
        "wachter_log_signed_entries",
        "gauge",
        "Entries of the current month that the last checkpoint covers.",
        (),
        _of(lambda log: log.signed_size),
    ),
    Family(
        "wachter_log_signed_timestamp_seconds",
        "gauge",
        "When the last checkpoint was signed; absent before the first one of this process.",
        (),
        _of(lambda log: None if log.signed_us is None else seconds(log.signed_us)),
        unit="seconds",
    ),
    Family(
        "wachter_log_unwritable",
        "gauge",
        "1 while the event log cannot be written; nothing is consumed then.",
        (),
        _of(lambda log: float(bool(log.unwritable))),
    ),
    Family(
        "wachter_log_copies_failed",
        "counter",
        "Checkpoints that a receiver of copies did not take, since the start.",
        (),
        _of(lambda log: log.copies_failed),
    ),
)
