"""A topic without a broker: partitions as files of lines that grow while an agent of its own process reads them.

What Kafka promises holds here too: offsets are dense and stable, a commit is durable when it answers, and whoever starts is
told what was committed. So a test of the disk, of a signal or of a scraper needs no broker.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import BinaryIO

from agent.source import NO_IDS, Assignment, Committed, Fetched, Partition, Poll, TopicIds

LOOK_SECONDS = 0.01
COMMITTED = "committed.json"


class FileTopic:
    """The producer's end. Appending is one write, so that a reader never sees half a batch of lines for long."""

    def __init__(self, directory: Path, partitions: int = 2) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self.directory = directory
        self.partitions = partitions
        self.produced = [0] * partitions
        for number in range(partitions):
            _file(directory, number).touch()

    def append(self, number: int, records: Iterable[bytes]) -> None:
        """Add records to a partition."""
        lines = [record + b"\n" for record in records]
        with _file(self.directory, number).open("ab") as file:
            file.write(b"".join(lines))
        self.produced[number] += len(lines)

    def deal(self, records: Iterable[bytes]) -> None:
        """Add records to all partitions in turn."""
        whole = list(records)
        for number in range(self.partitions):
            self.append(number, whole[number :: self.partitions])

    def committed(self) -> dict[Partition, int]:
        """Next offset by partition, as the last commit of the agent says."""
        return {partition: commit.offset for partition, commit in _read_commits(self.directory).items()}


class TopicReader:
    """The agent's end: a ``Source`` that owns all partitions from the start on."""

    def __init__(self, directory: Path, batch_records: int) -> None:
        self._directory = directory
        self._batch = batch_records
        numbers = sorted(int(path.stem) for path in directory.glob("*.jsonl"))
        self._files: dict[Partition, BinaryIO] = {
            Partition(str(directory), number): _file(directory, number).open("rb") for number in numbers
        }
        self._next = dict.fromkeys(self._files, 0)
        self._held: AbstractSet[Partition] = frozenset()
        self._announced = False

    def poll(self, timeout_seconds: float) -> Poll:
        """What has been appended since, waiting for it so long."""
        if not self._announced:
            self._announced = True
            return Poll(1, Assignment(tuple(self._files), _read_commits(self._directory)))
        until = time.monotonic() + timeout_seconds
        while not (fetched := self._fetch()) and time.monotonic() < until:
            time.sleep(LOOK_SECONDS)
        got = {part.partition for part in fetched}
        return Poll(1, None, fetched, frozenset(self._files) - got - self._held, dict.fromkeys(self._files, 0))

    def begin(self, positions: Mapping[Partition, int], topic_ids: TopicIds = NO_IDS) -> None:
        for partition, file in self._files.items():
            file.seek(0)
            self._next[partition] = positions.get(partition, 0)
            for _ in range(self._next[partition]):
                file.readline()

    def hold(self, partitions: AbstractSet[Partition]) -> None:
        self._held = partitions

    def still_owner(self, epoch: int) -> bool:
        return True

    def commit(self, offsets: Mapping[Partition, Committed]) -> bool:
        known = {**_read_commits(self._directory), **offsets}
        body = {str(partition.number): [commit.offset, commit.note] for partition, commit in known.items()}
        scratch = self._directory / "commit.new"
        scratch.write_text(json.dumps(body))
        os.replace(scratch, self._directory / COMMITTED)
        return True

    def close(self, deadline_seconds: float) -> None:
        for file in self._files.values():
            file.close()

    def _fetch(self) -> tuple[Fetched, ...]:
        parts = (self._take(partition) for partition in self._files if partition not in self._held)
        return tuple(part for part in parts if len(part))

    def _take(self, partition: Partition) -> Fetched:
        file, values = self._files[partition], []
        while len(values) < self._batch and (line := file.readline()):
            if not line.endswith(b"\n"):  # the producer is in the middle of it
                file.seek(-len(line), os.SEEK_CUR)
                break
            values.append(line[:-1])
        first = self._next[partition]
        self._next[partition] += len(values)
        return Fetched(partition, range(first, first + len(values)), values)


def _file(directory: Path, number: int) -> Path:
    return directory / f"{number}.jsonl"


def _read_commits(directory: Path) -> dict[Partition, Committed]:
    path = directory / COMMITTED
    body = json.loads(path.read_text()) if path.exists() else {}
    return {Partition(str(directory), int(number)): Committed(*commit) for number, commit in body.items()}
