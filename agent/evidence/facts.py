"""What a leaf says of an inference event beside whose it is and when: its declared class, and its envelope."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from agent.flow.contexts import Contexts
from agent.flow.intake import DETAILS, Taken
from detectors.columns import NO_CODE, Inferences, ModelKey
from detectors.encode import picker
from detectors.layout import Layout, Role
from detectors.numbers import numbers
from detectors.texts import Codes, class_codes
from exporters.evidence.event_leaves import CLASSES, ENVELOPES, INSIDE, OUTSIDE, UNDECLARED, Verdict

Rows = NDArray[np.intp]
REASONS = ("", *DETAILS)
"""Why an event that can be read is rejected; empty where it is not."""


class Facts(NamedTuple):
    """Of n rows.

    Attributes:
        output: (n,) int32 code of the predicted class in the layout of the row's model; ``NO_CODE`` where it is none.
        envelope: (n,) uint8, ``UNDECLARED`` to ``OUTSIDE``.
    """

    output: NDArray[np.int32]
    envelope: NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class _Bound:
    """The operating range that the settings declare for a column, both ends inclusive."""

    name: str
    low: float
    high: float


def facts_of(batch: Inferences, rows: Rows, contexts: Contexts) -> Facts:
    """The facts of some rows, whatever became of them.

    Args:
        rows: (n,) rows of the batch.
    """
    output = np.full(len(rows), NO_CODE, dtype=np.int32)
    envelope = np.full(len(rows), UNDECLARED, dtype=np.uint8)
    model_of = batch.model_of[rows]
    for number in np.unique(model_of).tolist():
        mine = np.flatnonzero(model_of == number)
        layout = contexts.of(batch.models[number]).layout
        output[mine] = _outputs(batch, rows[mine], layout)
        envelope[mine] = _envelopes(batch, rows[mine], layout)
    return Facts(output, envelope)


class Verdicts(NamedTuple):
    """The distinct verdicts of a batch's rows, and which one is whose.

    Attributes:
        of_row: (len(batch),) index into ``distinct``, of the rows that were asked for.
    """

    distinct: list[Verdict]
    of_row: NDArray[np.intp]


def verdicts_of(batch: Inferences, rows: Rows, taken: Taken, contexts: Contexts) -> Verdicts:
    """What became of some rows of a batch, and what they said."""
    facts = facts_of(batch, rows, contexts)
    reasons = _reasons(len(batch), taken)[rows]
    parts = (batch.model_of[rows], taken.classes[rows], reasons, facts.envelope, facts.output - NO_CODE)
    shape = (len(batch.models), len(CLASSES), len(REASONS), len(ENVELOPES), int(parts[-1].max(initial=0)) + 1)
    keys, verdict_of = np.unique(np.ravel_multi_index(parts, shape), return_inverse=True)
    of_row = np.zeros(len(batch), dtype=np.intp)
    of_row[rows] = verdict_of
    codes = zip(*(part.tolist() for part in np.unravel_index(keys, shape)), strict=True)
    return Verdicts([_verdict(batch.models, contexts, *code) for code in codes], of_row)


def _reasons(size: int, taken: Taken) -> NDArray[np.uint8]:
    """(size,) index into ``REASONS``."""
    reasons = np.zeros(size, dtype=np.uint8)
    for refused in taken.refused:
        reasons[refused.row] = REASONS.index(refused.reason)
    return reasons


def _verdict(
    models: Sequence[ModelKey], contexts: Contexts, model: int, outcome: int, reason: int, envelope: int, output: int
) -> Verdict:
    code = output + NO_CODE
    predicted = None if code == NO_CODE else contexts.of(models[model]).layout.classes[code]
    return Verdict(models[model], CLASSES[outcome], REASONS[reason], predicted, ENVELOPES[envelope])


def _outputs(batch: Inferences, rows: Rows, layout: Layout) -> NDArray[np.int32]:
    values = batch.values.get("prediction")
    if values is None or not layout.classes:
        return np.full(len(rows), NO_CODE, dtype=np.int32)
    codes = layout.derived(_class_codes).encode(_pick(batch, rows, values))
    return np.where(codes == len(layout.classes), np.int32(NO_CODE), codes)


def _class_codes(layout: Layout) -> Codes:
    return class_codes(layout.classes)


def _envelopes(batch: Inferences, rows: Rows, layout: Layout) -> NDArray[np.uint8]:
    """A value that is missing or no number is outside of nothing: that is another flaw."""
    bounds = layout.derived(_bounds)
    if not bounds:
        return np.full(len(rows), UNDECLARED, dtype=np.uint8)
    outside = np.zeros(len(rows), dtype=np.bool_)
    for bound in bounds:
        values = batch.values.get(f"features.{bound.name}")
        if values is None:
            continue
        given = numbers(_pick(batch, rows, values), len(rows))
        outside |= np.isfinite(given) & ((given < bound.low) | (given > bound.high))
    return np.where(outside, np.uint8(OUTSIDE), np.uint8(INSIDE))


def _bounds(layout: Layout) -> tuple[_Bound, ...]:
    declared = (
        c for c in layout.numeric if c.role is Role.FEATURE and (c.minimum is not None or c.maximum is not None)
    )
    return tuple(
        _Bound(c.name, -np.inf if c.minimum is None else c.minimum, np.inf if c.maximum is None else c.maximum)
        for c in declared
    )


def _pick(batch: Inferences, rows: Rows, values: Sequence[object]) -> Sequence[object]:
    return picker(None if len(rows) == len(batch) else rows)(values)
