"""Families about measurements: read row by row, so that a cap on series never cuts a result in two."""

from __future__ import annotations

from collections.abc import Iterator

from detectors.measurement import Status
from exporters.families.family import MEASURE_LABELS, MetricFamily, Sample, StreamRow, present

Family = MetricFamily[StreamRow]


def _value(row: StreamRow) -> Iterator[Sample]:
    return _if_final(row, row.result.measurement.value)


def _if_final(row: StreamRow, value: float | None) -> Iterator[Sample]:
    if not row.provisional:
        yield from present(row.labels, value)


def _verdict(row: StreamRow) -> Iterator[Sample]:
    if row.provisional or row.result.status is None:
        return
    for status in Status:
        yield Sample((*row.labels, status.value), float(status is row.result.status))


def _undecided(row: StreamRow) -> Iterator[Sample]:
    if not row.provisional and row.result.status is Status.INSUFFICIENT_DATA:
        yield Sample((*row.labels, row.result.reason), 1)


def _provisional_value(row: StreamRow) -> Iterator[Sample]:
    if row.provisional:
        yield from present(row.labels, row.result.measurement.value)


def _provisional_events(row: StreamRow) -> Iterator[Sample]:
    if row.provisional:
        yield Sample(row.labels, row.result.measurement.n)


MEASURE_FAMILIES: tuple[Family, ...] = (
    Family(
        "wachter_measure_value",
        "gauge",
        "A measure on the latest window for which it is final.",
        MEASURE_LABELS,
        _value,
    ),
    Family(
        "wachter_measure_lower",
        "gauge",
        "Lower end of its interval.",
        MEASURE_LABELS,
        lambda row: _if_final(row, row.result.measurement.lower),
    ),
    Family(
        "wachter_measure_upper",
        "gauge",
        "Upper end of its interval.",
        MEASURE_LABELS,
        lambda row: _if_final(row, row.result.measurement.upper),
    ),
    Family(
        "wachter_measure_events",
        "gauge",
        "Events or labels of that window that the measure rests on.",
        MEASURE_LABELS,
        lambda row: _if_final(row, row.result.measurement.n),
    ),
    Family(
        "wachter_measure_baseline",
        "gauge",
        "The same measure on the reference.",
        MEASURE_LABELS,
        lambda row: _if_final(row, row.result.measurement.baseline),
    ),
    Family(
        "wachter_measure_expected",
        "gauge",
        "What the measure would be expected to be if nothing had changed, given the number of events.",
        MEASURE_LABELS,
        lambda row: _if_final(row, row.result.measurement.expected),
    ),
    Family(
        "wachter_measure_effect",
        "gauge",
        "What is compared with the tolerance: the measure itself, its change, or a gap, in all windows judged as one; "
        "larger is worse.",
        MEASURE_LABELS,
        lambda row: _if_final(row, row.result.measurement.effect),
    ),
    Family(
        "wachter_measure_effect_lower",
        "gauge",
        "Lower end of the effect's interval; a breach is a lower end above the tolerance.",
        MEASURE_LABELS,
        lambda row: _if_final(row, row.result.measurement.effect_lower),
    ),
    Family(
        "wachter_measure_effect_upper",
        "gauge",
        "Upper end of the effect's interval.",
        MEASURE_LABELS,
        lambda row: _if_final(row, row.result.measurement.effect_upper),
    ),
    Family(
        "wachter_measure_tolerance",
        "gauge",
        "Tolerated effect; absent for measures that only inform.",
        MEASURE_LABELS,
        lambda row: _if_final(row, row.result.tolerance),
    ),
    Family(
        "wachter_measure_verdict",
        "gauge",
        "1 for the verdict on the measure; absent for measures that only inform.",
        (*MEASURE_LABELS, "verdict"),
        _verdict,
    ),
    Family(
        "wachter_measure_undecided",
        "gauge",
        "1 while the verdict is insufficient_data, with its named reason.",
        (*MEASURE_LABELS, "reason"),
        _undecided,
    ),
    Family(
        "wachter_provisional_value",
        "gauge",
        "A measure on the latest window whose labels still arrive; it decides nothing.",
        MEASURE_LABELS,
        _provisional_value,
    ),
    Family(
        "wachter_provisional_events",
        "gauge",
        "Labels that the provisional value rests on.",
        MEASURE_LABELS,
        _provisional_events,
    ),
)

SERIES_DROPPED = MetricFamily[int](
    "wachter_series_dropped",
    "gauge",
    "Results without series in this scrape because limits.max_series was reached; the least telling go first.",
    (),
    lambda dropped: (Sample((), dropped),),
)
