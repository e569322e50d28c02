"""Family ``quality``: are the values of a column there, and are they what they should be? Names after ISO/IEC 5259-2.

    completeness  missing_share    share of events without a value
    validity      invalid_share    value of the wrong type (not a number, not a name)
                  unseen_share     level that was not declared or, where none were, that the reference did not have
                  envelope_share   number outside the declared operating range
    both          unusable_share   missing or invalid of a required column, invalid of an optional one

``unusable_share`` decides twice: one point above the reference is a ticket, twenty points (``unusable_share_severe``, the
same value) are harm: a model that lacks an input it needs is guessing. Where there is no reference, shares are compared
with 0.

The effect is share minus reference share, its interval Newcombe's (1998, method 10, from two Wilson intervals), at sample
sizes divided by phi.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from detectors.cells import UNSEEN, CellTally, hold_events
from detectors.estimates import Estimate, Floats, difference, exactly, wilson
from detectors.family import Frame
from detectors.flaws import FlawIndex, Flaws, Ints, Mask, flaws_of
from detectors.layout import Layout
from detectors.measurement import Measurement, Rule, Stage, Track, on_demand
from detectors.reasons import NO_REFERENCE
from detectors.tables import EMPTY_NAME, Tables

MISSING_SHARE = "missing_share"
INVALID_SHARE = "invalid_share"
UNSEEN_SHARE = "unseen_share"
ENVELOPE_SHARE = "envelope_share"
UNUSABLE_SHARE = "unusable_share"
UNUSABLE_SHARE_SEVERE = "unusable_share_severe"


def _ticket(metric: str) -> Rule:
    return Rule(metric, "quality", Track.HEALTH, 0.01, 2, 2, 200)


@dataclass(frozen=True, slots=True)
class Quality:
    """Measures flaws of columns; stateless."""

    name: str = "quality"
    tallies: tuple[CellTally, ...] = (CellTally(),)
    measures: tuple[str, ...] = (
        MISSING_SHARE, INVALID_SHARE, UNUSABLE_SHARE, UNUSABLE_SHARE_SEVERE, UNSEEN_SHARE, ENVELOPE_SHARE,
    )  # fmt: skip
    rules: tuple[Rule, ...] = (
        _ticket(UNUSABLE_SHARE),
        Rule(UNUSABLE_SHARE_SEVERE, "quality", Track.HARM, 0.20, 1, 2, 200),
        _ticket(UNSEEN_SHARE),
        _ticket(ENVELOPE_SHARE),
        on_demand(MISSING_SHARE, "quality"),
        on_demand(INVALID_SHARE, "quality"),
    )

    def measure(self, window: Tables, frame: Frame) -> Iterator[Measurement]:
        """Every share of every column to which it applies; nothing for a window without events."""
        index = frame.layout.derived(FlawIndex.of)
        if frame.stage is not Stage.WINDOW or not hold_events(window):
            return
        here = flaws_of(window, frame.layout)
        there = flaws_of(frame.reference, frame.layout) if frame.reference is not None else None
        for metric, flawed, rows in _shares(index):
            before = None if there is None else flawed(there)
            share = _Share(metric, flawed(here), here.n, before, None if there is None else there.n, rows, index.names)
            yield from share.judge(window, frame)
        for i in np.flatnonzero(index.categorical & ~index.levelled & (here.n > 0)).tolist():
            yield Measurement(UNSEEN_SHARE, index.names[i], reason=NO_REFERENCE, n=int(here.n[i]))


def _shares(index: FlawIndex) -> tuple[tuple[str, Callable[[Flaws], Ints], Mask], ...]:
    """Metric, what it counts, and the columns to which it applies."""
    every = np.ones(len(index.names), dtype=np.bool_)
    return (
        (MISSING_SHARE, lambda flaws: flaws.missing, every),
        (INVALID_SHARE, lambda flaws: flaws.invalid, every),
        (UNUSABLE_SHARE, lambda flaws: flaws.unusable, every),
        (UNUSABLE_SHARE_SEVERE, lambda flaws: flaws.unusable, every),
        (UNSEEN_SHARE, lambda flaws: flaws.unseen, index.categorical & index.levelled),
        (ENVELOPE_SHARE, lambda flaws: flaws.outside, index.enveloped),
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Share:
    """One kind of flaw in all columns: events with it and events at all, of window and reference."""

    metric: str
    flawed: Ints
    n: Ints
    flawed_before: Ints | None
    n_before: Ints | None
    rows: Mask
    names: tuple[str, ...]

    def judge(self, window: Tables, frame: Frame) -> Iterator[Measurement]:
        phi = np.array([frame.inflation(self.metric, name) for name in self.names])
        share = wilson(self.flawed, self.n, frame.z, self.n / phi)
        before = self._before(phi, frame.z)
        effect = difference(share, before)
        for i in np.flatnonzero(self.rows & (self.n > 0)).tolist():
            yield Measurement(
                self.metric,
                self.names[i],
                value=float(share.value[i]),
                n=int(self.n[i]),
                lower=float(share.lower[i]),
                upper=float(share.upper[i]),
                baseline=float(before.value[i]) if self.flawed_before is not None else None,
                effect=float(effect.value[i]),
                effect_lower=float(effect.lower[i]),
                effect_upper=float(effect.upper[i]),
                detail=_names_of(self.metric, i, window, frame.layout),
            )

    def _before(self, phi: Floats, z: float) -> Estimate:
        """The reference's share; exactly 0 where there is no reference of the column."""
        if self.flawed_before is None or self.n_before is None:
            return exactly(np.zeros(len(self.names)))
        before = wilson(self.flawed_before, self.n_before, z, self.n_before / phi)
        return Estimate(*(np.where(self.n_before > 0, part, 0.0) for part in before))


def _names_of(metric: str, row: int, window: Tables, layout: Layout) -> tuple[tuple[str, str], ...]:
    """The unseen levels by name, as far as they were kept."""
    if metric != UNSEEN_SHARE:
        return ()
    kept = window[UNSEEN][row - len(layout.numeric)]
    names = [name.decode("utf-8", "replace") for name in kept["name"][kept["hash"] != EMPTY_NAME["hash"]].tolist()]
    return (("names", ", ".join(sorted(names))),) if names else ()
