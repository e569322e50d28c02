"""Which payloads of a log speak of a person: by tag, by text where nobody could be told, and by what refers to them.

tag       events that name the person: the tag stands beside their payloads
text      records that could not be read name nobody: their bytes are searched
ref       labels and reviews name no person, but a decision: those of the events found by tag
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from itertools import islice

import numpy as np

from exporters.evidence.index import indexed_id
from exporters.evidence.payload_frame import ERASED, PayloadBlock
from exporters.evidence.reader import LogReader, payloads_of
from exporters.evidence.seal import FindKey, open_sealed

Holds = Callable[[bytes], bool]
"""Whether bytes hold the person's name."""
Progress = Callable[[int, int], None]

_RECORD = b'{"type":"record"'
_INFERENCE = b'{"type":"inference"'
_REFERRING = (b'{"type":"label"', b'{"type":"oversight"')


@dataclass(slots=True)
class Mentions:
    """Entries whose payloads speak of a person.

    Attributes:
        entries: by shard, ascending; only such that still have their payload.
        decisions: ids of the person's events, with those that were erased before.
    """

    entries: dict[str, list[int]] = field(default_factory=dict)
    decisions: set[str] = field(default_factory=set)

    def __len__(self) -> int:
        return sum(map(len, self.entries.values()))


@dataclass(slots=True)
class Search:
    """How a person is looked for.

    Attributes:
        tags: of the person; holds: tells the person's name in the bytes of a record; find_key: opens sealed records.
    """

    reader: LogReader
    tags: Collection[int]
    holds: Holds
    find_key: FindKey

    def run(self, progress: Progress = lambda done, total: None) -> Mentions:
        """Look through all shards, twice where there is anything to refer to.

        Raises:
            LogDamaged: a frame is not what was written.
        """
        sizes = {shard: self.reader.size(shard) for shard in self.reader.shards()}
        found, done, total = Mentions(), 0, 2 * sum(sizes.values())
        for look in (self._named, self._referring):
            for shard, size in sizes.items():
                for entry in look(shard, size, found):
                    found.entries.setdefault(shard, []).append(entry)
                done += size
                progress(done, total)
        found.entries = {shard: sorted(set(entries)) for shard, entries in found.entries.items()}
        return found

    def _named(self, shard: str, size: int, found: Mentions) -> Iterator[int]:
        """Payloads with the person's tag, and unreadable records that hold the name."""
        entries = self.reader.entries(shard, 0, size)
        tags = np.array(sorted(self.tags), dtype=np.uint64)
        for first, block in self.reader.payload_blocks(shard, 0, size):
            leaves = list(islice(entries, len(block)))
            mine = np.isin(block.subjects, tags)
            for number in np.flatnonzero(mine).tolist():
                if leaves[number].startswith(_INFERENCE):
                    found.decisions.add(indexed_id(leaves[number]) or "")
            yield from (first + number for number in np.flatnonzero(mine & (block.lengths < ERASED)).tolist())
            if any(leaf.startswith(_RECORD) for leaf in leaves):
                yield from self._unreadable(first, leaves, block)

    def _unreadable(self, first: int, leaves: list[bytes], block: PayloadBlock) -> Iterator[int]:
        for payload in payloads_of(first, block):
            if payload.data is None or not leaves[payload.index - first].startswith(_RECORD):
                continue
            data = open_sealed(payload.data, payload.salt, self.find_key) if payload.state == "sealed" else payload.data
            if data is not None and self.holds(data):
                yield payload.index

    def _referring(self, shard: str, size: int, found: Mentions) -> Iterator[int]:
        """Labels and reviews of the person's decisions."""
        if not found.decisions:
            return
        entries = self.reader.entries(shard, 0, size)
        for first, block in self.reader.payload_blocks(shard, 0, size):
            there = block.lengths < ERASED
            for number, entry in enumerate(islice(entries, len(block))):
                if there[number] and entry.startswith(_REFERRING) and indexed_id(entry) in found.decisions:
                    yield first + number
