"""Events from files of JSON lines, through the same pipeline as those from Kafka."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from pathlib import Path

import zstandard

from agent.replay.lines import Lines
from agent.source import NO_IDS, Assignment, Committed, Fetched, Partition, Poll, TopicIds, Trouble

EPOCH = 1


class FileSource:
    """Each file is a partition, and each line a record whose offset is the number of its line, from 0.

    ``replay_lines.Lines`` says what a line is. Files are read in turns, a batch each, so that none runs far ahead. A file
    that turns out to be damaged is a ``Trouble`` for good: a replay of half a file would look like a whole one.

    Args:
        paths: files; two of the same name are told apart by number, in this order.
        batch_records: most records of one poll.
        max_line_bytes: most bytes of a line that are kept.

    Raises:
        SourceError: a file cannot be opened.
    """

    def __init__(self, paths: Sequence[Path], batch_records: int = 5000, max_line_bytes: int = 1 << 20) -> None:
        self._batch_records = batch_records
        self._files = {name: Lines(path, max_line_bytes) for name, path in _names(paths).items()}
        self._turns = list(self._files)
        self._held: AbstractSet[Partition] = frozenset()
        self._trouble: Trouble | None = None
        self._announced = self._begun = self._closed = False

    @property
    def total_bytes(self) -> int:
        """Size of all files, as they lie on disk."""
        return sum(lines.total_bytes for lines in self._files.values())

    @property
    def read_bytes(self) -> int:
        """How much of ``total_bytes`` has been read."""
        return sum(lines.read_bytes for lines in self._files.values())

    def poll(self, timeout_seconds: float) -> Poll:
        """One batch of the next file in turn that is not held; never waits."""
        if not self._announced:
            self._announced = True
            return Poll(EPOCH, _beginning(self._files))
        if self._closed or not self._begun:
            return Poll(EPOCH, finished=self._closed)
        fetched = self._next_batch() if self._trouble is None else ()
        if self._trouble is not None:
            return Poll(EPOCH, trouble=self._trouble)
        ended = frozenset(name for name, lines in self._files.items() if lines.ended)
        return Poll(EPOCH, fetched=fetched, caught_up=ended, finished=len(ended) == len(self._files))

    def begin(self, positions: Mapping[Partition, int], topic_ids: TopicIds = NO_IDS) -> None:
        """Skip to these line numbers, counted from 0; a file without one is read from where it stands."""
        for name, lines in self._files.items():
            lines.skip_to(positions.get(name, lines.next_offset))
        self._begun = True

    def hold(self, partitions: AbstractSet[Partition]) -> None:
        """Leave exactly these files alone."""
        self._held = partitions

    def still_owner(self, epoch: int) -> bool:
        """Nobody contends for a file."""
        return epoch == EPOCH and not self._closed

    def commit(self, offsets: Mapping[Partition, Committed]) -> bool:
        """Files keep no offsets; there is nothing to fail."""
        return True

    def close(self, deadline_seconds: float) -> None:
        """Close the files; safe twice and safe without a start."""
        self._closed = True
        for lines in self._files.values():
            lines.close()

    def _next_batch(self) -> tuple[Fetched, ...]:
        for name in [name for name in self._turns if name not in self._held]:
            try:
                offsets, values = self._files[name].take(self._batch_records)
            except (OSError, zstandard.ZstdError) as error:
                self._trouble = Trouble("file", f"{name.topic}: cannot be read to its end: {error}. Replace the file")
                return ()
            if offsets:
                self._turns.remove(name)
                self._turns.append(name)
                return (Fetched(name, offsets, values),)
        return ()


def _names(paths: Sequence[Path]) -> dict[Partition, Path]:
    """File names as topics; the second of a name has number 1, and so on."""
    names: dict[Partition, Path] = {}
    for path in paths:
        number = sum(1 for taken in names if taken.topic == path.name)
        names[Partition(path.name, number)] = path
    return names


def _beginning(files: Mapping[Partition, Lines]) -> Assignment:
    """All files, from their first line; how many they have is not known before they are read."""
    zeros = dict.fromkeys(files, 0)
    return Assignment(tuple(files), beginnings=zeros, starts=zeros)
