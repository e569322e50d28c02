"""Putting the parts of a batch together: several lanes, several shapes, one set of columns."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agent.decoders.blocks import concatenate, pick
from detectors.columns import Inferences, Labels, Oversights


def merge_inferences(parts: Iterable[Inferences]) -> Inferences | None:
    """One batch of all parts, each partition's rows by offset; ``None`` where there are no rows."""
    parts = [part for part in parts if len(part)]
    if len(parts) < 2:
        return parts[0] if parts else None
    models = tuple(dict.fromkeys(chain.from_iterable(part.models for part in parts)))
    index = {key: i for i, key in enumerate(models)}
    order = _Order(parts)
    return Inferences(
        ids=order.column([part.ids for part in parts]),
        occurred_us=order.array([part.occurred_us for part in parts]),
        models=models,
        model_of=order.array(
            [np.array([index[key] for key in part.models], dtype=np.int32)[part.model_of] for part in parts]
        ),
        partition=order.array([part.partition for part in parts]),
        offset=order.array([part.offset for part in parts]),
        values={name: order.column([part.values[name] for part in parts]) for name in parts[0].values},
    )


def merge_labels(parts: Iterable[Labels]) -> Labels | None:
    """As ``merge_inferences``."""
    parts = [part for part in parts if len(part)]
    if len(parts) < 2:
        return parts[0] if parts else None
    order = _Order(parts)
    return Labels(
        ids=order.column([part.ids for part in parts]),
        ref_ids=order.column([part.ref_ids for part in parts]),
        occurred_us=order.array([part.occurred_us for part in parts]),
        ref_occurred_us=order.array([part.ref_occurred_us for part in parts]),
        labels=order.column([part.labels for part in parts]),
        addressed=order.column([part.addressed for part in parts]),
        partition=order.array([part.partition for part in parts]),
        offset=order.array([part.offset for part in parts]),
    )


def merge_oversights(parts: Iterable[Oversights]) -> Oversights | None:
    """As ``merge_inferences``."""
    parts = [part for part in parts if len(part)]
    if len(parts) < 2:
        return parts[0] if parts else None
    order = _Order(parts)
    return Oversights(
        ids=order.column([part.ids for part in parts]),
        ref_ids=order.column([part.ref_ids for part in parts]),
        actions=order.column([part.actions for part in parts]),
        occurred_us=order.array([part.occurred_us for part in parts]),
        partition=order.array([part.partition for part in parts]),
        offset=order.array([part.offset for part in parts]),
    )


class _Order:
    """The order of reading over concatenated parts; parts without a common partition need none."""

    def __init__(self, parts: Sequence[Inferences] | Sequence[Labels] | Sequence[Oversights]) -> None:
        sources = np.concatenate([np.unique(part.partition) for part in parts])
        self._rows: NDArray[np.intp] | None = None
        if len(np.unique(sources)) < len(sources):
            offset = np.concatenate([part.offset for part in parts])
            self._rows = np.lexsort((offset, np.concatenate([part.partition for part in parts])))

    def array(self, arrays: Sequence[NDArray[Any]]) -> NDArray[Any]:
        joined = np.concatenate(arrays)
        return joined if self._rows is None else joined[self._rows]

    def column(self, columns: Sequence[Sequence[Any]]) -> Sequence[Any]:
        joined = concatenate(columns)
        return joined if self._rows is None else pick(joined, self._rows.tolist())
