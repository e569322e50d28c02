"""What a reference is built from: files or a stretch of topics, read twice (once to cut the cells, once to count)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Protocol

from agent.reference.flat_rows import ToEvent, mapped_rows, native_rows
from agent.reference.readers import UnreadableFile, kind_of, read_file, sha256_of
from agent.source import Fetched, Partition
from config.settings import Model, Settings

Progress = Callable[[int], None]
"""Called with the units (bytes or records) that have been read so far."""


class RowSource(Protocol):
    """Events that can be read more than once."""

    total: int
    """Units of one reading, for progress."""

    def read(self, progress: Progress) -> Iterator[Fetched]: ...

    def provenance(self) -> Mapping[str, str]:
        """Where the events come from, by name."""
        ...


class Files:
    """Files of events or of rows."""

    def __init__(
        self, paths: Sequence[Path], settings: Settings, system: str, model: Model, version: str | None
    ) -> None:
        """Look at the files.

        Raises:
            UnreadableFile: a file is not there, or its kind is not known.
        """
        for path in paths:
            kind_of(path)
        self.paths = tuple(paths)
        self.sizes = [_size_of(path) for path in paths]
        self.total = sum(self.sizes)
        self._topics = settings.source.topics if settings.source.type == "kafka" else ()
        self._shape = partial(row_shape, settings, system, model, version)

    def read(self, progress: Progress) -> Iterator[Fetched]:
        done = 0
        for number, (path, size) in enumerate(zip(self.paths, self.sizes, strict=True)):
            partition = Partition(topic_of(path, self._topics), number)
            yield from read_file(path, self._shape, _beyond(done, progress), partition)
            done += size

    def provenance(self) -> Mapping[str, str]:
        return {f"source {path.name}": f"sha256 {sha256_of(path)}" for path in self.paths}


def _size_of(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError as error:
        raise UnreadableFile(f"{path}: {error.strerror}. Check the path and its permissions") from error


def _beyond(done: int, progress: Progress) -> Progress:
    return lambda read: progress(done + read)


def row_shape(settings: Settings, system: str, model: Model, version: str | None, columns: Sequence[str]) -> ToEvent:
    """How the rows of a table become events: by the settings' mappings where there are some, else by column names."""
    return mapped_rows if settings.mappings else native_rows(system, model, version, columns)


def topic_of(path: Path, topics: Sequence[str]) -> str:
    """The topic whose mappings read a file: the one the file is named after, else the only one, else the file's name."""
    stem = path.name.split(".")[0]
    if stem in topics:
        return stem
    return topics[0] if len(topics) == 1 else path.name
