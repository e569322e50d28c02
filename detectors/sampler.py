"""Gathering the values of a reference's rows, so that a layout can be cut from them.

Numbers, scores and predictions are read by ``encode`` with a layout that has no cells yet, so that a value counts as a
number here exactly when it will count as one in production.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from config.errors import LayoutError
from detectors.columns import OK, Columns, Inferences
from detectors.cutting import Floats
from detectors.declaration import Declaration
from detectors.encode import encode
from detectors.layout import Role, Task
from detectors.layouts import Sample, declared_layout
from detectors.texts import InvalidText, text_of

MAX_DISTINCT = 100_000
"""More names than this are an identifier, not a category: the layout would carry a hash of each."""


class Sampler:
    """Collects batches of one model's inference events; memory is eight bytes a number and one entry a name."""

    def __init__(self, declaration: Declaration) -> None:
        classifies = declaration.task is not Task.REGRESSION
        self._declaration = declaration
        self._layout = declared_layout(replace(declaration, scored=classifies))
        self._categories = [column.name for column in declaration.columns if column.kind == "category"]
        self._numbers: dict[str, list[Floats]] = {column.name: [] for column in self._layout.numeric}
        self._levels: dict[str, Counter[str]] = {name: Counter() for name in self._categories}
        self._predicted: Counter[str] = Counter()
        self._scores: list[Floats] = []

    def add(self, batch: Inferences, rows: NDArray[np.intp]) -> Columns:
        """Take the given rows.

        Returns:
            their predictions and in-event labels among other columns, in the order of ``rows``.

        Raises:
            LayoutError: a category has more than 100 000 names.
        """
        columns = encode(batch, rows, self._layout)
        for i, column in enumerate(self._layout.numeric):
            self._numbers[column.name].append(columns.numeric[i][columns.flaws[i] == OK])
        for name in self._categories:
            values = batch.values.get(f"features.{name}")
            if values is not None:
                self._count_levels(name, [values[row] for row in rows.tolist()])
        self._scores.append(columns.scores[np.isfinite(columns.scores)])
        self._count_classes(columns.prediction)
        return columns

    def sample(self, prediction: Floats, truth: Floats) -> Sample:
        """What was gathered.

        Args:
            prediction, truth: (n,) of all rows, NaN where there is none; used for regressions.
        """
        roles = {column.name: column.role for column in self._layout.numeric}
        numbers = {name: np.concatenate(parts) if parts else np.empty(0) for name, parts in self._numbers.items()}
        regression = self._declaration.task is Task.REGRESSION
        errors = np.abs(truth - prediction)
        return Sample(
            numbers={name: values for name, values in numbers.items() if roles[name] is Role.FEATURE},
            levels=self._levels,
            predicted=self._predicted,
            predictions=next((numbers[n] for n, role in roles.items() if role is Role.PREDICTION), np.empty(0)),
            scores=np.concatenate(self._scores) if self._scores else np.empty(0),
            monitored_scores=next((numbers[n] for n, role in roles.items() if role is Role.SCORE), np.empty(0)),
            truth=truth[np.isfinite(truth)] if regression else np.empty(0),
            errors=errors[np.isfinite(errors)] if regression else np.empty(0),
        )

    def _count_levels(self, name: str, values: Sequence[object]) -> None:
        counter = self._levels[name]
        counter.update(names_of(values))
        if len(counter) > MAX_DISTINCT:
            raise LayoutError(
                f"column {name} has more than {MAX_DISTINCT} names: an identifier cannot drift. "
                "Take it out of `columns`, or declare its `levels`"
            )

    def _count_classes(self, prediction: Floats) -> None:
        classes = self._declaration.classes
        codes = prediction[np.isfinite(prediction)].astype(np.intp)
        counts = np.bincount(codes, minlength=len(classes) + 1) if classes else ()
        self._predicted.update({name: int(n) for name, n in zip(classes, counts, strict=False) if n})


def names_of(values: Iterable[object]) -> Iterator[str]:
    """The names of the values that have one."""
    for value in values:
        try:
            text = text_of(value)
        except InvalidText:
            continue
        if text is not None:
            yield text
