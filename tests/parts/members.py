"""Members of a consumer group for tests: sources on short sessions, polled until something is so."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterable
from typing import Any

from agent.kafka import KafkaSource
from agent.source import Assignment, Gap, Partition, Poll, Trouble
from config.settings.source import KafkaSource as KafkaSettings

SESSION_SECONDS = 3
_names = itertools.count()


def unique(prefix: str) -> str:
    """A topic or group that no other test uses."""
    return f"{prefix}-{time.time_ns():x}-{next(_names)}"


def settings_for(bootstrap: str, topic: str, **others: Any) -> KafkaSettings:
    """Settings with a session shorter than operators may choose, so that take-overs take seconds."""
    whole = {"type": "kafka", "brokers": [bootstrap], "topics": [topic], **others}
    session = whole.pop("session_timeout_seconds", SESSION_SECONDS)
    return KafkaSettings.model_validate(whole).model_copy(update={"session_timeout_seconds": session})


class Member:
    """A source, and all that its polls brought; it begins where it stood, as one with a state store does."""

    def __init__(self, settings: KafkaSettings, positions: dict[Partition, int] | None = None, **others: Any) -> None:
        self.source = KafkaSource(settings, **others)
        self.positions = dict(positions or {})
        self.assignments: list[Assignment] = []
        self.records: list[tuple[Partition, int, bytes | None]] = []
        self.gaps: list[Gap] = []
        self.troubles: list[Trouble] = []
        self.last = Poll(0)

    def __enter__(self) -> Member:
        return self

    def __exit__(self, *_: object) -> None:
        self.source.close(3)

    @property
    def values(self) -> list[bytes | None]:
        return [value for _, _, value in self.records]

    @property
    def owns(self) -> bool:
        return bool(self.assignments and self.assignments[-1].partitions)

    @property
    def stands_by(self) -> bool:
        return bool(self.assignments) and not self.assignments[-1].partitions

    def poll(self, timeout_seconds: float = 0.05) -> Poll:
        """Poll once, begin what is assigned, and keep what came."""
        poll = self.last = self.source.poll(timeout_seconds)
        if poll.assignment is not None:
            self.assignments.append(poll.assignment)
            self.source.begin(self.positions)
        for fetched in poll.fetched:
            self.records += [(fetched.partition, *pair) for pair in zip(fetched.offsets, fetched.values, strict=True)]
            self.positions[fetched.partition] = fetched.offsets[-1] + 1
        self.gaps += poll.gaps
        if poll.trouble is not None:
            self.troubles.append(poll.trouble)
        return poll

    def until(self, done: Callable[[], object], timeout_seconds: float = 60.0) -> None:
        """Poll until ``done``."""
        wait_until(done, [self], timeout_seconds)


def wait_until(done: Callable[[], object], members: Iterable[Member] = (), timeout_seconds: float = 60.0) -> None:
    """Poll all members in turn until ``done``."""
    polled = list(members)
    deadline = time.monotonic() + timeout_seconds
    while not done():
        if time.monotonic() > deadline:
            seen = [(member.assignments, member.last, len(member.records)) for member in polled]
            raise AssertionError(f"not so within {timeout_seconds} s; members: {seen}")
        for member in polled:
            member.poll()
