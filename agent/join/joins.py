"""The join of predictions with their labels, and the search for duplicates, over all panes that still matter."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from agent.join.pane import LABEL_ENTRY, NEVER, JoinPane, JoinPaneRecord
from agent.state.store import Store
from detectors.columns import Labelled

DIRECTORY = "join"
FULL_HASH = (1 << 64) - 1
LOADED_BYTES = 16 << 20


class PaneKey(NamedTuple):
    """A pane of one model version under one layout."""

    system: str
    model: str
    version: str
    context: str
    start_us: int


class LabelBatch(NamedTuple):
    """Labels of one model in one step, (n,) each, sorted by ``ref_hash``.

    Attributes:
        ref_hash: of the predictions' ids; label_hash: of the labels' own ids.
        occurred_us: when the label was given; ref_occurred_us: -1 where the time of the prediction is not told.
        number: position of the label in the step's batch.
    """

    ref_hash: NDArray[np.uint64]
    label_hash: NDArray[np.uint64]
    occurred_us: NDArray[np.int64]
    ref_occurred_us: NDArray[np.int64]
    number: NDArray[np.int64]

    def take(self, chosen: NDArray[np.bool_] | NDArray[np.intp]) -> LabelBatch:
        return LabelBatch(
            self.ref_hash[chosen],
            self.label_hash[chosen],
            self.occurred_us[chosen],
            self.ref_occurred_us[chosen],
            self.number[chosen],
        )


class Change(NamedTuple):
    """What labels change in one pane of one lane: rows that count now, and what they replace."""

    lane: int
    start_us: int
    added: Labelled
    removed: Labelled | None


class Joins:
    """Owned by the loop's thread. What is added is synced by ``sync``, and becomes valid by ``write``."""

    def __init__(self, store: Store, max_bytes: int) -> None:
        self.store = store
        self.directory = store.directory / DIRECTORY
        self.directory.mkdir(exist_ok=True)
        self.max_bytes = max_bytes
        rows = store.connection.execute("SELECT body FROM join_pane ORDER BY id")
        records = [msgspec.json.decode(body, type=JoinPaneRecord) for (body,) in rows]
        self.panes = {_key(record): self._open(record) for record in records}
        self.next_id = max((record.id for record in records), default=0) + 1
        self._dirty: set[PaneKey] = set()
        self._gone: list[JoinPane] = []
        self._loaded: OrderedDict[PaneKey, None] = OrderedDict()
        self._new_limit: int | None = None
        self._remove_strays({record.id for record in records if record.in_files})

    def of_model(self, system: str, model: str) -> Iterator[JoinPane]:
        """Panes of a model, newest first: most labels speak of recent predictions."""
        keys = [key for key in self.panes if key.system == system and key.model == model]
        return (self.panes[key] for key in sorted(keys, key=lambda key: key.start_us, reverse=True))

    def find_open(
        self, system: str, model: str, hashes: NDArray[np.uint64]
    ) -> tuple[NDArray[np.bool_], NDArray[np.uint32]]:
        """Which ids are known in a pane that is not frozen, and their marks; hashes ascending, (n,) each."""
        found = np.zeros(len(hashes), dtype=np.bool_)
        marks = np.zeros(len(hashes), dtype=np.uint32)
        for pane in self.of_model(system, model):
            if not pane.record.frozen:
                hit, _, mark = pane.index.find(hashes)
                found |= hit
                marks[hit] = mark[hit]
        return found, marks

    def pane(self, key: PaneKey, pane_us: int, scores: int, groups: int) -> JoinPane:
        """The pane of this key, made where it is new."""
        if key not in self.panes:
            record = JoinPaneRecord(
                id=self.next_id,
                **key._asdict(),
                end_us=key.start_us + pane_us,
                scores=scores,
                groups=groups,
                hash_limit=self._hash_limit(),
            )
            self.next_id += 1
            self.panes[key] = self._open(record)
        self._dirty.add(key)
        return self.panes[key]

    def touched(self, pane: JoinPane) -> None:
        self._dirty.add(_key(pane.record))

    def freeze(self, system: str, until_us: int) -> None:
        """No inference event is accepted any more in the panes of a system that end at or before a time."""
        for key, pane in list(self.panes.items()):
            if key.system != system or pane.record.frozen or pane.record.end_us > until_us:
                continue
            if pane.record.hash_limit != FULL_HASH:
                self._gone.append(pane)
                self.panes[key] = pane = pane.thinned(self.next_id)
                self.next_id += 1
            pane.freeze()
            self._dirty.add(key)

    def drop(self, system: str, model: str, until_us: int) -> None:
        """Forget the panes of a model that end at or before a time: no label counts there any more."""
        for key in [k for k in self.panes if k.system == system and k.model == model]:
            if self.panes[key].record.end_us <= until_us:
                self._gone.append(self.panes.pop(key))
                self._dirty.discard(key)

    def predictions(self, key: PaneKey) -> int:
        return self.panes[key].record.predictions if key in self.panes else 0

    def is_sample(self, key: PaneKey) -> bool:
        return key in self.panes and self.panes[key].record.hash_limit != FULL_HASH

    @property
    def sampled_panes(self) -> int:
        """How many panes keep only a sample."""
        return sum(pane.record.hash_limit != FULL_HASH for pane in self.panes.values())

    @property
    def disk_bytes(self) -> int:
        return sum(pane.disk_bytes for pane in self.panes.values())

    def sync(self) -> None:
        """Before the transaction: what it will call valid is on the disk."""
        for key in self._dirty:
            self.panes[key].sync()

    def write(self) -> None:
        """Inside the transaction."""
        connection = self.store.connection
        for key in sorted(self._dirty):
            pane = self.panes[key]
            pane.write()
            body = msgspec.json.encode(pane.record)
            connection.execute("INSERT OR REPLACE INTO join_pane VALUES (?, ?)", (pane.record.id, body))
        for pane in self._gone:
            pane.delete_chunks()
            connection.execute("DELETE FROM join_pane WHERE id = ?", (pane.record.id,))

    def written(self) -> None:
        """After the transaction: files that nothing refers to go, memory is bounded."""
        for pane in self._gone:
            pane.delete_files()
        self._gone.clear()
        for key in sorted(self._dirty):
            self.panes[key].written()
            if self.panes[key].record.frozen:
                self._loaded[key] = None
                self._loaded.move_to_end(key)
        self._dirty.clear()
        self._new_limit = None
        self._forget_oldest()

    def forget(self) -> None:
        """Give back the memory of frozen panes; what is needed again is read from the disk."""
        if not self._dirty:
            self._forget_oldest(0)

    def _forget_oldest(self, most_bytes: int = LOADED_BYTES) -> None:
        """Of the frozen panes, only those that labels have met lately stay in memory."""
        held = sum(self.panes[key].memory_bytes for key in self._loaded if key in self.panes)
        while self._loaded and held > most_bytes:
            key, _ = self._loaded.popitem(last=False)
            if key in self.panes:
                held -= self.panes[key].memory_bytes
                self.panes[key].forget()

    def _open(self, record: JoinPaneRecord) -> JoinPane:
        return JoinPane(self.directory, self.store.connection, record, durable=self.store.durable)

    def _hash_limit(self) -> int:
        """The sample of the panes that a step makes."""
        if self._new_limit is None:
            self._new_limit = self._fitting_limit()
        return self._new_limit

    def _fitting_limit(self) -> int:
        """The smallest sample of now, halved where the join would not fit its bound, doubled where it would by far."""
        limit = min((pane.record.hash_limit for pane in self.panes.values()), default=FULL_HASH)
        size = self._bytes_at(limit)
        if size > self.max_bytes:
            return limit // 2
        return limit if limit == FULL_HASH or 4 * size > self.max_bytes else 2 * limit + 1

    def _bytes_at(self, limit: int) -> int:
        """Size of the join if all its panes had this sample."""
        return sum(
            pane.disk_bytes * limit // (pane.record.hash_limit if pane.record.frozen else FULL_HASH)
            for pane in self.panes.values()
        )

    def _remove_strays(self, in_files: set[int]) -> None:
        for path in self.directory.iterdir():
            if int(path.stem) not in in_files:
                path.unlink()


def join_labels(
    pane: JoinPane, labels: LabelBatch, truth: NDArray[np.float64], horizon_us: int
) -> tuple[list[Change], dict[str, int]]:
    """Let labels count for the rows of one pane.

    Args:
        labels: those whose ``ref_hash`` the pane knows, sorted by it; truth: (n,) their encoded values, NaN if invalid.

    Returns:
        changes by lane, and how many labels had which outcome.
    """
    _, rows, _ = pane.index.find(labels.ref_hash)
    outcomes: dict[str, int] = {}
    usable = _usable(pane, labels, truth, horizon_us, outcomes)
    rows, labels, truth = rows[usable], labels.take(usable), truth[usable]
    best, copies = _greatest_per_row(rows, labels)
    outcomes["superseded"] = len(rows) - len(best) - copies
    rows, labels, truth = rows[best], labels.take(best), truth[best]
    old_time, old_hash, old_truth = (array[rows] for array in pane.kept)
    newer = (labels.occurred_us > old_time) | ((labels.occurred_us == old_time) & (labels.label_hash > old_hash))
    same = (labels.occurred_us == old_time) & (labels.label_hash == old_hash)
    outcomes["duplicate"] = copies + int(same.sum())
    outcomes["superseded"] += int((~newer & ~same).sum())
    replaced = newer & (old_time != NEVER)
    outcomes["replaced"] = int(replaced.sum())
    outcomes["joined"] = int(newer.sum()) - outcomes["replaced"]
    pane.append_labels(_entries(rows[newer], labels.take(newer), truth[newer]))
    predictions = pane.rows(rows[newer])
    return list(_changes(pane, predictions, truth[newer], old_truth[newer], replaced[newer])), outcomes


def _usable(
    pane: JoinPane, labels: LabelBatch, truth: NDArray[np.float64], horizon_us: int, outcomes: dict[str, int]
) -> NDArray[np.bool_]:
    """Which labels may count at all; why others do not goes into the outcomes."""
    beyond = labels.occurred_us >= pane.record.end_us + horizon_us
    invalid = ~beyond & np.isnan(truth)
    unsampled = ~beyond & ~invalid & ~pane.sampled(labels.ref_hash)
    outcomes["beyond_horizon"] = int(beyond.sum())
    outcomes["invalid"] = int(invalid.sum())
    outcomes["not_sampled"] = int(unsampled.sum())
    usable: NDArray[np.bool_] = ~(beyond | invalid | unsampled)
    return usable


def _greatest_per_row(rows: NDArray[np.uint32], labels: LabelBatch) -> tuple[NDArray[np.intp], int]:
    """Per row the label with the greatest (occurred_at, id hash), and how many labels are equal copies of others."""
    order = np.lexsort((labels.label_hash, labels.occurred_us, rows))
    same_row, same_time, same_id = (
        a[order][1:] == a[order][:-1] for a in (rows, labels.occurred_us, labels.label_hash)
    )
    last = np.ones(len(order), dtype=np.bool_)
    last[:-1] = ~same_row
    return order[last], int((same_row & same_time & same_id).sum())


def _entries(rows: NDArray[np.uint32], labels: LabelBatch, truth: NDArray[np.float64]) -> NDArray[np.void]:
    entries = np.empty(len(rows), dtype=LABEL_ENTRY)
    entries["row"], entries["truth"] = rows, truth
    entries["occurred_us"], entries["label_hash"] = labels.occurred_us, labels.label_hash
    return entries


def _changes(
    pane: JoinPane,
    predictions: NDArray[np.void],
    truth: NDArray[np.float64],
    old_truth: NDArray[np.float64],
    replaced: NDArray[np.bool_],
) -> Iterator[Change]:
    """One change per lane that holds some of the rows: the model version's own, and its segments'."""
    predicted = ~np.isnan(predictions["prediction"])
    for lane in _lanes(predictions):
        mine = predicted & ((predictions["lane"] == lane) | (predictions["segment_lane"] == lane))
        if not mine.any():
            continue
        gone = mine & replaced
        removed = labelled(predictions[gone], old_truth[gone]) if gone.any() else None
        yield Change(lane, pane.record.start_us, labelled(predictions[mine], truth[mine]), removed)


def _lanes(predictions: NDArray[np.void]) -> Iterable[int]:
    lanes = np.union1d(predictions["lane"], predictions["segment_lane"])
    return [int(lane) for lane in lanes if lane > 0]


def labelled(predictions: NDArray[np.void], truth: NDArray[np.float64]) -> Labelled:
    """Rows of the join with their labels, as columns."""
    return Labelled(
        truth=truth,
        prediction=predictions["prediction"],
        scores=np.ascontiguousarray(predictions["scores"].T),
        groups=np.ascontiguousarray(predictions["groups"].T),
        bucket=predictions["bucket"],
    )


def _key(record: JoinPaneRecord) -> PaneKey:
    return PaneKey(record.system, record.model, record.version, record.context, record.start_us)
