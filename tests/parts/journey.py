"""One world of events, two ways: replayed from files, which is the oracle, and through Kafka to a live agent."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from agent.replay.run import INCIDENTS, MEASUREMENTS, replay
from config.settings import from_mapping
from tests.agent.world import LATENESS, World, dealt, disordered, mapping_of, write
from tests.parts.kafka import KafkaBroker
from tests.parts.live_agent import LiveAgent
from tests.parts.members import unique

SENTINELS = 16
"""So many events of a later time move the frontier of any partition: the majority of its last 31."""
QUIET = timedelta(days=3)
"""From the last event to the sentinels: longer than the label horizon and a window."""


POISON = [
    b"",
    b"not json",
    b"\xff\xfe\x00",
    b"[]",
    b"{" * 10_000,
    b'{"schema_version":"9","event_type":"inference"}',
    b'{"schema_version":"1","event_type":"inference","event_id":7}',
    b'{"schema_version":"1","event_type":"inference","event_id":"p","occurred_at":"soon"}',
    b'{"schema_version":"1","event_type":"inference","event_id":"p","occurred_at":"2026-01-02T00:00:00Z"}',
]

Hands = list[list[bytes]]
"""Records by partition."""
Timed = tuple[datetime, bytes]


@dataclass(frozen=True)
class Results:
    """Lines of both files of results."""

    measurements: list[str]
    incidents: list[str]

    @property
    def windows(self) -> list[str]:
        """What rests on inference events alone."""
        return [line for line in self.measurements if json.loads(line)["stage"] == "window"]


class Journey:
    """A world, its topics, and what a replay says of it.

    Args:
        partitions: of the topic of events; labels have a topic of two partitions of their own.
    """

    def __init__(self, world: World, reference: Path, partitions: int = 8) -> None:
        self.world = world
        self.partitions = partitions
        self.reference = reference
        self.events_topic, self.labels_topic = unique("events"), unique("labels")
        self.sentinel_at = world.start + timedelta(days=world.days) + QUIET
        self.closed_at = self.sentinel_at - LATENESS
        self.sentinel_count = SENTINELS * partitions
        self.produced: dict[tuple[str, int], int] = {}

    def sentinels(self) -> Hands:
        """Per partition of the topic of events, the events that let all windows before them close."""
        late = World(seed=1, days=1, per_day=self.sentinel_count, prefix="sentinel-", start=self.sentinel_at)
        records = [record for _, record in late.events]
        moved = [self._at_once(record) for record in records]
        return [moved[number :: self.partitions] for number in range(self.partitions)]

    def settings(self, broker: KafkaBroker, **source: object) -> dict[str, object]:
        """Settings of an agent that reads this journey's topics."""
        whole: dict[str, object] = {
            "type": "kafka",
            "brokers": [broker.bootstrap],
            "topics": [self.events_topic, self.labels_topic],
            "group": self.events_topic,
            "clock": "events",
            "idle_timeout": "1s",
            "session_timeout_seconds": 6,
            **source,
        }
        return {**mapping_of(reference=str(self.reference)), "source": whole}

    def create_topics(self, broker: KafkaBroker) -> None:
        broker.create_topic(self.events_topic, self.partitions)
        broker.create_topic(self.labels_topic, 2)

    def produce(self, broker: KafkaBroker, events: Hands, labels: Hands) -> None:
        """Write records, given per partition."""
        for topic, hands in ((self.events_topic, events), (self.labels_topic, labels)):
            broker.produce(topic, _records(hands))
            for number, hand in enumerate(hands):
                self.produced[topic, number] = self.produced.get((topic, number), 0) + len(hand)

    def read_by(self, agent: LiveAgent) -> bool:
        """Whether the agent has read everything."""
        return agent.positions() == self.produced

    def done(self, agent: LiveAgent) -> bool:
        """Whether the agent has read everything and closed every window before the sentinels."""
        return self.read_by(agent) and agent.watermark_us() >= _micros(self.closed_at)

    def expected(self, directory: Path) -> Results:
        """What a replay of the same events says, by the time that the sentinels close."""
        files = [[record for _, record in self.world.events], [record for _, record in self.world.labels]]
        files += self.sentinels()
        paths = [write(directory / f"part-{number}.jsonl", records) for number, records in enumerate(files)]
        replay(from_mapping(mapping_of(reference=str(self.reference)), directory), paths, directory)
        return self._closed((directory / MEASUREMENTS).read_text(), (directory / INCIDENTS).read_text())

    def found(self, agent: LiveAgent) -> Results:
        """What the commands print about the agent."""
        return self._closed(agent.command("measurements", "--jsonl"), agent.command("incidents", "list", "--jsonl"))

    def _closed(self, measurements: str, incidents: str) -> Results:
        lines = measurements.splitlines()
        return Results([line for line in lines if _due(line) <= self.closed_at], incidents.splitlines())

    def _at_once(self, record: bytes) -> bytes:
        moved: dict[str, Any] = json.loads(record)
        moved["occurred_at"] = self.sentinel_at.isoformat().replace("+00:00", "Z")
        return json.dumps(moved).encode()


def hands_of(world: World, partitions: int, seed: int) -> tuple[Hands, Hands]:
    """Events and labels of a world, disordered within lateness and dealt to partitions."""
    events = dealt(disordered(world.events, seed), partitions, seed)
    return events, dealt(disordered(world.labels, seed + 1), 2, seed)


def part_of(hands: Hands, begin: float, end: float) -> Hands:
    """The records of each partition between two fractions of it."""
    return [hand[int(len(hand) * begin) : int(len(hand) * end)] for hand in hands]


def with_copies(records: list[Timed], share: float, chance: random.Random) -> list[Timed]:
    """Some records are sent twice."""
    return [record for record in records for _ in range(1 + (chance.random() < share))]


def poisoned(records: list[bytes], share: float, chance: random.Random) -> tuple[list[bytes], int]:
    """Among the records such as nobody can read, and how many."""
    mixed: list[bytes] = []
    for record in records:
        mixed += [chance.choice(POISON)] if chance.random() < share else []
        mixed.append(record)
    return mixed, len(mixed) - len(records)


def _records(hands: Hands) -> Iterable[tuple[int, None, bytes]]:
    return ((number, None, record) for number, hand in enumerate(hands) for record in hand)


def _due(line: str) -> datetime:
    return datetime.fromisoformat(json.loads(line)["due"])


def _micros(at: datetime) -> int:
    return (at - datetime.fromtimestamp(0, at.tzinfo)) // timedelta(microseconds=1)
