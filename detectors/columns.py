"""Batches of events as columns.

``Inferences`` are what a decoder hands over: values as they were sent, no layout known. ``Columns`` are one layout's view
of them: codes and floats, ready to be counted. ``Labelled`` are predictions joined with their labels. ``encode.py`` turns
the first into the second.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

OK = 0
FLAW_MISSING = 1
FLAW_INVALID = 2
NO_CODE = -1

ALL_VERSIONS = "*"
"""Version of the stream that stands for a whole model."""


class ModelKey(NamedTuple):
    """Whose event it is."""

    system: str
    model: str
    version: str


class StreamKey(NamedTuple):
    """What is judged together; ``segment`` is empty for the whole model version, else ``"country=NL"``."""

    system: str
    model: str
    version: str
    segment: str = ""

    def __str__(self) -> str:
        text = f"{self.system}/{self.model}/{self.version}"
        return f"{text}/{self.segment}" if self.segment else text


@dataclass(frozen=True, slots=True)
class Inferences:
    """Accepted-by-shape inference events of any number of models, n rows, in the order of reading.

    Attributes:
        ids: event ids.
        occurred_us: (n,) int64, event time in microseconds since 1970-01-01T00:00Z.
        models: the distinct model keys of the batch; model_of: (n,) int32 index into it.
        partition: (n,) int32 index of the source partition; offset: (n,) int64.
        values: a sequence of n raw values per name; ``None`` where the event does not carry it, an ``array("d")`` where
            all are numbers. Names: the model's columns as ``features.<name>``, ``protected.<name>``, ``segment.<name>``,
            and ``prediction``, ``score``, ``scores``, ``label``, ``latency_ms``, ``status``, ``subject_ref``.
    """

    ids: Sequence[str]
    occurred_us: NDArray[np.int64]
    models: tuple[ModelKey, ...]
    model_of: NDArray[np.int32]
    partition: NDArray[np.int32]
    offset: NDArray[np.int64]
    values: dict[str, Sequence[object]]

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True, slots=True)
class Labels:
    """Label events, n rows.

    Attributes:
        ids: event ids of the labels themselves; ref_ids: event ids of the predictions they speak of.
        occurred_us, ref_occurred_us: (n,) int64 microseconds; ``ref_occurred_us`` is -1 where it is not given.
        labels: raw label values.
        addressed: per label the (system, model, version) it names, each ``None`` where it does not.
        partition, offset: where each was read.
    """

    ids: Sequence[str]
    ref_ids: Sequence[str]
    occurred_us: NDArray[np.int64]
    ref_occurred_us: NDArray[np.int64]
    labels: Sequence[object]
    addressed: Sequence[tuple[str | None, str | None, str | None]]
    partition: NDArray[np.int32]
    offset: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True, slots=True)
class Oversights:
    """Oversight events, n rows: what people did about predictions.

    Attributes:
        ids: event ids of the acts themselves; ref_ids: event ids of the predictions they speak of.
        actions: names from ``config.contract.OVERSIGHT_ACTIONS``.
        occurred_us: (n,) int64 microseconds.
        partition, offset: where each was read.
    """

    ids: Sequence[str]
    ref_ids: Sequence[str]
    actions: Sequence[str]
    occurred_us: NDArray[np.int64]
    partition: NDArray[np.int32]
    offset: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True, slots=True)
class Columns:
    """Inference events of one stream under one layout, n rows.

    Attributes:
        numeric: (C, n) float64, finite; 0.0 where there is no value.
        flaws: (C, n) uint8: OK, FLAW_MISSING or FLAW_INVALID.
        codes: (D, n) int32, codes of the categorical columns (layout.py).
        unseen: per categorical column the names of this batch's unseen levels, each once.
        prediction: (n,) float64: class code, or value; NaN where there is none.
        scores: (S, n) float64 in [0, 1]; NaN where there is none.
        groups: (P, n) int16 group codes, one row a group set.
        bucket: (n,) uint8 in [0, 16): the jackknife sub-table.
        truth: (n,) float64: class code or value of a label that came with the event; NaN where there is none.
        latency_ms: (n,) float64; NaN where not given.
        failed: (n,) bool: the model answered with an error.
    """

    numeric: NDArray[np.float64]
    flaws: NDArray[np.uint8]
    codes: NDArray[np.int32]
    unseen: tuple[tuple[str, ...], ...]
    prediction: NDArray[np.float64]
    scores: NDArray[np.float64]
    groups: NDArray[np.int16]
    bucket: NDArray[np.uint8]
    truth: NDArray[np.float64]
    latency_ms: NDArray[np.float64]
    failed: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.prediction)

    def take(self, rows: NDArray[np.intp]) -> Columns:
        """Some rows, (k,) indices.

        Raises:
            ValueError: some levels are unseen; their names are of the whole batch, not of single rows.
        """
        if any(self.unseen):
            raise ValueError("names of unseen levels cannot be divided among rows: encode these rows instead")
        return Columns(
            numeric=self.numeric[:, rows],
            flaws=self.flaws[:, rows],
            codes=self.codes[:, rows],
            unseen=self.unseen,
            prediction=self.prediction[rows],
            scores=self.scores[:, rows],
            groups=self.groups[:, rows],
            bucket=self.bucket[rows],
            truth=self.truth[rows],
            latency_ms=self.latency_ms[rows],
            failed=self.failed[rows],
        )


@dataclass(frozen=True, slots=True)
class Labelled:
    """Predictions of one stream joined with their labels, n rows; ``truth`` and ``prediction`` are never NaN."""

    truth: NDArray[np.float64]
    prediction: NDArray[np.float64]
    scores: NDArray[np.float64]
    groups: NDArray[np.int16]
    bucket: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.truth)
