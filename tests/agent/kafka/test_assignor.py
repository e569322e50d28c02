"""Who owns: every rule of the assignor, without a broker."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from kafka.coordinator.assignors.abstract import RebalanceProtocol
from kafka.protocol.consumer.metadata import ConsumerProtocolSubscription
from kafka.structs import TopicPartition

from agent.kafka.assignor import SoleOwnerAssignor
from agent.kafka.membership import Membership

PARTS = frozenset(TopicPartition("t", number) for number in range(3))


@dataclass
class Cluster:
    """Partition counts as one member's metadata has them."""

    counts: dict[str, int] = field(default_factory=lambda: {"t": 3})

    def partitions_for_topic(self, topic: str) -> set[int] | None:
        return set(range(self.counts[topic])) if topic in self.counts else None


class One:
    """A member that joins groups, as the broker sees it."""

    def __init__(self, member_id: str, instance_id: str | None = None, topics: tuple[str, ...] = ("t",)) -> None:
        self.id = member_id
        self.instance_id = instance_id
        self.topics = topics
        self.membership = Membership()
        self.assignor = SoleOwnerAssignor(self.membership)

    def joins(self) -> Any:
        """What the leader gets to see, once through the wire."""
        sent = self.assignor.metadata(self.topics).encode()
        return SimpleNamespace(
            member_id=self.id,
            group_instance_id=self.instance_id,
            metadata=ConsumerProtocolSubscription.decode(sent),
        )


def rebalance(generation: int, *members: One, cluster: Cluster | None = None) -> dict[str, frozenset[TopicPartition]]:
    """One round: all join, the first leads, all take what they are given."""
    leader = members[0].assignor
    given = leader.assign(cluster or Cluster(), [member.joins() for member in members])
    for member in members:
        member.assignor.on_assignment(given[member.id], generation)
    return {member.id: member.membership.owned for member in members}


def test_it_is_cooperative_so_that_standbys_do_not_interrupt() -> None:
    assert SoleOwnerAssignor(Membership()).supported_protocols() == [RebalanceProtocol.COOPERATIVE]


def test_one_member_gets_everything_and_the_others_nothing() -> None:
    assert rebalance(1, One("b"), One("a"), One("c")) == {"a": PARTS, "b": frozenset(), "c": frozenset()}


def test_the_owner_keeps_everything_when_others_come() -> None:
    owner = One("z")
    rebalance(1, owner)
    assert rebalance(2, One("a"), owner, One("b"))["z"] == PARTS
    assert owner.membership.epoch == 1


def test_new_partitions_go_to_the_owner() -> None:
    owner, standby = One("z"), One("a")
    rebalance(1, owner)
    rebalance(2, owner, standby, cluster=Cluster({"t": 5}))
    assert len(owner.membership.owned) == 5
    assert owner.membership.epoch == 2


def test_a_leader_with_old_metadata_gives_what_others_have_seen() -> None:
    leader, owner = One("a"), One("z")
    rebalance(1, owner)
    owner.assignor.saw({"t": 5})
    assert len(rebalance(2, leader, owner)["z"]) == 5


def test_of_two_that_claim_to_own_the_later_generation_does_and_the_other_lets_go_first() -> None:
    zombie, owner = One("a"), One("b")
    rebalance(4, zombie)
    rebalance(7, owner)
    assert rebalance(8, owner, zombie) == {"a": frozenset(), "b": frozenset()}
    assert rebalance(9, owner, zombie) == {"a": frozenset(), "b": PARTS}


def test_partitions_are_not_given_while_another_still_holds_them() -> None:
    """The cooperative promise: never two owners at once, whatever members claim."""
    newer, older = One("a"), One("b")
    rebalance(3, older)
    older.membership.generation = 1
    newer.membership.joined({TopicPartition("t", 0)}, 2, "a", 0.0)
    assert rebalance(4, newer, older)["a"] == frozenset()
    assert rebalance(5, newer, older)["a"] == PARTS


def test_when_nobody_owns_the_last_owner_is_preferred() -> None:
    owner, standby = One("1", "pod-9"), One("2", "pod-1")
    rebalance(1, owner)
    rebalance(2, owner, standby)
    returned = One("3", "pod-9")
    assert rebalance(3, standby, returned)["3"] == PARTS


def test_when_nobody_ever_owned_the_first_name_does() -> None:
    assert rebalance(1, One("1", "pod-2"), One("2", "pod-1"))["2"] == PARTS


def test_a_topic_that_the_owner_does_not_read_goes_to_one_that_does() -> None:
    owner, other = One("a"), One("b", topics=("t", "u"))
    found = rebalance(1, owner, other, cluster=Cluster({"t": 3, "u": 1}))
    assert found == {"a": PARTS, "b": {TopicPartition("u", 0)}}


def test_a_topic_that_is_missing_is_given_to_nobody() -> None:
    assert rebalance(1, One("a"), cluster=Cluster({})) == {"a": frozenset()}


def test_what_another_version_adds_is_not_stumbled_over() -> None:
    member = One("a").joins()
    member.metadata.user_data = b"\xff not json"
    given = SoleOwnerAssignor(Membership()).assign(Cluster(), [member])
    assert given["a"].partitions() == sorted(PARTS)


@given(st.lists(st.lists(st.sampled_from("abcd"), min_size=1, max_size=4, unique=True), min_size=1, max_size=8))
def test_whoever_comes_and_goes_there_is_one_owner_and_it_stays_while_it_is_there(rounds: list[list[str]]) -> None:
    members: dict[str, One] = {}
    owner: str | None = None
    for generation, names in enumerate(rounds, start=1):
        members = {name: members.get(name, One(name)) for name in names}
        owned = rebalance(generation, *members.values())
        owners = [name for name, parts in owned.items() if parts]
        assert [owned[name] for name in owners] == [PARTS]
        if owner in names:
            assert owners == [owner]
        owner = owners[0]


def test_the_epoch_changes_with_every_assignment_and_loss_and_with_nothing_else() -> None:
    membership = Membership()
    membership.joined(frozenset(), 1, None, 0.0)
    assert membership.epoch == 1
    membership.joined(frozenset(), 2, None, 1.0)
    assert membership.epoch == 1
    membership.joined(PARTS, 3, "me", 2.0)
    assert membership.epoch == 2
    membership.joined(PARTS, 4, "me", 3.0)
    assert membership.epoch == 2
    membership.lost(PARTS)
    assert (membership.epoch, membership.owned) == (3, frozenset())
    membership.lost(PARTS)
    assert membership.epoch == 3
