"""Rates by protected group, from the tables of groups.py: what is counted, of how many."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detectors.estimates import Estimate
from detectors.groups import group_offsets
from detectors.layout import Layout
from detectors.outcomes import HIT, LABELLED, PREDICTED
from detectors.readings import Scale
from detectors.tables import Tables

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class GroupRate:
    """hits of totals per sub-table and declared group, (B, G); ``rest`` is the total of code 0, missing or not declared."""

    hits: Ints
    totals: Ints
    rest: int

    @property
    def n(self) -> Ints:
        """(G,) denominators."""
        return np.asarray(self.totals.sum(axis=0))

    def estimate(self, scale: Scale, phi: float) -> Estimate:
        """(G,) Wilson intervals; of effective size where subjects tie events together."""
        return scale.rate(self.hits, self.totals, phi)

    def published(self, minimum: int) -> NDArray[np.bool_]:
        """(G,) which rates may be shown.

        Both cells of a rate, its hits and the others, must hold ``minimum`` events. And where what is hidden adds up to less
        than ``minimum``, it could be found by taking the shown groups from the total: the smallest shown one is hidden too.
        """
        n, hits = self.n, self.hits.sum(axis=0)
        hidden = n < minimum
        if hidden[n > 0].any() and n[hidden].sum() + self.rest < minimum and not hidden.all():
            hidden[np.argmin(np.where(hidden, n.max() + 1, n))] = True
        return np.asarray(~hidden & (hits >= minimum) & (n - hits >= minimum))


def selection_rate(tables: Tables, layout: Layout, index: int, favourable: int) -> GroupRate:
    """P(prediction favourable | group)."""
    predictions = _of_set(tables.ints("groups.predictions"), layout, index)
    return _rate(predictions[..., favourable], predictions.sum(axis=-1))


def outcome_rates(tables: Tables, layout: Layout, index: int, favourable: int | None) -> dict[str, GroupRate]:
    """Rates that need labels, by name; those of one class only where a favourable class is known."""
    margins = _of_set(tables.ints("group_outcomes.margins"), layout, index)
    rows = margins[..., LABELLED].sum(axis=-1)
    rates = {"accuracy": _rate(margins[..., HIT].sum(axis=-1), rows)}
    if favourable is None:
        return rates
    labelled, predicted, hits = (margins[..., favourable, i] for i in (LABELLED, PREDICTED, HIT))
    return rates | {
        "true_positive_rate": _rate(hits, labelled),
        "false_positive_rate": _rate(predicted - hits, rows - labelled),
        "false_negative_rate": _rate(labelled - hits, labelled),
        "precision": _rate(hits, predicted),
    }


def of_groups(table: Ints, layout: Layout, index: int) -> Ints:
    """(B, G, ...) of the declared groups of one set."""
    return _of_set(table, layout, index)[:, 1:]


def _of_set(table: Ints, layout: Layout, index: int) -> Ints:
    """(B, 1 + G, ...) of one set, code 0 first."""
    offsets = group_offsets(layout)
    return table[:, offsets[index] : offsets[index + 1]]


def _rate(hits: Ints, totals: Ints) -> GroupRate:
    return GroupRate(hits[:, 1:], totals[:, 1:], int(totals[:, 0].sum()))
