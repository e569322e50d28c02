"""One pane of the join: the predictions of a model version in one pane of event time, and the labels they got.

On disk beside the database, two append-only files per pane: ``<id>.rows`` (one fixed-size row a prediction, in the order of
acceptance) and ``<id>.labels`` (one entry a label that counted). The database records how many of each are valid; what lies
beyond was written by a step that did not complete, and is cut off when the pane is opened. ``<id>.index`` is derived: the
hashes in order, written when the pane freezes.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from detectors.hashindex import HashIndex, Run

LABEL_ENTRY = np.dtype([("row", "<u4"), ("occurred_us", "<i8"), ("label_hash", "<u8"), ("truth", "<f8")])
NEVER = -(1 << 63)


def row_dtype(scores: int, groups: int) -> np.dtype[np.void]:
    """A prediction as the join keeps it."""
    return np.dtype(
        [
            ("hash", "<u8"),
            ("mark", "<u4"),
            ("lane", "<i4"),
            ("segment_lane", "<i4"),
            ("prediction", "<f8"),
            ("scores", "<f8", (scores,)),
            ("groups", "<i2", (groups,)),
            ("bucket", "u1"),
        ]
    )


class JoinPaneRecord(msgspec.Struct, frozen=True, kw_only=True):
    """What the database knows of a pane.

    Attributes:
        version, context: of the model; start_us, end_us: the pane.
        rows, labels: valid entries of the two files.
        hash_limit: labels count for ids whose hash is at most this (a sample, once the join is full).
        predictions: accepted events with a prediction in that sample.
        frozen: no inference event is accepted any more.
    """

    id: int
    system: str
    model: str
    version: str
    context: str
    start_us: int
    end_us: int
    scores: int
    groups: int
    hash_limit: int
    rows: int = 0
    labels: int = 0
    predictions: int = 0
    frozen: bool = False


class Kept(NamedTuple):
    """The label that counts for each row of a pane, (rows,) each; ``occurred_us`` is NEVER where there is none."""

    occurred_us: NDArray[np.int64]
    label_hash: NDArray[np.uint64]
    truth: NDArray[np.float64]


class JoinPane:
    """An open pane of the join; owned by the loop's thread."""

    def __init__(self, directory: Path, record: JoinPaneRecord, *, durable: bool) -> None:
        self.record = record
        self.directory = directory
        self.durable = durable
        self.dtype = row_dtype(record.scores, record.groups)
        self._index: HashIndex | None = None
        self._kept: Kept | None = None
        self._unsynced: set[str] = set()
        self._cut_back("rows", record.rows * self.dtype.itemsize)
        self._cut_back("labels", record.labels * LABEL_ENTRY.itemsize)

    def path(self, suffix: str) -> Path:
        return self.directory / f"{self.record.id}.{suffix}"

    @property
    def disk_bytes(self) -> int:
        return self.record.rows * (self.dtype.itemsize + 12) + self.record.labels * LABEL_ENTRY.itemsize

    @property
    def index(self) -> HashIndex:
        """Hashes of the pane's rows; read from disk when first asked for."""
        if self._index is None:
            self._index = self._load_index()
        return self._index

    @property
    def kept(self) -> Kept:
        """The labels that count; read from disk when first asked for."""
        if self._kept is None or len(self._kept.truth) < self.record.rows:
            self._kept = self._load_kept()
        return self._kept

    def rows(self, at: NDArray[np.uint32]) -> NDArray[np.void]:
        """The rows of these numbers, (n,)."""
        whole = np.memmap(self.path("rows"), dtype=self.dtype, mode="r", shape=(self.record.rows,))
        taken: NDArray[np.void] = np.array(whole[at])
        return taken

    def append_rows(self, rows: NDArray[np.void]) -> None:
        """Add predictions whose hashes are not yet known, and whose order is the order of acceptance."""
        first = self.record.rows
        index = self.index
        self._append("rows", rows.tobytes())
        numbers = np.arange(first, first + len(rows), dtype=np.uint32)
        index.add(rows["hash"].copy(), numbers, rows["mark"].copy())
        predictions = int(np.count_nonzero(~np.isnan(rows["prediction"][self.sampled(rows["hash"])])))
        self.record = msgspec.structs.replace(
            self.record, rows=first + len(rows), predictions=self.record.predictions + predictions
        )

    def sampled(self, hashes: NDArray[np.uint64]) -> NDArray[np.bool_]:
        """Which ids belong to the sample whose labels count; all of them unless the join is full."""
        chosen: NDArray[np.bool_] = hashes <= np.uint64(self.record.hash_limit)
        return chosen

    def append_labels(self, entries: NDArray[np.void]) -> None:
        """Add labels that count from now on: at most one entry a row, each greater than what the row had."""
        kept = self.kept
        self._append("labels", entries.tobytes())
        kept.occurred_us[entries["row"]] = entries["occurred_us"]
        kept.label_hash[entries["row"]] = entries["label_hash"]
        kept.truth[entries["row"]] = entries["truth"]
        self.record = msgspec.structs.replace(self.record, labels=self.record.labels + len(entries))

    def freeze(self) -> None:
        """No more rows: the index goes to disk, memory is given back."""
        run = self.index.merged()
        with self.path("index").open("wb") as file:
            file.write(run.hashes.tobytes())
            file.write(run.rows.tobytes())
        self._unsynced.add("index")
        self.record = msgspec.structs.replace(self.record, frozen=True)
        self.forget()

    def thinned(self, new_id: int) -> JoinPane:
        """A copy on disk that holds the sample alone; the original stays until its owner deletes it."""
        everything = np.arange(self.record.rows, dtype=np.uint32)
        rows = self.rows(everything)
        chosen = self.sampled(rows["hash"])
        record = msgspec.structs.replace(self.record, id=new_id, rows=0, labels=0, predictions=0)
        copy = JoinPane(self.directory, record, durable=self.durable)
        copy.append_rows(rows[chosen])
        kept = self.kept
        labelled = everything[chosen & (kept.occurred_us[: len(rows)] != NEVER)]
        entries = np.empty(len(labelled), dtype=LABEL_ENTRY)
        entries["row"] = (np.cumsum(chosen) - 1)[labelled]
        entries["occurred_us"] = kept.occurred_us[labelled]
        entries["label_hash"] = kept.label_hash[labelled]
        entries["truth"] = kept.truth[labelled]
        copy.append_labels(entries)
        return copy

    def forget(self) -> None:
        """Give back the memory; what is needed again is read from disk."""
        self._index = None
        self._kept = None

    def sync(self) -> None:
        """Wait until all that was appended is on the disk."""
        if self.durable:
            for suffix in self._unsynced:
                with self.path(suffix).open("rb") as file:
                    os.fsync(file.fileno())
        self._unsynced.clear()

    def delete(self) -> None:
        for suffix in ("rows", "labels", "index"):
            self.path(suffix).unlink(missing_ok=True)

    def _append(self, suffix: str, data: bytes) -> None:
        if not data:
            return
        with self.path(suffix).open("ab", buffering=0) as file:
            file.write(data)
        self._unsynced.add(suffix)

    def _cut_back(self, suffix: str, size: int) -> None:
        """Cut off what a step wrote that did not complete."""
        path = self.path(suffix)
        if path.exists() and path.stat().st_size > size:
            os.truncate(path, size)

    def _load_index(self) -> HashIndex:
        index = HashIndex()
        count = self.record.rows
        if count == 0:
            return index
        path = self.path("index")
        if self.record.frozen and path.exists() and path.stat().st_size == 12 * count:
            hashes = np.memmap(path, dtype="<u8", mode="r", shape=(count,))
            rows = np.memmap(path, dtype="<u4", mode="r", offset=8 * count, shape=(count,))
            index.runs.append(Run(hashes, rows, np.broadcast_to(np.uint32(0), count)))
            return index
        whole = np.memmap(self.path("rows"), dtype=self.dtype, mode="r", shape=(count,))
        index.add(np.array(whole["hash"]), np.arange(count, dtype=np.uint32), np.array(whole["mark"]))
        return index

    def _load_kept(self) -> Kept:
        """The last entry of a row counts: entries of a row only ever grow."""
        capacity = max(1024, 2 * self.record.rows) if not self.record.frozen else self.record.rows
        kept = Kept(
            np.full(capacity, NEVER, dtype=np.int64),
            np.zeros(capacity, dtype=np.uint64),
            np.full(capacity, np.nan),
        )
        if self.record.labels:
            entries = np.fromfile(self.path("labels"), dtype=LABEL_ENTRY, count=self.record.labels)
            kept.occurred_us[entries["row"]] = entries["occurred_us"]
            kept.label_hash[entries["row"]] = entries["label_hash"]
            kept.truth[entries["row"]] = entries["truth"]
        return kept
