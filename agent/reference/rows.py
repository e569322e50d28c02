"""The rows of a reference: one model's inference events and their labels, decoded as live ones are, read twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from agent.decoders import build_decoder
from agent.decoders.record import Decoded
from agent.join.labels import seed_of
from agent.reference.labels import LabelBook
from agent.reference.sources import Progress, RowSource
from config.settings import Settings
from detectors.columns import Inferences
from detectors.encode import text_hashes
from detectors.sampler import Sampler

Rows = NDArray[np.intp]


class Subject(NamedTuple):
    """Whose reference it is: all versions of a model, or one."""

    system: str
    model: str
    version: str | None = None


@dataclass(slots=True)
class Gathered:
    """What the first reading found.

    Attributes:
        kept: per batch of inference events, the rows that belong to the reference.
        hashes, occurred_us, prediction, truth: (n,) of the kept rows in the order of reading; ``truth`` is the label that
            came with the event. Predictions are floats, or codes of the declared classes.
        labels: label events.
        counts: records by what became of them.
    """

    kept: list[Rows] = field(default_factory=list)
    hashes: NDArray[np.uint64] = field(default_factory=lambda: np.empty(0, dtype=np.uint64))
    occurred_us: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    prediction: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))
    truth: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))
    labels: LabelBook = field(default_factory=LabelBook)
    counts: Counter[str] = field(default_factory=Counter)


class ReferenceRows:
    """Reads a source as one model's events."""

    def __init__(self, settings: Settings, subject: Subject, source: RowSource) -> None:
        self._settings = settings
        self._subject = subject
        self._source = source
        self._seed = seed_of(subject.system, subject.model)

    def gather(self, sampler: Sampler, progress: Progress) -> Gathered:
        """The first reading: choose the rows, collect labels, and give the sampler the values to cut by.

        Of several events of one id the first that is read is kept.
        """
        found = Gathered()
        parts: list[tuple[NDArray[np.uint64], NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]] = []
        seen: set[int] = set()
        for decoded in self._decoded(progress):
            _count(found.counts, decoded)
            if decoded.labels is not None:
                found.labels.add(decoded.labels, self._subject.system, self._subject.model, self._seed)
            if decoded.inferences is None:
                continue
            rows, hashes = self._choose(decoded.inferences, seen, found.counts)
            found.kept.append(rows)
            columns = sampler.add(decoded.inferences, rows)
            parts.append((hashes, decoded.inferences.occurred_us[rows], columns.prediction, columns.truth))
        if parts:
            found.hashes, found.occurred_us, found.prediction, found.truth = (
                np.concatenate(column) for column in zip(*parts, strict=True)
            )
        found.counts["used"] = len(found.hashes)
        return found

    def again(self, gathered: Gathered, progress: Progress) -> Iterator[tuple[Inferences, Rows]]:
        """The second reading: each batch with the rows that were kept."""
        batches = (decoded.inferences for decoded in self._decoded(progress) if decoded.inferences is not None)
        yield from zip(batches, gathered.kept, strict=True)

    def _decoded(self, progress: Progress) -> Iterator[Decoded]:
        decoder = build_decoder(self._settings)
        index: dict[tuple[str, int], int] = {}
        for fetched in self._source.read(progress):
            index.setdefault(fetched.partition, len(index))
            yield decoder.decode((fetched,), index)

    def _choose(self, batch: Inferences, seen: set[int], counts: Counter[str]) -> tuple[Rows, NDArray[np.uint64]]:
        """Rows of the subject whose ids are new, and the hashes of their ids."""
        system, model, version = self._subject
        fits = [key[:2] == (system, model) and version in (None, key.version) for key in batch.models]
        mine = np.flatnonzero(np.array(fits)[batch.model_of])
        hashes = text_hashes([batch.ids[row] for row in mine.tolist()], self._seed)
        new = np.zeros(len(mine), dtype=np.bool_)
        for i, hashed in enumerate(hashes.tolist()):
            if hashed not in seen:
                seen.add(hashed)
                new[i] = True
        counts["other_model"] += len(batch) - len(mine)
        counts["duplicate"] += len(mine) - int(new.sum())
        return mine[new], hashes[new]


def _count(counts: Counter[str], decoded: Decoded) -> None:
    counts["records"] += decoded.received
    counts["labels"] += len(decoded.labels) if decoded.labels is not None else 0
    counts["oversights"] += 0 if decoded.oversights is None else len(decoded.oversights)
    counts.update(f"rejected_{reject.reason}" for reject in decoded.rejects)
