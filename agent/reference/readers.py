"""Rows from files: JSON lines (also ``.zst``), CSV and Parquet.

A file is read as if it were a partition of a topic: batches of records with their offsets, which the decoder then takes like
those from Kafka. A reader is one function and one line in ``READERS``.
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import zstandard

from agent.reference.flat_rows import Row, ToEvent, to_json
from agent.replay.lines import Lines
from agent.source import Fetched, Partition
from config.errors import SourceError

BATCH_RECORDS = 5000
BUFFER_BYTES = 1 << 20
MAX_LINE_BYTES = 64 << 20
"""A longer line is cut; the decoder refuses it by its size."""

Record = tuple[int, bytes]
"""Number of a line or row in its file, and its bytes."""

Advance = Callable[[int], None]
"""Called with the bytes of the file that have been read so far."""

RowShape = Callable[[Sequence[str]], ToEvent]
"""From a table's column names to how its rows become events."""


class UnreadableFile(SourceError):
    """A file is of an unknown kind, damaged, or needs a package that is not installed."""

    retriable = False


def read_file(
    path: Path, shape: RowShape, advance: Advance = lambda _: None, partition: Partition | None = None
) -> Iterator[Fetched]:
    """The records of a file, in batches.

    Args:
        path: its ending says how it is read (``READERS``).
        shape: how the rows of a table become events; JSON lines are events already.
        advance: told how far the reading has come.
        partition: what the records are said to come from; the file's name if not given.

    Raises:
        UnreadableFile: with what to do.
    """
    reader = READERS[kind_of(path)]
    try:
        yield from _batched(partition or Partition(path.name), reader(path, shape, advance))
    except (OSError, zstandard.ZstdError, UnicodeDecodeError, csv.Error) as error:
        raise UnreadableFile(f"{path} cannot be read: {error}") from error


def kind_of(path: Path) -> str:
    """The ending that says how a file is read.

    Raises:
        UnreadableFile: no reader has this ending.
    """
    suffixes = [suffix.lower() for suffix in path.suffixes]
    packed = suffixes[-1:] == [".zst"]
    kind = (suffixes[:-1] if packed else suffixes)[-1:]
    if not kind or kind[0] not in READERS or (packed and READERS[kind[0]] is not _json_lines):
        known = ", ".join(READERS)
        raise UnreadableFile(f"{path}: the kind of this file is not known. Known are {known}, and .zst of JSON lines")
    return kind[0]


def sha256_of(path: Path) -> str:
    """SHA-256 of a file's bytes, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def column_names(path: Path) -> tuple[str, ...]:
    """The columns of a table; none for JSON lines.

    Raises:
        UnreadableFile: see ``read_file``.
    """
    seen: list[tuple[str, ...]] = []

    def remember(columns: Sequence[str]) -> ToEvent:
        seen.append(tuple(columns))
        return lambda row, _: dict(row)

    next(iter(read_file(path, remember)), None)
    return seen[0] if seen else ()


def _json_lines(path: Path, shape: RowShape, advance: Advance) -> Iterator[Record]:
    lines = Lines(path, MAX_LINE_BYTES)
    try:
        while not lines.ended:
            for number, line in zip(*lines.take(BATCH_RECORDS), strict=True):
                yield number, line or b""
            advance(lines.read_bytes)
    finally:
        lines.close()


def _csv(path: Path, shape: RowShape, advance: Advance) -> Iterator[Record]:
    with (
        path.open("rb", buffering=0) as raw,
        io.BufferedReader(_Watched(raw, advance), BUFFER_BYTES) as file,
        io.TextIOWrapper(file, encoding="utf-8-sig", newline="") as text,
    ):
        rows = csv.DictReader(text, restkey="", strict=True)
        yield from _as_events(path, rows, shape(rows.fieldnames or ()))


def _parquet(path: Path, shape: RowShape, advance: Advance) -> Iterator[Record]:
    arrow, parquet = _import_parquet(path)
    size = path.stat().st_size
    try:
        with parquet.ParquetFile(path) as file:
            to_event = shape(file.schema_arrow.names)
            total, done = max(1, file.metadata.num_rows), 0
            for batch in file.iter_batches(batch_size=BATCH_RECORDS):
                yield from _as_events(path, batch.to_pylist(), to_event, first=done)
                done += batch.num_rows
                advance(size * done // total)
    except arrow.ArrowException as error:
        raise UnreadableFile(f"{path} cannot be read: {error}") from error


def _import_parquet(path: Path) -> tuple[Any, Any]:
    try:
        from pyarrow import lib, parquet
    except ImportError as error:
        raise UnreadableFile(
            f"{path}: reading Parquet needs pyarrow, which is not installed. "
            "Run in the checkout of Wachter: pip install '.[parquet]'"
        ) from error
    return lib, parquet


READERS: dict[str, Callable[[Path, RowShape, Advance], Iterator[Record]]] = {
    ".jsonl": _json_lines,
    ".ndjson": _json_lines,
    ".json": _json_lines,
    ".csv": _csv,
    ".parquet": _parquet,
}


def _as_events(path: Path, rows: Iterable[Row], to_event: ToEvent, first: int = 0) -> Iterator[Record]:
    for number, row in enumerate(rows, start=first):
        yield number, to_json(to_event(row, f"{path.name}:{number}"))


def _batched(partition: Partition, records: Iterable[Record]) -> Iterator[Fetched]:
    stream = iter(records)
    while batch := list(islice(stream, BATCH_RECORDS)):
        offsets, values = zip(*batch, strict=True)
        yield Fetched(partition, offsets, values)


class _Watched(io.RawIOBase):
    """A file that tells how far it has been read."""

    def __init__(self, raw: io.FileIO, advance: Advance) -> None:
        super().__init__()
        self._raw = raw
        self._advance = advance

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        size = self._raw.readinto(buffer)
        self._advance(self._raw.tell())
        return size or 0
