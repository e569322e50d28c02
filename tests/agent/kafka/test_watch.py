"""What the watch says of a connection that raises nothing, at times that the test chooses."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from kafka.structs import TopicPartition

from agent.kafka.membership import Membership
from agent.kafka.watch import JOIN_SECONDS, LEADERLESS_SECONDS, Watch
from agent.source import Trouble
from config.settings.source import KafkaSource as KafkaSettings

SETTINGS = KafkaSettings.model_validate(
    {"type": "kafka", "brokers": ["127.0.0.1:1"], "topics": ["events"], "group": "judges"}
)
OWNED = frozenset(TopicPartition("events", number) for number in range(2))
LONGEST_JOIN = JOIN_SECONDS + SETTINGS.session_timeout_seconds


class Watched:
    """A watch over a connection opened at 1000 s whose brokers answer fetches all the time.

    Attributes:
        now: seconds on the monotonic clock.
        heartbeat_at: the coordinator's last answer.
        leaderless: partitions that no broker leads.
        asked: how often metadata was asked for.
    """

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.now, self.heartbeat_at = 1000.0, float("-inf")
        self.leaderless: set[TopicPartition] = set()
        self.asked = 0
        self.membership = Membership()
        probe = SimpleNamespace(
            heartbeat_at=lambda: self.heartbeat_at,
            fenced=lambda: False,
            unauthorised=frozenset,
            partition_counts=lambda topics: dict.fromkeys(topics, 2),
            leaderless=lambda parts: sorted(self.leaderless.intersection(parts)),
            refresh_metadata=self._ask,
        )
        self.connection: Any = SimpleNamespace(opened_at=self.now, contact_at=lambda: self.now, probe=probe)
        self._watch = Watch(SETTINGS)
        patch.setattr("agent.kafka.watch.time", SimpleNamespace(monotonic=lambda: self.now))

    def own_all(self) -> None:
        self.membership.joined(OWNED, 1, None, self.now)
        self.heartbeat_at = float("inf")

    def _ask(self) -> None:
        self.asked += 1

    def look(self, *, after_seconds: float) -> Trouble | None:
        self.now += after_seconds
        return self._watch.look(self.connection, self.membership)


@pytest.fixture
def watched(monkeypatch: pytest.MonkeyPatch) -> Watched:
    return Watched(monkeypatch)


def test_a_first_join_that_is_not_answered_is_said_once_it_has_taken_longer_than_a_dead_member_explains(
    watched: Watched,
) -> None:
    assert watched.look(after_seconds=LONGEST_JOIN) is None
    found = watched.look(after_seconds=2)
    assert found is not None
    assert found.kind == "group"
    assert "'judges'" in found.message
    watched.membership.joined(frozenset(), 1, "another", watched.now)
    assert watched.look(after_seconds=2) is None


def test_a_member_whose_coordinator_does_not_answer_any_more_says_so_while_other_brokers_do(watched: Watched) -> None:
    """A member joining again stands by meanwhile, and would be shown as healthy."""
    watched.membership.joined(frozenset(), 1, "another", watched.now)
    watched.heartbeat_at = watched.now + 500
    assert watched.look(after_seconds=500 + LONGEST_JOIN) is None
    found = watched.look(after_seconds=2)
    assert found is not None
    assert found.kind == "group"
    watched.heartbeat_at = watched.now
    assert watched.look(after_seconds=2) is None


def test_a_partition_without_a_leader_is_said_when_no_election_explains_it_any_more(watched: Watched) -> None:
    """It is not read and not at its end: windows wait for it, while the lag seen last stays as it was."""
    watched.own_all()
    watched.leaderless = {TopicPartition("events", 1)}
    assert watched.look(after_seconds=5) is None
    assert watched.asked == 1
    assert watched.look(after_seconds=LEADERLESS_SECONDS) is None
    found = watched.look(after_seconds=2)
    assert found is not None
    assert found.kind == "no_leader"
    assert "events/1." in found.message
    watched.leaderless = set()
    assert watched.look(after_seconds=2) is None
    assert watched.asked == 3


def test_every_election_counts_anew(watched: Watched) -> None:
    watched.own_all()
    for number in (0, 1, 0, 1):
        watched.leaderless = {TopicPartition("events", number)}
        assert watched.look(after_seconds=LEADERLESS_SECONDS) is None


def test_who_stands_by_leaves_it_to_the_owner_to_say_that_a_partition_has_no_leader(watched: Watched) -> None:
    watched.own_all()
    watched.membership.lost(OWNED)
    watched.leaderless = set(OWNED)
    assert watched.look(after_seconds=5) is None
    assert watched.look(after_seconds=LEADERLESS_SECONDS + 5) is None
