"""Family ``service``: how much the model was asked, how fast it answered, and how often it failed.

    volume       events of the window
    error_rate   events whose status is a failure / events, Wilson
    latency_mean, latency_p50, latency_p95, latency_p99, in ms, of the events that say their latency

Tables, the same for every model:

    service.events    count    (2,)     events, failures
    service.latency   count    (258,)   32 cells a decade from 0.01 ms to 1 000 000 ms, below and above
    service.duration  limbs    (1, 2)   exact sum of latencies, on a grid of centre 0 and scale 1024 ms
    service.fastest, service.slowest    (1,) extremes

A cell is 7.5 % wide, so an interpolated quantile errs by less. Its interval is that of its order statistics. What is too
slow depends on the service, so none of these has a tolerance of its own. The volume of a version informs; that of the whole
model is judged against the weeks before (volume.py).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from detectors import grid, volume
from detectors.columns import Columns
from detectors.estimates import Estimate, difference, exactly, wilson
from detectors.family import Frame
from detectors.layout import Layout
from detectors.measurement import Measurement, Rule, Stage, on_demand
from detectors.reasons import NO_LATENCY
from detectors.tables import Kind, Tables, TableSpec, make_tables

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

EVENTS = "service.events"
LATENCY = "service.latency"
DURATION = "service.duration"
FASTEST = "service.fastest"
SLOWEST = "service.slowest"

CELLS_PER_DECADE = 32
DECADES = range(-2, 6)
SCALE_MS = 1024.0
QUANTILES = (("latency_p50", 0.5), ("latency_p95", 0.95), ("latency_p99", 0.99))

LATENCY_EDGES: Floats = np.array(
    [
        float(f"{10.0 ** (decade + step / CELLS_PER_DECADE):.6g}")  # six digits: the same on every machine
        for decade in DECADES
        for step in range(CELLS_PER_DECADE)
    ]
    + [1e6]
)
_SPECS = (
    TableSpec(EVENTS, Kind.COUNT, (2,)),
    TableSpec(LATENCY, Kind.COUNT, (len(LATENCY_EDGES) + 1,)),
    TableSpec(DURATION, Kind.LIMBS, (1, 2)),
    TableSpec(FASTEST, Kind.MINIMUM, (1,)),
    TableSpec(SLOWEST, Kind.MAXIMUM, (1,)),
)


@dataclass(frozen=True, slots=True)
class ServiceTally:
    """Counts events, failures and latencies."""

    name: str = "service"
    counts: Literal["inferences"] = "inferences"

    def specs(self, layout: Layout) -> tuple[TableSpec, ...]:
        """The tables above; they do not depend on the layout."""
        return _SPECS

    def count(self, batch: Columns, layout: Layout) -> Tables:
        """The tables of one batch."""
        latency = batch.latency_ms[~np.isnan(batch.latency_ms)]
        cell = np.searchsorted(LATENCY_EDGES, latency, side="right")
        k, _ = grid.quantise(latency, 0.0, SCALE_MS)
        arrays = (
            np.array([len(batch), np.count_nonzero(batch.failed)], dtype=np.int64),
            np.bincount(cell, minlength=len(LATENCY_EDGES) + 1).astype(np.int64, copy=False),
            grid.sum_limbs(k.reshape(1, -1)),
            np.array([latency.min(initial=np.inf)]),
            np.array([latency.max(initial=-np.inf)]),
        )
        return make_tables(zip(_SPECS, arrays, strict=True))


@dataclass(frozen=True, slots=True)
class Service:
    """Measures volume, failures and latency; stateless."""

    name: str = "service"
    tallies: tuple[ServiceTally, ...] = (ServiceTally(),)
    measures: tuple[str, ...] = (volume.METRIC, "error_rate", "latency_mean", *(metric for metric, _ in QUANTILES))
    rules: tuple[Rule, ...] = (
        volume.RULE,
        on_demand("error_rate", "service"),
        *(on_demand(metric, "service") for metric, _ in QUANTILES),
    )

    def measure(self, window: Tables, frame: Frame) -> Iterator[Measurement]:
        """Volume always, the rest where there are events."""
        if frame.stage is not Stage.WINDOW:
            return
        events, failures = window.ints(EVENTS).tolist() if EVENTS in window else (0, 0)
        yield Measurement(volume.METRIC, value=float(events), n=events, direction="none")
        if events == 0:
            return
        yield _error_rate(failures, events, frame)
        yield from _latencies(window, frame)


def _error_rate(failures: int, events: int, frame: Frame) -> Measurement:
    phi = frame.inflation("error_rate")
    rate = wilson(failures, events, frame.z, events / phi)
    before = _reference_rate(frame, phi)
    effect = difference(rate, before or exactly(0.0))
    return Measurement(
        "error_rate",
        value=float(rate.value),
        n=events,
        lower=float(rate.lower),
        upper=float(rate.upper),
        baseline=float(before.value) if before else None,
        effect=float(effect.value),
        effect_lower=float(effect.lower),
        effect_upper=float(effect.upper),
    )


def _reference_rate(frame: Frame, phi: float) -> Estimate | None:
    if frame.reference is None or EVENTS not in frame.reference:
        return None
    events, failures = frame.reference.ints(EVENTS).tolist()
    return wilson(failures, events, frame.z, events / phi) if events else None


def _latencies(window: Tables, frame: Frame) -> Iterator[Measurement]:
    counts = window.ints(LATENCY)
    n = int(counts.sum())
    if n == 0:
        yield Measurement("latency_mean", reason=NO_LATENCY)
        yield from (Measurement(metric, reason=NO_LATENCY) for metric, _ in QUANTILES)
        return
    mean = float(grid.to_float(window.ints(DURATION))[0]) / grid.GRID * SCALE_MS / n
    yield Measurement("latency_mean", value=mean, n=n)
    bounds = _bounds(window)
    for metric, share in QUANTILES:
        reach = frame.z * np.sqrt(frame.inflation(metric) * share * (1 - share) / n)
        value, lower, upper = _quantiles(counts, bounds, np.array([share, share - reach, share + reach]))
        yield Measurement(
            metric,
            value=value,
            n=n,
            lower=lower,
            upper=upper,
            effect=value,
            effect_lower=lower,
            effect_upper=upper,
        )


def _bounds(window: Tables) -> Floats:
    """Edges of all cells; the open ones end at the extremes."""
    low, high = float(window.floats(FASTEST)[0]), float(window.floats(SLOWEST)[0])
    return np.concatenate(([min(low, LATENCY_EDGES[0])], LATENCY_EDGES, [max(high, LATENCY_EDGES[-1])]))


def _quantiles(counts: Ints, bounds: Floats, shares: Floats) -> list[float]:
    """Quantiles by linear interpolation within cells; shares beyond 0 and 1 give the extremes of the cells."""
    running = np.concatenate(([0], np.cumsum(counts)))
    first = np.flatnonzero(counts)
    ends = np.stack((first, first + 1), axis=1).ravel()
    found: list[float] = np.interp(np.clip(shares, 0.0, 1.0) * running[-1], running[ends], bounds[ends]).tolist()
    return found
