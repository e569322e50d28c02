"""Labels that wait for their predictions, bounded and durable."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec
import numpy as np
from numpy.typing import NDArray

from agent.state.store import Store


class PendingLabel(msgspec.Struct, frozen=True, kw_only=True):
    """A label whose prediction is not known.

    Attributes:
        number: its place in the batch it came with.
        ref_hash, label_hash: of the prediction's id and of its own, under the model's seed.
        ref_occurred_us: -1 where the time of the prediction is not told.
        expires_us: when the watermark has passed this, its prediction can no longer come.
        matched: another model has its prediction; then it is no orphan here.
        told: the label that it is a copy of: one that names no model waits in a copy for each.
    """

    number: int
    system: str
    model: str
    version: str | None
    ref_hash: int
    label_hash: int
    occurred_us: int
    ref_occurred_us: int
    expires_us: int
    value: object
    matched: bool = False
    told: int = 0
    id: int = 0


class PendingLabels:
    """Owned by the loop's thread; at most ``most`` labels, beyond it new ones are not kept."""

    def __init__(self, store: Store, most: int) -> None:
        self.store = store
        self.most = most
        rows = store.connection.execute("SELECT id, body FROM pending_label ORDER BY id")
        self._labels = {row_id: msgspec.json.decode(body, type=PendingLabel) for row_id, body in rows}
        self._next_id = max(self._labels, default=0) + 1
        self._copies: dict[int, set[int]] = {}
        for label in self._labels.values():
            self._copies.setdefault(label.told, set()).add(label.id)
        self._changed: set[int] = set()
        self._removed: set[int] = set()
        self._sorted: dict[tuple[str, str], tuple[NDArray[np.uint64], list[int]]] = {}

    def __len__(self) -> int:
        return len(self._labels)

    def __iter__(self) -> Iterator[PendingLabel]:
        return iter(tuple(self._labels.values()))

    def add(self, labels: Iterable[PendingLabel]) -> int:
        """Keep labels of one batch; returns how many found no room, in no copy, and no prediction either."""
        told: dict[int, int] = {}
        dropped: set[int] = set()
        for label in labels:
            if len(self._labels) < self.most:
                first = told.setdefault(label.number, self._next_id)
                self._put(msgspec.structs.replace(label, id=self._next_id, told=first))
                self._next_id += 1
            elif not label.matched:
                dropped.add(label.number)
        return len(dropped - told.keys())

    def met(self, labels: Iterable[PendingLabel]) -> None:
        """Predictions of these have come; their copies go on waiting, and are no orphans."""
        for label in labels:
            self._remove(label)
            for copy in self._copies.get(label.told, ()):
                self._put(msgspec.structs.replace(self._labels[copy], matched=True))

    def give_up(self, labels: Iterable[PendingLabel]) -> int:
        """Predictions of these can no longer come; returns how many labels have not met any, in any copy."""
        orphans = 0
        for label in labels:
            self._remove(label)
            orphans += not label.matched and label.told not in self._copies
        return orphans

    def _put(self, label: PendingLabel) -> None:
        if label.id not in self._labels:
            self._sorted.clear()
            self._copies.setdefault(label.told, set()).add(label.id)
        self._labels[label.id] = label
        self._changed.add(label.id)

    def _remove(self, label: PendingLabel) -> None:
        del self._labels[label.id]
        self._removed.add(label.id)
        self._sorted.clear()
        copies = self._copies[label.told]
        copies.discard(label.id)
        if not copies:
            del self._copies[label.told]

    def of_hashes(self, system: str, model: str, hashes: NDArray[np.uint64]) -> list[PendingLabel]:
        """Labels that wait for one of these predictions of a model."""
        if not self._labels or len(hashes) == 0:
            return []
        waiting, ids = self._of_model(system, model)
        return [self._labels[ids[at]] for at in np.flatnonzero(np.isin(waiting, hashes)).tolist()]

    def write(self) -> None:
        """Inside the transaction."""
        connection = self.store.connection
        connection.executemany("DELETE FROM pending_label WHERE id = ?", [(i,) for i in self._removed])
        kept = sorted(self._changed - self._removed)
        connection.executemany(
            "INSERT OR REPLACE INTO pending_label VALUES (?, ?, ?, ?)",
            [(i, label.system, label.model, msgspec.json.encode(label)) for i in kept for label in (self._labels[i],)],
        )

    def written(self) -> None:
        """After the transaction."""
        self._changed.clear()
        self._removed.clear()

    def _of_model(self, system: str, model: str) -> tuple[NDArray[np.uint64], list[int]]:
        key = (system, model)
        if key not in self._sorted:
            mine = [label for label in self._labels.values() if (label.system, label.model) == key]
            hashes = np.array([label.ref_hash for label in mine], dtype=np.uint64)
            self._sorted[key] = hashes, [label.id for label in mine]
        return self._sorted[key]
