"""Rows from files: JSON lines and CSV (both also ``.zst``), and Parquet.

A file is read as if it were a partition of a topic: batches of records with their offsets, which the decoder then takes like
those from Kafka. A reader is one function and one line in ``READERS``.
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import IO, Any

import zstandard

from agent.flat_rows import Row, ToEvent, to_json
from agent.source import Fetched, Partition
from config.errors import SourceError

BATCH_RECORDS = 5000
MAX_LINE_BYTES = 64 << 20
"""A longer line is no event: the file is not JSON lines."""

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
    suffixes = [suffix.lower() for suffix in path.suffixes if suffix.lower() != ".zst"]
    kind = suffixes[-1] if suffixes else ""
    if kind not in READERS:
        raise UnreadableFile(f"{path}: the kind of this file is not known. Known are: {', '.join(READERS)}")
    return kind


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
    with _opened(path, advance) as file:
        yield from ((number, line) for number, line in enumerate(_lines(file, path)) if not line.isspace())


def _csv(path: Path, shape: RowShape, advance: Advance) -> Iterator[Record]:
    with _opened(path, advance) as file, io.TextIOWrapper(file, encoding="utf-8-sig", newline="") as text:
        rows = csv.DictReader(text, restkey="", strict=True)
        yield from _as_events(path, rows, shape(rows.fieldnames or ()))


def _parquet(path: Path, shape: RowShape, advance: Advance) -> Iterator[Record]:
    parquet = _import_parquet(path)
    size = path.stat().st_size
    with parquet.ParquetFile(path) as file:
        to_event = shape(file.schema_arrow.names)
        total, done = max(1, file.metadata.num_rows), 0
        for batch in file.iter_batches(batch_size=BATCH_RECORDS):
            yield from _as_events(path, batch.to_pylist(), to_event, first=done)
            done += batch.num_rows
            advance(size * done // total)


def _import_parquet(path: Path) -> Any:
    try:
        from pyarrow import parquet
    except ImportError as error:
        raise UnreadableFile(
            f"{path}: reading Parquet needs pyarrow, which is not installed. Run: pip install 'wachter[parquet]'"
        ) from error
    return parquet


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


def _lines(file: IO[bytes], path: Path) -> Iterator[bytes]:
    while line := file.readline(MAX_LINE_BYTES):
        if len(line) == MAX_LINE_BYTES:
            raise UnreadableFile(f"{path}: a line is longer than {MAX_LINE_BYTES >> 20} MiB. Is it JSON lines?")
        yield line


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


@contextmanager
def _opened(path: Path, advance: Advance) -> Iterator[IO[bytes]]:
    with path.open("rb", buffering=0) as raw:
        file = io.BufferedReader(_Watched(raw, advance), buffer_size=1 << 20)
        if path.suffix.lower() == ".zst":
            with zstandard.ZstdDecompressor().stream_reader(file, read_across_frames=True) as reader:
                yield io.BufferedReader(reader, buffer_size=1 << 20)
        else:
            yield file
