"""Which label counts for each row of a reference, and which are too young to count."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from agent.flow.declare import declaration_of, window_plan
from agent.reference.labels import NO_LABEL
from agent.reference.rows import Gathered
from config.settings import LabelSettings, Model
from detectors.chunks import chunk_of
from detectors.encode import encode_truth
from detectors.layouts import declared_layout

Floats = NDArray[np.float64]


def truth_of(gathered: Gathered, model: Model, starts: NDArray[np.int64]) -> Floats:
    """(n,) the label of each row, NaN where none counts.

    Label events need the same maturity as live ones: where the horizon of a chunk has not passed by the last time in the
    data, and fewer predictions than ``labels.min_coverage`` have one, they are the quick part of the truth and are left out.
    """
    labels = model.labels or LabelSettings()
    layout = declared_layout(declaration_of(model))
    joined = gathered.labels.join(gathered.hashes, gathered.occurred_us, window_plan(model), labels.horizon_us)
    rows = np.flatnonzero(joined.label != NO_LABEL)
    number = joined.label[rows]
    truth = gathered.truth.copy()
    told = encode_truth([gathered.labels.values[i] for i in number.tolist()], layout)
    given = gathered.labels.occurred_us[number]
    newer = np.isnan(truth[rows]) | (given >= gathered.occurred_us[rows])
    truth[rows[newer]] = told[newer]
    immature = _immature(gathered, truth, model, labels, starts)
    dropped = immature & np.isnan(gathered.truth)
    gathered.counts.update(
        labels_orphan=joined.orphans,
        labels_late=joined.late,
        labels_replaced=joined.replaced,
        labels_immature=int(np.count_nonzero(dropped & np.isfinite(truth))),
    )
    truth[dropped] = np.nan
    return truth


def _immature(
    gathered: Gathered, truth: Floats, model: Model, labels: LabelSettings, starts: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """(n,) rows of chunks that are too young for their labels and have too few of them."""
    if not len(gathered.labels):
        return np.zeros(len(truth), dtype=np.bool_)
    last = max(int(gathered.occurred_us.max()), int(gathered.labels.occurred_us.max()))
    chunk = chunk_of(gathered.occurred_us, starts)
    predicted = np.bincount(chunk[np.isfinite(gathered.prediction)], minlength=len(starts))
    labelled = np.bincount(chunk[np.isfinite(truth) & np.isfinite(gathered.prediction)], minlength=len(starts))
    young = starts + model.window.length_us + labels.horizon_us > last
    return (young & (labelled < labels.min_coverage * predicted))[chunk]
