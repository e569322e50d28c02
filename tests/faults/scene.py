"""A story on a Kafka topic of its own, told in parts, and what an agent must have made of it."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.faults.check import all_accounted_for, committed_is_durable, story_is_told
from tests.faults.generator import SENTINELS, Hands, Story, dealt, micros, part_of
from tests.faults.oracle import Expected
from tests.parts.kafka import KafkaBroker
from tests.parts.live_agent import LiveAgent
from tests.parts.members import unique

KEY = b"k"
"""Of every record: the client writes no tombstone without one."""

FRONTIER_EVENTS = 6
LARGE: dict[str, object] = {"max_request_size": 1 << 30, "request_timeout_ms": 60_000}
"""What the tests' producer may send; the topic has the last word."""


class Scene:
    """One topic with the events and labels of a story, disordered within lateness and dealt to partitions.

    Attributes:
        hands: the records by partition; may be changed before they are told.
        produced: records by (topic, partition) so far.
    """

    def __init__(self, story: Story, broker: KafkaBroker, partitions: int = 4, seed: int = 7) -> None:
        self.story, self.broker, self.partitions = story, broker, partitions
        self.topic = unique("story")
        self.hands: Hands = dealt(story.disordered(seed), partitions, seed)
        self.produced: dict[tuple[str, int], int] = {}

    def create(self, **settings: str) -> Scene:
        """Create the topic."""
        self.broker.create_topic(self.topic, self.partitions, {k.replace("_", "."): v for k, v in settings.items()})
        self.open()
        return self

    def open(self) -> None:
        """Write so much of each partition that it has a frontier, before anybody reads: one that has never shown an event
        lets the others go ahead, and the producer of the tests fills one partition after the other."""
        if self.partitions > 1:
            lengths = [_opening(hand) for hand in self.hands]
            self.write([hand[:length] for hand, length in zip(self.hands, lengths, strict=True)])
            self.hands = [hand[length:] for hand, length in zip(self.hands, lengths, strict=True)]

    def tell(self, begin: float = 0.0, end: float = 1.0) -> None:
        """Write the records between two fractions of the story; the sentinels follow the last one."""
        self.write(part_of(self.hands, begin, end))
        if end == 1.0:
            self.write(self.story.sentinels(self.partitions))

    def write(self, hands: Hands, **producer: object) -> None:
        """Write records, by partition; ``producer`` are further settings of the client."""
        self.broker.produce(
            self.topic, ((part, KEY, one) for part, hand in enumerate(hands) for one in hand), **{**LARGE, **producer}
        )
        for part, hand in enumerate(hands):
            self.produced[self.topic, part] = self.produced.get((self.topic, part), 0) + len(hand)

    def settings(
        self, model: Mapping[str, object] | None = None, limits: Mapping[str, object] | None = None, **source: object
    ) -> dict[str, object]:
        """Settings of an agent that reads the topic by the clock of its events."""
        whole: dict[str, object] = {
            "type": "kafka",
            "brokers": [self.broker.bootstrap],
            "topics": [self.topic],
            "group": self.topic,
            "clock": "events",
            "session_timeout_seconds": 6,
            **source,
        }
        return {**self.story.settings(**(model or {})), "source": whole, "limits": dict(limits or {})}

    @contextmanager
    def read_by(self, directory: Path, **source: object) -> Iterator[LiveAgent]:
        """An agent that reads it."""
        with LiveAgent(directory, self.settings(**source)) as agent:
            yield agent

    def is_read(self, agent: LiveAgent) -> bool:
        """Whether the agent's state holds everything that was written."""
        return agent.positions() == self.produced

    def is_told(self, agent: LiveAgent) -> bool:
        """Whether it was read to the end and every window of the story has closed."""
        return self.is_read(agent) and agent.watermark_us() >= micros(self.story.closed_at)

    def holds(self, agent: LiveAgent, wanted: Expected | None = None, **classes: int) -> None:
        """Windows are the oracle's, each event is in one class, nothing is committed that is not durable.

        Args:
            wanted: by the oracle, where some events must not be counted.
            classes: expected counts but for accepted events, which follow, and labels, which have counters of their own.
        """
        story_is_told(agent, self.story, wanted)
        accepted = classes.pop("accepted", self.story.events) + SENTINELS * self.partitions
        all_accounted_for(agent.counters(), accepted=accepted, **classes)
        committed_is_durable(self.broker, self.topic, agent)


def _opening(hand: list[bytes | None]) -> int:
    """Length of the beginning that holds enough events for a frontier."""
    events = (number for number, record in enumerate(hand) if b'"inference"' in (record or b""))
    return next(itertools.islice(events, FRONTIER_EVENTS - 1, None)) + 1
