"""Labels of a reference, joined in memory with the predictions they speak of."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from detectors.columns import Labels
from detectors.encode import text_hashes
from detectors.windows import WindowPlan

NO_LABEL = -1

Hashes = NDArray[np.uint64]
Times = NDArray[np.int64]


class Joined(NamedTuple):
    """Which label counts for each prediction.

    Attributes:
        label: (n,) number of the label in the book, NO_LABEL where there is none.
        orphans: labels without a prediction; late: labels beyond the horizon; replaced: labels that a later one replaced.
    """

    label: NDArray[np.int64]
    orphans: int
    late: int
    replaced: int


@dataclass(slots=True)
class LabelBook:
    """All label events that may speak of one model's predictions."""

    values: list[object] = field(default_factory=list)
    _ref_hash: list[Hashes] = field(default_factory=list)
    _own_hash: list[Hashes] = field(default_factory=list)
    _occurred: list[Times] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.values)

    def add(self, labels: Labels, system: str, model: str, seed: int) -> None:
        """Take the labels that name this model, or none."""
        rows = [
            row
            for row, (of_system, of_model, _) in enumerate(labels.addressed)
            if of_system in (None, system) and of_model in (None, model)
        ]
        self.values += [labels.labels[row] for row in rows]
        self._ref_hash.append(text_hashes([labels.ref_ids[row] for row in rows], seed))
        self._own_hash.append(text_hashes([labels.ids[row] for row in rows], seed))
        self._occurred.append(labels.occurred_us[rows])

    @property
    def occurred_us(self) -> Times:
        """(labels,) when each label was given."""
        return np.concatenate(self._occurred) if self._occurred else np.empty(0, dtype=np.int64)

    def join(self, hashes: Hashes, occurred_us: Times, plan: WindowPlan, horizon_us: int) -> Joined:
        """Of the labels of a prediction that were given before the end of its pane plus the horizon, the latest.

        Ties in time are broken by the hash of the label's own id, as in the live join.

        Args:
            hashes, occurred_us: (n,) of the predictions; hashes are distinct.
        """
        result = np.full(len(hashes), NO_LABEL, dtype=np.int64)
        if not len(self) or not len(hashes):
            return Joined(result, len(self), 0, 0)
        ref, own, given = np.concatenate(self._ref_hash), np.concatenate(self._own_hash), self.occurred_us
        order = np.argsort(hashes, kind="stable")
        at = np.minimum(np.searchsorted(hashes[order], ref), len(hashes) - 1)
        row = order[at]
        known = hashes[row] == ref
        in_time = given < plan.pane_of(occurred_us)[row] + plan.pane_us + horizon_us
        counts = np.flatnonzero(known & in_time)
        ranked = counts[np.lexsort((own[counts], given[counts]))]
        result[row[ranked]] = ranked  # of several assignments to one row the last, the latest label, stays
        kept = int(np.count_nonzero(result != NO_LABEL))
        return Joined(result, int((~known).sum()), int((known & ~in_time).sum()), len(counts) - kept)
