"""One pane of the join: the predictions of a model version in one pane of event time, and the labels they got.

Two append-only logs: ``rows``, one fixed-size row a prediction in the order of acceptance, and ``labels``, one entry a
label that counted. They live in the database until the rows exceed ``SPILL_BYTES``, then in files ``<id>.rows`` and
``<id>.labels``. ``<id>.index`` is derived: the hashes of a large pane in order, written when it freezes.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from agent.join.logs import ChunkLog, FileLog
from detectors.hashindex import HashIndex, Run

SPILL_BYTES = 1 << 20
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
        rows, labels: valid entries of the two logs.
        in_files: the logs are files.
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
    in_files: bool = False


class Kept(NamedTuple):
    """The label that counts for each row of a pane, (rows,) each; ``occurred_us`` is NEVER where there is none."""

    occurred_us: NDArray[np.int64]
    label_hash: NDArray[np.uint64]
    truth: NDArray[np.float64]


class JoinPane:
    """Owned by the loop's thread.

    Args:
        directory: of the files; connection: to the database.
        durable: wait for the disk.
    """

    def __init__(
        self, directory: Path, connection: sqlite3.Connection, record: JoinPaneRecord, *, durable: bool
    ) -> None:
        self.record = record
        self.directory = directory
        self.connection = connection
        self.durable = durable
        self.dtype = row_dtype(record.scores, record.groups)
        self._chunks = {name: ChunkLog(connection, record.id, name) for name in ("rows", "labels")}
        self._files: dict[str, FileLog] = {}
        self._index: HashIndex | None = None
        self._kept: Kept | None = None
        self._rows: NDArray[np.void] | None = None
        if record.in_files:
            sizes = {"rows": record.rows * self.dtype.itemsize, "labels": record.labels * LABEL_ENTRY.itemsize}
            self._files = {name: FileLog(self._path(name), size, durable=durable) for name, size in sizes.items()}

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
        taken: NDArray[np.void] = np.array(self._all_rows()[at])
        return taken

    def append_rows(self, rows: NDArray[np.void]) -> None:
        """Add predictions whose hashes are not yet known, in the order of acceptance."""
        first, index = self.record.rows, self.index
        self._append("rows", rows.tobytes())
        self._rows = None
        numbers = np.arange(first, first + len(rows), dtype=np.uint32)
        index.add(rows["hash"].copy(), numbers, rows["mark"].copy())
        predictions = int(np.count_nonzero(~np.isnan(rows["prediction"][self.sampled(rows["hash"])])))
        self.record = msgspec.structs.replace(
            self.record, rows=first + len(rows), predictions=self.record.predictions + predictions
        )
        if not self.record.in_files and self.record.rows * self.dtype.itemsize > SPILL_BYTES:
            self._spill()

    def sampled(self, hashes: NDArray[np.uint64]) -> NDArray[np.bool_]:
        """Which ids belong to the sample whose labels count; all of them unless the join is full."""
        chosen: NDArray[np.bool_] = hashes <= np.uint64(self.record.hash_limit)
        return chosen

    def append_labels(self, entries: NDArray[np.void]) -> None:
        """Add labels that count from now on: at most one entry a row, each greater than what the row had."""
        if len(entries) == 0:
            return
        kept = self.kept
        self._append("labels", entries.tobytes())
        _keep(kept, entries)
        self.record = msgspec.structs.replace(self.record, labels=self.record.labels + len(entries))

    def freeze(self) -> None:
        """No more rows: they are written as one, the memory is given back."""
        if self.record.in_files:
            run = self.index.merged()
            data = run.hashes.tobytes() + run.rows.tobytes()
            self._files["index"] = FileLog.begun_with(self._path("index"), data, durable=self.durable)
        elif self.record.rows:
            self._chunks["rows"].merge()
        self.record = msgspec.structs.replace(self.record, frozen=True)

    def thinned(self, new_id: int) -> JoinPane:
        """A copy that holds the sample alone; the original stays until its owner deletes it."""
        everything = np.arange(self.record.rows, dtype=np.uint32)
        rows = self.rows(everything)
        chosen = self.sampled(rows["hash"])
        record = msgspec.structs.replace(self.record, id=new_id, rows=0, labels=0, predictions=0, in_files=False)
        copy = JoinPane(self.directory, self.connection, record, durable=self.durable)
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

    @property
    def memory_bytes(self) -> int:
        """About what it holds in memory."""
        held = self._index is not None, self._kept is not None, self._rows is not None and not self.record.in_files
        return self.record.rows * (16 * held[0] + 24 * held[1] + self.dtype.itemsize * held[2])

    def forget(self) -> None:
        """Give back the memory; what is needed again is read from disk."""
        self._index = self._kept = self._rows = None
        for log in self._chunks.values():
            log.forget()

    def sync(self) -> None:
        """Before the transaction: what it will call valid is on the disk."""
        for file in self._files.values():
            file.sync()

    def write(self) -> None:
        """Inside the transaction."""
        for log in self._chunks.values():
            log.delete() if self.record.in_files else log.write()

    def written(self) -> None:
        """After the transaction."""
        for log in self._chunks.values():
            log.written()

    def delete_chunks(self) -> None:
        """Inside the transaction."""
        for log in self._chunks.values():
            log.delete()

    def delete_files(self) -> None:
        """After the transaction."""
        for name in ("rows", "labels", "index") if self.record.in_files else ():
            self._path(name).unlink(missing_ok=True)

    def _path(self, name: str) -> Path:
        return self.directory / f"{self.record.id}.{name}"

    def _append(self, name: str, data: bytes) -> None:
        (self._files[name] if self.record.in_files else self._chunks[name]).append(data)

    def _spill(self) -> None:
        """The pane has grown: its logs become files."""
        for name, log in self._chunks.items():
            self._files[name] = FileLog.begun_with(self._path(name), log.whole(), durable=self.durable)
            log.written()
            log.forget()
        self.record = msgspec.structs.replace(self.record, in_files=True)

    def _all_rows(self) -> NDArray[np.void]:
        if self.record.in_files:
            return self._files["rows"].array(self.dtype, self.record.rows)
        if self._rows is None:
            self._rows = np.frombuffer(self._chunks["rows"].whole(), self.dtype)
        return self._rows

    def _all_labels(self) -> NDArray[np.void]:
        if self.record.in_files:
            return self._files["labels"].array(LABEL_ENTRY, self.record.labels)
        return np.frombuffer(self._chunks["labels"].whole(), LABEL_ENTRY)

    def _load_index(self) -> HashIndex:
        index = HashIndex()
        count = self.record.rows
        path = self._path("index")
        if count and self.record.frozen and path.exists() and path.stat().st_size == 12 * count:
            hashes = np.memmap(path, dtype="<u8", mode="r", shape=(count,))
            rows = np.memmap(path, dtype="<u4", mode="r", offset=8 * count, shape=(count,))
            index.runs.append(Run(hashes, rows, np.broadcast_to(np.uint32(0), count)))
            return index
        whole = self._all_rows()
        index.add(np.array(whole["hash"]), np.arange(count, dtype=np.uint32), np.array(whole["mark"]))
        return index

    def _load_kept(self) -> Kept:
        """The last entry of a row counts: entries of a row only ever grow."""
        capacity = self.record.rows if self.record.frozen else max(1024, 2 * self.record.rows)
        kept = Kept(
            np.full(capacity, NEVER, dtype=np.int64),
            np.zeros(capacity, dtype=np.uint64),
            np.full(capacity, np.nan),
        )
        _keep(kept, self._all_labels())
        return kept


def _keep(kept: Kept, entries: NDArray[np.void]) -> None:
    kept.occurred_us[entries["row"]] = entries["occurred_us"]
    kept.label_hash[entries["row"]] = entries["label_hash"]
    kept.truth[entries["row"]] = entries["truth"]
