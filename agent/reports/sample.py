"""A bounded sample of the rows of a window: those whose event ids have the smallest hashes.

The k smallest of n hashes are a simple random sample that depends on the ids alone: whoever reads the same events, in
whatever order and however often, gets the same rows (bottom-k sampling: Cohen and Kaplan, "Summarizing data using bottom-k
sketches", PODC 2007). A leaf names its event's id, so most of what is not chosen is never decoded.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import xxhash
from numpy.typing import NDArray

from agent.evidence.covered import Covered
from agent.evidence.row_columns import ColumnSpec
from agent.evidence.span import Span
from exporters.evidence.leaf import Inference, Leaf

SEED = 0x5EED
_ALL = np.uint64(0xFFFF_FFFF_FFFF_FFFF)
IDENTITY = ("event_id", "version")

Table = dict[str, NDArray[np.generic]]


class HashSample:
    """At most ``most`` rows of those that are added.

    Attributes:
        threshold: rows with a greater hash are not chosen any more.
    """

    def __init__(self, most: int, specs: Sequence[ColumnSpec]) -> None:
        self.threshold = int(_ALL)
        self._most = most
        self._kinds = {name: np.dtype(object) for name in IDENTITY}
        self._kinds |= {spec.name: np.dtype(float if spec.kind == "number" else object) for spec in specs}
        self._hashes: NDArray[np.uint64] = np.empty(0, np.uint64)
        self._table: Table = {name: np.empty(0, kind) for name, kind in self._kinds.items()}

    @property
    def is_whole(self) -> bool:
        """Whether every row that was added is there."""
        return self.threshold == int(_ALL)

    def wants(self, event_id: str) -> bool:
        """Whether a row with this id may still be chosen."""
        return hash_of(event_id) <= self.threshold

    def add(self, columns: Mapping[str, Sequence[object]]) -> None:
        """Add rows; a column that is not among them is left out.

        Args:
            columns: by name, all equally long, ``event_id`` among them; ``None`` for a number that is missing.
        """
        hashes = np.array([hash_of(str(event_id)) for event_id in columns["event_id"]], dtype=np.uint64)
        self._hashes = np.concatenate((self._hashes, hashes))
        for name, kind in self._kinds.items():
            self._table[name] = np.concatenate((self._table[name], _array(columns[name], kind)))
        if len(self._hashes) > 2 * self._most:
            self._shrink()

    def table(self) -> Table:
        """The chosen rows, in the order of their hashes."""
        self._shrink()
        return self._table

    def _shrink(self) -> None:
        order = np.argsort(self._hashes, kind="stable")
        if len(order) > self._most:
            self.threshold = int(self._hashes[order[self._most - 1]])
        order = order[: self._most]
        self._hashes = self._hashes[order]
        self._table = {name: column[order] for name, column in self._table.items()}


@dataclass(frozen=True, slots=True)
class SampledSpan(Span):
    """A span of which only those events are read that the sample may want.

    Attributes:
        seen: which events of the stream there were, each once, of all segments.
    """

    sample: HashSample = field(kw_only=True)
    seen: Seen = field(kw_only=True)

    def holds(self, leaf: Leaf) -> bool:
        """Whether it lies in the span and may be chosen."""
        if not Span.holds(self, leaf):
            return False
        assert isinstance(leaf, Inference)
        self.seen.add(leaf)
        return self.sample.wants(leaf.id)


class Seen:
    """Counts events, each once: a take-over writes some a second time."""

    def __init__(self) -> None:
        self.count = 0
        self._covered = Covered()

    def add(self, leaf: Inference) -> None:
        """Take note of an event."""
        self.count += self._covered.add(leaf.source[:2], leaf.source[2])


def hash_of(event_id: str) -> int:
    """xxh3-64 of the id: what decides whether an event is chosen."""
    return xxhash.xxh3_64_intdigest(event_id.encode(), SEED)


def _array(values: Sequence[object], kind: np.dtype[np.generic]) -> NDArray[np.generic]:
    """(n,) of a column; a missing number is NaN."""
    array = np.empty(len(values), dtype=kind)
    array[:] = (
        [np.nan if value is None else value for value in values] if np.issubdtype(kind, np.floating) else list(values)
    )
    return array
