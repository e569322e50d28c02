"""Family ``drift``: has the distribution of a column changed since the reference?

Every feature, the prediction and the score, each as its own subject, all at once. One measure decides, the Jensen-Shannon
distance; the others inform. Drift explains, it never pages: its rule belongs to the health track.

    every column   js_distance, psi, hellinger, total_variation, chi_square
    numbers        ks, wasserstein, mean_shift, quantile_shift
    categories     linf, cramers_v

The value of a measure is what the shares give; its interval and its effect are corrected for what chance alone adds
(divergence.py), so the interval may lie below the value. ``expected`` is the value that chance alone would give.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from detectors.cells import CellTally, hold_events
from detectors.comparison import CellIndex, Comparison, Floats, Mask
from detectors.divergence import HELLINGER2, JSD, PSI, Divergence, noise, smallest_decidable_root
from detectors.estimates import Estimate
from detectors.expectation import expected, expected_kolmogorov_smirnov
from detectors.family import Frame
from detectors.homogeneity import chi_square, cramers_v
from detectors.intervals import kolmogorov_smirnov, largest_share_change, noise_of_total_variation, total_variation
from detectors.location import Moments, mean_shift, positions, quantile_shift, wasserstein
from detectors.measurement import Measurement, Rule, Stage, Track, on_demand
from detectors.moved import most_moved
from detectors.reasons import NO_REFERENCE, NO_REFERENCE_VALUES, NO_SPREAD_IN_REFERENCE, NO_VALUES, SINGLE_CELL
from detectors.tables import Tables

DECIDING = "js_distance"
INTERVALS = ("psi", "hellinger", "total_variation", "ks", "mean_shift", "quantile_shift")
"""What else has an interval, and so may decide."""


@dataclass(frozen=True, slots=True)
class Drift:
    """Measures columns against the reference; stateless."""

    name: str = "drift"
    tallies: tuple[CellTally, ...] = (CellTally(),)
    measures: tuple[str, ...] = (
        DECIDING, *INTERVALS, "chi_square", "wasserstein", "linf", "cramers_v",
    )  # fmt: skip
    rules: tuple[Rule, ...] = (
        Rule(DECIDING, "drift", Track.HEALTH, 0.1, 2, 2, 500, auto=True),
        *(on_demand(metric, "drift", 500) for metric in INTERVALS),
    )

    def measure(self, window: Tables, frame: Frame) -> Iterator[Measurement]:
        """All measures of every column that both sides have values of; of the others the deciding one, with the reason."""
        index = frame.layout.derived(CellIndex.of)
        if frame.stage is not Stage.WINDOW or not hold_events(window):
            return
        if frame.reference is None:
            yield from _without_reference(window, index)
            return
        pair = Comparison.of(index, window, frame.reference)
        usable = pair.usable
        yield from _not_comparable(pair, index, ~usable)
        yield from _Columns.of(pair, index, usable, frame).everywhere()
        numeric = usable & (np.arange(len(usable)) < index.numeric)
        if numeric.any():
            yield from _numbers(pair, index, numeric, window, frame)
        if (usable & ~numeric).any():
            yield from _Columns.of(pair, index, usable & ~numeric, frame).categories()


@dataclass(frozen=True, slots=True, eq=False)
class _Columns:
    """Comparable columns of one kind, and what they are measured with."""

    pair: Comparison
    names: tuple[str, ...]
    numeric: int
    frame: Frame
    labels: tuple[int, ...]

    @classmethod
    def of(cls, pair: Comparison, index: CellIndex, rows: Mask, frame: Frame) -> _Columns:
        chosen = tuple(np.flatnonzero(rows).tolist())
        names = tuple(index.names[row] for row in chosen)
        return cls(pair.select(rows), names, sum(row < index.numeric for row in chosen), frame, chosen)

    def phi(self, metric: str) -> Floats:
        return np.array([self.frame.inflation(metric, name) for name in self.names])

    def everywhere(self) -> Iterator[Measurement]:
        """The measures of any column."""
        if not self.names:
            return
        phi = self.phi(DECIDING)
        usual = expected(self.pair, phi)
        test = chi_square(self.pair, self.numeric, self.phi("chi_square"))
        moved = most_moved(self.pair, self.labels, self.frame.layout)
        yield from self._rooted(DECIDING, JSD, usual.js_distance, test.p_value, moved)
        yield from self._rooted("hellinger", HELLINGER2, usual.hellinger)
        phi = self.phi("psi")
        psi = PSI.corrected(self.pair, phi, self.frame.z)
        yield from self.report("psi", PSI.value(self.pair), psi, psi, expected=usual.psi)
        phi = self.phi("total_variation")
        distance = total_variation(self.pair, phi, self.frame.z)
        effect = distance._replace(value=np.maximum(distance.value - noise_of_total_variation(self.pair, phi), 0.0))
        yield from self.report("total_variation", distance.value, distance, effect, expected=usual.total_variation)
        degrees = test.freedom * self.phi("chi_square")
        yield from self.report("chi_square", test.statistic, expected=degrees, p_value=test.p_value)

    def categories(self) -> Iterator[Measurement]:
        """The measures of categories only."""
        yield from self.report("linf", largest_share_change(self.pair))
        yield from self.report("cramers_v", cramers_v(self.pair))

    def _rooted(
        self,
        metric: str,
        divergence: Divergence,
        usual: Floats,
        p_value: Floats | None = None,
        moved: tuple[str, ...] | None = None,
    ) -> Iterator[Measurement]:
        """A distance that is the root of a divergence."""
        phi = self.phi(metric)
        root = Estimate(*(np.sqrt(part) for part in divergence.corrected(self.pair, phi, self.frame.z)))
        smallest = smallest_decidable_root(divergence, self.pair.size, noise(self.pair, phi), self.frame.z)
        value = np.sqrt(divergence.value(self.pair))
        yield from self.report(
            metric, value, root, root, expected=usual, p_value=p_value, resolution=smallest, moved=moved
        )

    def report(
        self,
        metric: str,
        value: Floats,
        interval: Estimate | None = None,
        effect: Estimate | None = None,
        *,
        expected: Floats | None = None,
        p_value: Floats | None = None,
        resolution: Floats | None = None,
        moved: tuple[str, ...] | None = None,
        direction: str = "higher_is_worse",
    ) -> Iterator[Measurement]:
        """One measurement per column; a value that is NaN has no spread in the reference to be measured in."""
        if effect is not None and resolution is None:
            resolution = (effect.upper - effect.lower) / 2
        n = self.pair.n.tolist()
        for i, name in enumerate(self.names):
            if np.isnan(value[i]):
                yield Measurement(metric, name, reason=NO_SPREAD_IN_REFERENCE, n=n[i], direction=direction)
                continue
            yield Measurement(
                metric,
                name,
                value=float(value[i]),
                n=n[i],
                lower=_at(interval and interval.lower, i),
                upper=_at(interval and interval.upper, i),
                effect=_at(effect and effect.value, i),
                effect_lower=_at(effect and effect.lower, i),
                effect_upper=_at(effect and effect.upper, i),
                resolution=_at(resolution, i),
                expected=_at(expected, i),
                p_value=_at(p_value, i),
                direction=direction,
                detail=(("moved", moved[i]),) if moved and moved[i] else (),
            )


def _numbers(pair: Comparison, index: CellIndex, rows: Mask, window: Tables, frame: Frame) -> Iterator[Measurement]:
    """The measures of numbers only."""
    assert frame.reference is not None
    columns = _Columns.of(pair, index, rows, frame)
    every = pair.select(slice(0, index.numeric))
    picked = rows[: index.numeric]
    at = positions(window, frame.reference, every, frame.layout).select(picked)
    here = Moments.of(window, frame.layout, every.n).select(picked)
    there = Moments.of(frame.reference, frame.layout, every.m).select(picked)
    phi = columns.phi("ks")
    largest = kolmogorov_smirnov(columns.pair, phi, frame.z)
    usual = expected_kolmogorov_smirnov(columns.pair, phi)
    yield from columns.report("ks", largest.value, largest, largest, expected=usual)
    yield from columns.report("wasserstein", wasserstein(columns.pair, at, there))
    mean = mean_shift(here, there, columns.pair, columns.phi("mean_shift"), frame.z)
    yield from columns.report("mean_shift", mean.value, mean, _magnitude(mean), direction="none")
    median = quantile_shift(columns.pair, at, columns.phi("quantile_shift"), frame.z)
    yield from columns.report("quantile_shift", median.value, median, _magnitude(median), direction="none")


def _without_reference(window: Tables, index: CellIndex) -> Iterator[Measurement]:
    n = index.counts(window).sum(axis=1).tolist()
    for name, count in zip(index.names, n, strict=True):
        yield Measurement(DECIDING, name, reason=NO_REFERENCE, n=count)


def _not_comparable(pair: Comparison, index: CellIndex, rows: Mask) -> Iterator[Measurement]:
    for row in np.flatnonzero(rows).tolist():
        yield Measurement(DECIDING, index.names[row], reason=_why(pair, row), n=int(pair.n[row]))


def _why(pair: Comparison, row: int) -> str:
    if pair.m[row] == 0:
        return NO_REFERENCE_VALUES
    return NO_VALUES if pair.n[row] == 0 else SINGLE_CELL


def _magnitude(shift: Estimate) -> Estimate:
    """The interval of |shift|: from 0 where the interval of the shift holds 0."""
    ends = np.stack((np.abs(shift.lower), np.abs(shift.upper)))
    lower = np.where(shift.lower * shift.upper <= 0.0, 0.0, ends.min(axis=0))
    return Estimate(np.abs(shift.value), lower, ends.max(axis=0))


def _at(values: Floats | None, i: int) -> float | None:
    return None if values is None else float(values[i])
