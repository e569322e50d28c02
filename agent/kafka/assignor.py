"""Who reads: one member of the group owns all partitions, the others stand by.

A stream is judged once, over all its partitions, so they must not be spread. The protocol is cooperative (KIP-429): a
standby that comes or goes does not interrupt the owner, and partitions change hands only after their owner let go of
them or was expelled.
"""

from __future__ import annotations

import json
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from kafka.coordinator.assignors.abstract import AbstractPartitionAssignor, RebalanceProtocol
from kafka.protocol.consumer.metadata import ConsumerProtocolAssignment, ConsumerProtocolSubscription
from kafka.structs import TopicPartition

from agent.kafka.membership import Membership

SUBSCRIPTION_VERSION = 2
"""The first that carries the owned partitions and the generation they were owned in."""


class Claim(NamedTuple):
    """What one member says when it joins.

    Attributes:
        name: the instance id of a static member, else the member id.
        generation: of the member's last join; a claim of an older generation is that of a zombie.
        owner: the name of the last owner that the member heard of.
        counts: partitions per topic as the member's metadata has them.
    """

    member_id: str
    name: str
    topics: frozenset[str]
    owned: frozenset[TopicPartition]
    generation: int
    owner: str | None
    counts: Mapping[str, int]


class SoleOwnerAssignor(AbstractPartitionAssignor):  # type: ignore[misc]  # kafka-python has no types
    """Gives all partitions of a topic to the first of the ranked members that subscribes to it.

    Every member of a group must use it; the broker refuses one that does not.
    """

    name = "wachter-sole-owner"

    def __init__(self, membership: Membership) -> None:
        self._membership = membership
        self._counts: dict[str, int] = {}

    def saw(self, counts: Mapping[str, int]) -> None:
        """Tell the leader, at the next join, how many partitions the topics have."""
        self._counts.update(counts)

    def supported_protocols(self) -> list[RebalanceProtocol]:
        return [RebalanceProtocol.COOPERATIVE]

    def metadata(self, topics: Iterable[str]) -> ConsumerProtocolSubscription:
        """What this member says when it joins."""
        part = ConsumerProtocolSubscription.TopicPartition
        told = {"owner": self._membership.owner, "partitions": self._counts}
        return ConsumerProtocolSubscription(
            version=SUBSCRIPTION_VERSION,
            topics=sorted(topics),
            user_data=json.dumps(told, separators=(",", ":"), sort_keys=True).encode(),
            owned_partitions=[part(topic=t, partitions=p) for t, p in _by_topic(self._membership.owned)],
            generation_id=self._membership.generation,
        )

    def assign(self, cluster: Any, members: Iterable[Any]) -> dict[str, ConsumerProtocolAssignment]:
        """Run by the group's leader: the assignment of every member."""
        claims = rank(_claim(member) for member in members)
        given: dict[str, set[TopicPartition]] = {claim.member_id: set() for claim in claims}
        for topic in sorted({topic for claim in claims for topic in claim.topics}):
            owner = next(claim for claim in claims if topic in claim.topics)
            others = {part for claim in claims if claim is not owner for part in claim.owned}
            count = _partition_count(topic, cluster, claims)
            given[owner.member_id] |= {TopicPartition(topic, number) for number in range(count)} - others
        told = json.dumps({"owner": claims[0].name}).encode() if claims else b""
        return {
            member_id: ConsumerProtocolAssignment(SUBSCRIPTION_VERSION, _by_topic(parts), told)
            for member_id, parts in given.items()
        }

    def on_assignment(self, assignment: ConsumerProtocolAssignment, generation: int) -> None:
        """A join has completed: keep what it gave us."""
        owner = _told(assignment.user_data).get("owner")
        self._membership.joined(set(assignment.partitions()), generation, owner, time.monotonic())


def rank(claims: Iterable[Claim]) -> list[Claim]:
    """Members by their right to own: who owns now, then who owned last, then by name.

    Of two that claim to own, the one of the later generation does: the other was expelled and has not heard of it.
    """
    listed = list(claims)
    newest = max(listed, key=lambda claim: (claim.generation, claim.name), default=None)
    last = newest.owner if newest is not None else None

    def order(claim: Claim) -> tuple[int, int, bool, str]:
        owns = bool(claim.owned)
        return (-claim.generation if owns else 1, -len(claim.owned), claim.name != last, claim.name)

    return sorted(listed, key=order)


def _claim(member: Any) -> Claim:
    told = _told(member.metadata.user_data)
    return Claim(
        member_id=member.member_id,
        name=member.group_instance_id or member.member_id,
        topics=frozenset(member.metadata.topics),
        owned=frozenset(
            TopicPartition(p.topic, n) for p in member.metadata.owned_partitions or () for n in p.partitions
        ),
        generation=member.metadata.generation_id,
        owner=told.get("owner"),
        counts=told.get("partitions", {}),
    )


def _partition_count(topic: str, cluster: Any, claims: Iterable[Claim]) -> int:
    """The most that any member has seen: topics only grow, and the leader's metadata may be the oldest."""
    here = len(cluster.partitions_for_topic(topic) or ())
    return max([here, *(claim.counts.get(topic, 0) for claim in claims)])


def _by_topic(partitions: Iterable[TopicPartition]) -> list[tuple[str, list[int]]]:
    numbers: defaultdict[str, list[int]] = defaultdict(list)
    for part in sorted(partitions):
        numbers[part.topic].append(part.partition)
    return list(numbers.items())


def _told(user_data: Any) -> dict[str, Any]:
    """What a member or the leader added of its own; nothing where it cannot be read."""
    try:
        told = json.loads(bytes(user_data or b"{}"))
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}
