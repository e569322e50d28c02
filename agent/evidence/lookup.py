"""All that a log holds about one event: what was decided, its copies, its labels, and what people did about it."""

from __future__ import annotations

from dataclasses import dataclass, field

import msgspec

from agent.evidence.opened import open_payload
from config.errors import EvidenceError
from exporters.evidence.leaf import Act, Incident, Inference, Label, Leaf, Oversight, read_leaf
from exporters.evidence.payload_text import record_of
from exporters.evidence.reader import LogReader, PayloadState
from exporters.evidence.seal import FindKey


@dataclass(frozen=True, slots=True)
class Found:
    """An entry with its payload.

    Attributes:
        payload: plain; ``None`` where it is sealed under a key that is not here, absent or erased.
        state: how it is stored; is_right: whether it is what the leaf commits to, ``None`` where that cannot be told.
    """

    shard: str
    index: int
    entry: bytes
    leaf: Leaf
    payload: bytes | None
    state: PayloadState
    is_right: bool | None

    @property
    def where(self) -> str:
        return f"{self.shard}/{self.index}"

    def value(self) -> bytes | None:
        """The record's value, where the payload is one that can be read."""
        try:
            return None if self.payload is None else record_of(self.payload)[1]
        except EvidenceError:
            return None

    def member(self, name: str) -> str | None:
        """A text that the record carries under this name, where it is native JSON."""
        try:
            record = msgspec.json.decode(self.value() or b"")
        except (msgspec.MsgspecError, UnicodeDecodeError):
            return None
        told = record.get(name) if isinstance(record, dict) else None
        return told if isinstance(told, str) else None


@dataclass(slots=True)
class Story:
    """What is known about an id.

    Attributes:
        decision: the inference event that counts: the accepted one, else the first; ``None`` where there is none.
        copies: other records of the same id; conflicting: those whose bytes are not those of the decision.
        incidents: transitions and acts, where the id is an incident's.
    """

    decision: Found | None = None
    copies: list[Found] = field(default_factory=list)
    labels: list[Found] = field(default_factory=list)
    reviews: list[Found] = field(default_factory=list)
    incidents: list[Found] = field(default_factory=list)

    @property
    def changed(self) -> list[Found]:
        """Those whose payload is not what their leaf commits to."""
        decision = [] if self.decision is None else [self.decision]
        told = [*decision, *self.copies, *self.labels, *self.reviews, *self.incidents]
        return [found for found in told if found.is_right is False]

    @property
    def conflicting(self) -> list[Found]:
        if self.decision is None or self.decision.payload is None:
            return []
        return [copy for copy in self.copies if copy.payload not in (None, self.decision.payload)]


def look_up(reader: LogReader, text: str, find_key: FindKey) -> Story:
    """Everything that bears an id.

    Raises:
        EvidenceError: nothing does; the shards that were searched are named. Or the log cannot be read.
    """
    places = reader.find(text)
    if not places:
        searched = ", ".join(reader.shards()) or "none"
        raise EvidenceError(f"nothing in {reader.directory} bears the id {text!r}; shards searched: {searched}")
    return _told([read_found(reader, shard, index, find_key) for shard, index in places])


def read_found(reader: LogReader, shard: str, index: int, find_key: FindKey) -> Found:
    """One entry with its payload.

    Raises:
        EvidenceError: it cannot be read.
    """
    entry = reader.entry(shard, index)
    leaf = read_leaf(entry, f"{reader.path(shard)}, entry {index}")
    stored = next(reader.payloads(shard, index, index + 1), None)
    if stored is None:
        return Found(shard, index, entry, leaf, None, "absent", None)
    payload, flaw = open_payload(stored, getattr(leaf, "payload", None), find_key)
    is_right = flaw != "changed" if flaw in ("", "changed") else None
    return Found(shard, index, entry, leaf, payload, stored.state, is_right)


def _told(found: list[Found]) -> Story:
    story = Story()
    decisions = [one for one in found if isinstance(one.leaf, Inference)]
    accepted = [one for one in decisions if isinstance(one.leaf, Inference) and one.leaf.class_ == "accepted"]
    story.decision = next(iter(accepted + decisions), None)
    story.copies = [one for one in decisions if one is not story.decision]
    story.labels = [one for one in found if isinstance(one.leaf, Label)]
    story.reviews = [one for one in found if isinstance(one.leaf, Oversight)]
    story.incidents = [one for one in found if isinstance(one.leaf, Incident | Act)]
    return story
