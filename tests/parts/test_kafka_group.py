"""Who owns the partitions, on a real Apache Kafka: one member, until it leaves, dies, freezes or is replaced."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from agent.source import Assignment, Committed, Partition
from tests.parts.kafka import KafkaBroker
from tests.parts.member_process import MemberProcess
from tests.parts.members import SESSION_SECONDS, Member, settings_for, unique, wait_until

pytestmark = pytest.mark.parts


class Group:
    """One topic of four partitions and one group of its own."""

    def __init__(self, broker: KafkaBroker) -> None:
        self.broker = broker
        self.topic = unique("topic")
        self.name = unique("group")
        broker.create_topic(self.topic, 4)

    def member(self, instance_id: str | None = None, session_seconds: int = SESSION_SECONDS) -> Member:
        others = {"instance_id": instance_id, "session_timeout_seconds": session_seconds}
        return Member(settings_for(self.broker.bootstrap, self.topic, group=self.name, **others))

    def process(self, instance_id: str | None = None) -> MemberProcess:
        return MemberProcess(self.broker.bootstrap, self.topic, group=self.name, instance_id=instance_id)

    def produce(self, count: int) -> None:
        self.broker.produce(self.topic, [(n % 4, None, b"%d" % n) for n in range(count)])


@pytest.fixture
def group(broker: KafkaBroker) -> Group:
    return Group(broker)


@pytest.fixture
def pair(group: Group) -> Iterator[tuple[Member, Member]]:
    """An owner and a standby."""
    with group.member() as owner, group.member() as standby:
        owner.until(lambda: owner.owns)
        wait_until(lambda: standby.stands_by, [owner, standby])
        yield owner, standby


def let_join(standby: Member, owner: MemberProcess) -> None:
    """Let a standby join while the owner, in a process of its own, keeps polling; then the owner rests."""
    owner.ask("own")
    owner.tell("poll")
    standby.until(lambda: standby.stands_by)
    owner.tell("own")
    assert [owner.answer(), owner.answer()] == ["done", "done"]


def test_one_owns_all_and_the_other_stands_by(pair: tuple[Member, Member]) -> None:
    owner, standby = pair
    assert len(owner.assignments[-1].partitions) == 4
    assert standby.assignments == [Assignment(())]
    wait_until(lambda: owner.source.still_owner(owner.last.epoch), [owner, standby])
    assert not standby.source.still_owner(standby.last.epoch)


def test_standbys_that_come_and_go_do_not_interrupt_the_owner(group: Group) -> None:
    group.produce(400)
    with group.member() as owner:
        owner.until(lambda: len(owner.records) == 400)
        for _ in range(4):
            with group.member() as standby:
                wait_until(lambda: standby.stands_by, [owner, standby])
                wait_until(lambda: owner.source.still_owner(owner.last.epoch), [owner, standby])
        group.produce(400)
        owner.until(lambda: len(owner.records) >= 800)
    assert (len(owner.assignments), owner.last.epoch, len(owner.records)) == (1, 1, 800)


def test_a_member_that_a_busy_one_keeps_out_says_so_until_it_is_let_in(
    group: Group, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The busy one keeps its heartbeats, so that the coordinator waits for it for minutes."""
    monkeypatch.setattr("agent.kafka.watch.JOIN_SECONDS", 0.0)
    with group.member(session_seconds=30) as busy, group.member() as new:
        busy.until(lambda: busy.owns)
        new.until(lambda: new.last.trouble)
        assert new.last.trouble is not None
        assert new.last.trouble.kind == "group"
        assert not new.assignments
        wait_until(lambda: new.stands_by and new.last.trouble is None, [busy, new])


def test_the_standby_takes_over_what_the_owner_committed_when_it_leaves(pair: tuple[Member, Member]) -> None:
    owner, standby = pair
    part = owner.assignments[-1].partitions[2]
    note = '{"closed_until":1700000000000000,"needed":3}'
    # while the group still settles, the coordinator refuses commits, and it settles only when both poll
    wait_until(lambda: owner.source.commit({part: Committed(17, note)}), [owner, standby])
    owner.source.close(3)
    standby.until(lambda: standby.owns)
    assert standby.assignments[-1].committed == {part: Committed(17, note)}
    assert standby.source.still_owner(standby.last.epoch)


def test_an_owner_that_has_closed_owns_nothing(pair: tuple[Member, Member]) -> None:
    owner, _ = pair
    owner.source.close(3)
    assert not owner.source.still_owner(owner.last.epoch)


@pytest.mark.slow
def test_the_standby_takes_over_within_the_session_when_the_owner_is_killed(group: Group) -> None:
    with group.process() as owner, group.member() as standby:
        let_join(standby, owner)
        owner.ask('keep 5 {"needed":3}')
        owner.kill()
        killed_at = time.monotonic()
        standby.until(lambda: standby.owns)
        assert time.monotonic() - killed_at < SESSION_SECONDS + 15
        assert Committed(5, '{"needed":3}') in standby.assignments[-1].committed.values()


@pytest.mark.slow
def test_an_owner_frozen_past_its_session_knows_that_it_is_no_more_and_stands_by(group: Group) -> None:
    with group.process() as owner, group.member() as standby:
        let_join(standby, owner)
        assert owner.ask("still_owner") == "True"
        owner.freeze()
        standby.until(lambda: standby.owns)
        owner.tell("still_owner")
        owner.thaw()
        assert owner.answer() == "False"
        owner.tell("stand_by")
        standby.until(owner.answered)
        assert owner.answer() == "done"
        standby.until(lambda: standby.source.still_owner(standby.last.epoch))
        assert len(standby.assignments) == 2


@pytest.mark.slow
def test_a_zombies_late_commit_is_refused(group: Group) -> None:
    with group.process() as owner, group.member() as standby:
        let_join(standby, owner)
        owner.freeze()
        standby.until(lambda: standby.owns)
        owner.tell("commit 99 late")
        owner.thaw()
        assert owner.answer() == "False"


def test_a_static_member_that_restarts_in_time_gets_its_partitions_back_and_nobody_else_moves(group: Group) -> None:
    with group.member("a", 30) as owner, group.member("b", 30) as standby:  # in time on any machine
        owner.until(lambda: owner.owns)
        wait_until(lambda: standby.stands_by, [owner, standby])
        owner.source.close(1)
        with group.member("a", 30) as again:
            wait_until(lambda: again.owns, [standby, again])
            assert len(again.assignments[-1].partitions) == 4
            assert standby.stands_by
            assert len(standby.assignments) == 1


@pytest.mark.slow
def test_a_static_member_that_stays_away_is_replaced_and_stands_by_when_it_returns(group: Group) -> None:
    with group.member("a") as owner, group.member("b") as standby:
        owner.until(lambda: owner.owns)
        wait_until(lambda: standby.stands_by, [owner, standby])
        owner.source.close(1)
        standby.until(lambda: standby.owns)
        with group.member("a") as again:
            wait_until(lambda: again.stands_by, [standby, again])
            standby.until(lambda: standby.source.still_owner(standby.last.epoch))


@pytest.mark.slow
def test_of_two_processes_with_one_name_the_first_gives_way_and_says_why(group: Group) -> None:
    with group.member("same") as first, group.member("same") as second:
        first.until(lambda: first.owns)
        second.until(lambda: second.owns)
        first.until(lambda: first.troubles)
        assert first.troubles[0].kind == "fenced"
        assert "instance_id 'same'" in first.troubles[0].message
        assert not first.owns
        assert first.poll().trouble == first.troubles[0]
        assert second.source.still_owner(second.last.epoch)


@pytest.mark.slow
def test_every_record_is_read_once_while_ownership_moves(group: Group) -> None:
    """Each member goes on from the last commit, as a hand-over does; commits follow every batch."""
    seen: list[tuple[Partition, int]] = []
    group.produce(2000)
    for turn in range(4):
        with group.member() as owner:
            owner.until(lambda: owner.owns)
            at = {part: commit.offset for part, commit in owner.assignments[-1].committed.items()}
            owner.source.begin(at)
            owner.until(lambda: len(owner.records) >= 500 or len(owner.last.caught_up) == 4)
            seen += [(part, offset) for part, offset, _ in owner.records]
            last = {part: Committed(offset + 1, str(turn)) for part, offset, _ in owner.records}
            assert owner.source.commit(last)
    assert len(seen) == len(set(seen)) == 2000
