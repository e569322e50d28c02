"""Looks over the journal's shoulder: the entries that were recorded, as they were appended to the real log."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from agent.evidence.log_journal import LogJournal
from config.errors import LogUnwritable
from exporters.evidence.entries import Entries
from exporters.evidence.files import Files
from exporters.evidence.heads import Signed
from exporters.evidence.recorded import Recorded
from exporters.evidence.writer import EvidenceLog
from tests.agent.stage import Stage

Leaf = dict[str, Any]


class SpiedLog:
    """The log of a stage, with a memory, and with a disk that can be told to fail.

    Attributes:
        fails: calls that are refused from now on, by name.
        calls: the names of all calls, in order.
    """

    def __init__(self, real: EvidenceLog) -> None:
        self.real = real
        self.fails: set[str] = set()
        self.calls: list[str] = []
        self.parts: list[Entries] = []
        self._waiting: list[Entries] = []

    def append(self, entries: Entries, now_us: int) -> None:
        self._called("append")
        self.real.append(entries, now_us)
        self._waiting.append(entries)

    def sync(self) -> Recorded:
        self._called("sync")
        return self.real.sync()

    def recorded(self) -> None:
        self._called("recorded")
        self.real.recorded()
        self.parts += self._waiting
        self._waiting.clear()

    def cut_back(self, recorded: Recorded | None) -> None:
        self._called("cut_back")
        self.real.cut_back(recorded)
        self._waiting.clear()

    def publish(self, now_us: int) -> Signed | None:
        self._called("publish")
        return self.real.publish(now_us)

    def erase(self, entries: Mapping[str, Collection[int]]) -> None:
        self._called("erase")
        self.real.erase(entries)

    def close(self) -> None:
        self.real.close()

    @property
    def name(self) -> str:
        return self.real.name

    @property
    def directory(self) -> Path:
        return self.real.directory

    @property
    def files(self) -> Files:
        return self.real.files

    @property
    def bytes_on_disk(self) -> int:
        return self.real.bytes_on_disk

    @property
    def last_signed(self) -> Signed | None:
        return self.real.last_signed

    def _called(self, name: str) -> None:
        self.calls.append(name)
        if name in self.fails:
            raise LogUnwritable("/log: No space left on device. Free some")


def spy_on(stage: Stage) -> SpiedLog:
    """Watch the log of a stage from here on."""
    journal = journal_of(stage)
    assert isinstance(journal.log, EvidenceLog)
    spied = SpiedLog(journal.log)
    journal.log = spied
    return spied


def journal_of(stage: Stage) -> LogJournal:
    assert isinstance(stage.journal, LogJournal)
    return stage.journal


def leaves(spied: SpiedLog, *types: str) -> list[Leaf]:
    """The recorded leaves, of some types where they are named."""
    found = (json.loads(leaf) for part in spied.parts for leaf in part.leaves)
    return [leaf for leaf in found if not types or leaf["type"] in types]


def documents(spied: SpiedLog, type_: str) -> list[bytes]:
    """The documents of the leaves of a type, without their first byte."""
    pairs = ((json.loads(leaf), payload) for leaf, payload, _ in entries(spied))
    return [payload[1:] for leaf, payload in pairs if leaf["type"] == type_ and payload is not None]


def entries(spied: SpiedLog) -> Iterator[tuple[bytes, bytes | None, bytes]]:
    """Leaf, stored payload and salt of each recorded entry."""
    for part in spied.parts:
        for n, (leaf, payload) in enumerate(zip(part.leaves, part.payloads, strict=True)):
            yield leaf, payload, part.salts[32 * n : 32 * n + 32]


def commits_to(leaf: Leaf, payload: bytes, salt: bytes) -> bool:
    """Whether a leaf's commitment is that of a plain payload."""
    return bool(base64.b64decode(leaf["payload"]) == hashlib.sha256(salt + payload).digest())
