"""What must hold of an agent's event log after every fault, read from its files beside the agent: it verifies, and each
record that the state holds is in it once."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from exporters.evidence.completeness import OF_RECORDS
from exporters.evidence.leaf import Gap, Inference, Leaf, Record, Takeover, read_leaf
from exporters.evidence.reader import LogReader
from exporters.evidence.recorded import Recorded
from exporters.evidence.verify import verify
from tests.parts.live_agent import LiveAgent

CLASSES = ("accepted", "late", "duplicate", "rejected")
Place = tuple[str, int, int, int]
"""Topic, partition, how often its offsets began anew, offset."""


def log_is_whole(agent: LiveAgent) -> None:
    """The log verifies; entries recorded are entries counted; offsets, ids and classes are those of the state."""
    directory = log_of(agent)
    if directory is None:
        return
    ((recorded, counted),) = agent.rows(
        "SELECT (SELECT value FROM evidence WHERE key = 'recorded'), (SELECT value FROM counter WHERE name = 'log_entries')"
    )
    positions, counters = agent.positions(), agent.counters()
    reader = LogReader(directory)
    report = verify(directory, reader.verifiers())
    assert report.ok, "the log does not verify:\n" + "\n".join(map(str, report.findings))
    leaves = list(recorded_leaves(reader, Recorded.parse(recorded)))
    assert len(leaves) == counted, f"{len(leaves)} entries are recorded, {counted} were counted"
    assert report.positions == positions, "the log and the state have read to different offsets"
    assert classes_of(leaves) == {name: counters.get(name, 0) for name in CLASSES}
    for epoch in epochs(leaves):
        assert_once(places_of(epoch), "offsets")
        assert_once(ids_of(epoch), "ids of accepted events")


def log_of(agent: LiveAgent) -> Path | None:
    """Where its log lies; ``None`` where its settings keep none."""
    section = json.loads(agent.settings.read_text()).get("log", {})
    return Path(section.get("directory", agent.state / "log")) if section.get("enabled", True) else None


def recorded_leaves(reader: LogReader, recorded: Recorded) -> Iterator[Leaf]:
    """What the state has recorded; beyond it a step may be under way."""
    for shard in reader.shards():
        entries = reader.entries(shard, 0, recorded.size if shard == recorded.shard else None)
        for index, entry in enumerate(entries):
            yield read_leaf(entry, f"{shard}, entry {index}")


def classes_of(leaves: Iterable[Leaf]) -> dict[str, int]:
    """How many events are of each class."""
    found = Counter(leaf.class_ for leaf in leaves if isinstance(leaf, Inference | Record))
    return {name: found[name] for name in CLASSES}


def epochs(leaves: Iterable[Leaf]) -> Iterator[list[Leaf]]:
    """Split before each take-over, behind which records may be read again."""
    epoch: list[Leaf] = []
    for leaf in leaves:
        if isinstance(leaf, Takeover):
            yield epoch
            epoch = []
        epoch.append(leaf)
    yield epoch


def places_of(leaves: Iterable[Leaf]) -> Iterator[Place]:
    """Where the records stood."""
    turns: Counter[tuple[str, int]] = Counter()
    for leaf in leaves:
        if isinstance(leaf, Gap) and leaf.cause == "cut_back":
            turns[leaf.source] += 1
        elif isinstance(leaf, OF_RECORDS):
            topic, partition, offset = leaf.source
            yield topic, partition, turns[topic, partition], offset


def ids_of(leaves: Iterable[Leaf]) -> Iterator[tuple[str, ...]]:
    """Ids of accepted events, with the system and model that they are unique in."""
    return ((*leaf.stream[:2], leaf.id) for leaf in leaves if isinstance(leaf, Inference) and leaf.class_ == "accepted")


def assert_once(found: Iterable[object], what: str) -> None:
    """Nothing is there twice."""
    twice = [(one, times) for one, times in Counter(found).items() if times > 1]
    assert not twice, f"{what} that the log holds more than once: {twice[:6]}"
