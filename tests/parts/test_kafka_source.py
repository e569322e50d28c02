"""The Kafka source against a real Apache Kafka: reading, positions, holding, gaps."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest
from kafka import KafkaConsumer, errors
from kafka.structs import OffsetAndMetadata, TopicPartition

from agent.kafka.connection import Connection
from agent.source import Assignment, Committed, Gap, Partition, Source, Trouble
from tests.parts.kafka import KafkaBroker
from tests.parts.members import Member, settings_for, unique, wait_until

pytestmark = pytest.mark.parts


@pytest.fixture
def topic(broker: KafkaBroker) -> Iterator[str]:
    """A topic of four partitions with 1000 records each, values ``p:i``."""
    name = unique("events")
    broker.create_topic(name, 4)
    broker.produce(name, [(n % 4, None, b"%d:%d" % (n % 4, n // 4)) for n in range(4000)], compression_type="lz4")
    return name


def member(broker: KafkaBroker, topic: str, positions: dict[Partition, int] | None = None, **others: object) -> Member:
    group = others.pop("group", unique("group"))
    on_gap = others.pop("on_gap", "earliest")
    return Member(settings_for(broker.bootstrap, topic, group=group, **others), positions, on_gap=on_gap)


def raising(error: Exception) -> Callable[..., None]:
    def fail(*_: object, **__: object) -> None:
        raise error

    return fail


def test_it_owns_all_partitions_and_reads_every_record_once(broker: KafkaBroker, topic: str) -> None:
    with member(broker, topic) as one:
        source: Source = one.source
        assert source is not None
        one.until(lambda: len(one.records) >= 4000)
        one.until(lambda: len(one.last.caught_up) == 4)
    assert sorted(one.records) == sorted(
        (Partition(topic, p), i, b"%d:%d" % (p, i)) for p in range(4) for i in range(1000)
    )
    assert [len(assignment.partitions) for assignment in one.assignments] == [4]


def test_nothing_is_fetched_before_begin(broker: KafkaBroker, topic: str) -> None:
    with member(broker, topic) as one:
        wait_until(lambda: one.source.poll(0.05).assignment)
        polls = [one.source.poll(0.2) for _ in range(5)]
    assert not any(poll.fetched or poll.caught_up or poll.trouble for poll in polls)


def test_a_batch_is_bounded(broker: KafkaBroker, topic: str) -> None:
    with member(broker, topic, batch_records=100) as one:
        sizes = []
        while sum(sizes) < 4000:
            sizes.append(sum(len(fetched) for fetched in one.poll().fetched))
    assert max(sizes) == 100


def test_reading_begins_at_the_given_positions_and_else_at_the_start(broker: KafkaBroker, topic: str) -> None:
    positions = {Partition(topic, 0): 990, Partition(topic, 1): 1000}
    with member(broker, topic, positions) as one:
        one.until(lambda: len(one.records) >= 2010)
    first = {part: offset for part, offset, _ in reversed(one.records)}
    assert first == {Partition(topic, 0): 990, Partition(topic, 2): 0, Partition(topic, 3): 0}


def test_a_new_group_may_start_at_the_end(broker: KafkaBroker, topic: str) -> None:
    with member(broker, topic, start="latest") as one:
        one.until(lambda: one.owns)
        broker.produce(topic, [(2, None, b"new")])
        one.until(lambda: one.records)
    assert one.values == [b"new"]


def test_a_new_group_may_start_at_a_time(broker: KafkaBroker) -> None:
    topic = unique("timed")
    broker.create_topic(topic, 2)
    broker.produce(topic, [(0, None, b"before")])
    time.sleep(0.01)  # the broker's time stamps have milliseconds
    start = datetime.now(UTC)
    time.sleep(0.01)
    broker.produce(topic, [(0, None, b"after")])
    with member(broker, topic, start=start) as one:
        one.until(lambda: one.records)
    assert one.values == [b"after"]
    assert one.assignments[0].starts == {Partition(topic, 0): 1, Partition(topic, 1): 0}


def test_the_assignment_tells_beginnings_ends_and_the_last_commit_with_its_note(
    broker: KafkaBroker, topic: str
) -> None:
    group = unique("group")
    with member(broker, topic, group=group) as one:
        one.until(lambda: one.owns)
        assert one.source.commit({Partition(topic, 1): Committed(7, '{"closed_until":5}')})
    with member(broker, topic, group=group) as two:
        two.until(lambda: two.owns)
    assert two.assignments[0].committed == {Partition(topic, 1): Committed(7, '{"closed_until":5}')}
    assert set(two.assignments[0].beginnings.values()) == {0}
    assert set(two.assignments[0].ends.values()) == {1000}


def test_a_note_that_a_broker_would_not_keep_is_not_committed(broker: KafkaBroker, topic: str) -> None:
    with member(broker, topic) as one:
        one.until(lambda: one.owns)
        assert one.source.commit({Partition(topic, 0): Committed(1, "x" * 4096)})
        assert not one.source.commit({Partition(topic, 0): Committed(1, "x" * 4097)})
        assert one.source.commit_failures == 1


def test_a_held_partition_waits_while_the_others_go_on(broker: KafkaBroker, topic: str) -> None:
    with member(broker, topic, batch_records=50) as one:
        one.until(lambda: one.owns)
        held = {Partition(topic, 0), Partition(topic, 3)}
        one.source.hold(held)
        one.until(lambda: len(one.last.caught_up) == 2)
        assert {part.number for part, _, _ in one.records} == {1, 2}
        one.source.hold({Partition(topic, 0)})
        one.until(lambda: len(one.records) >= 3000)
        one.source.hold(frozenset())
        one.until(lambda: len(one.records) >= 4000)
    assert len(set(one.records)) == len(one.records) == 4000


def test_partitions_paused_in_turns_with_records_at_hand_all_go_on(broker: KafkaBroker, topic: str) -> None:
    """kafka-python 3.0.12 keeps such records in a place that it forgets while another partition has just been drained."""
    turns = [{Partition(topic, number) for number in range(4) if number != free} for free in range(4)]
    with member(broker, topic, batch_records=70) as one:
        one.until(lambda: one.owns)
        for turn in turns * 12:
            one.source.hold(turn)
            one.poll(0.01)
        one.source.hold(frozenset())
        one.until(lambda: len(one.records) >= 4000)
    assert len(set(one.records)) == len(one.records) == 4000


def test_lag_falls_to_nothing_and_rises_with_what_is_held(broker: KafkaBroker, topic: str) -> None:
    with member(broker, topic) as one:
        one.until(lambda: len(one.last.caught_up) == 4)
        assert set(one.last.lag.values()) == {0}
        one.source.hold({Partition(topic, 0)})
        one.poll()
        assert Partition(topic, 0) not in one.last.caught_up


def test_a_partition_that_gets_records_is_not_caught_up_until_they_are_read(broker: KafkaBroker, topic: str) -> None:
    with member(broker, topic) as one:
        one.until(lambda: len(one.last.caught_up) == 4)
        broker.produce(topic, [(1, None, b"new")])
        one.until(lambda: one.last.fetched)
        assert Partition(topic, 1) not in one.last.caught_up
        one.until(lambda: len(one.last.caught_up) == 4)
    assert one.values[-1] == b"new"


def test_records_deleted_before_they_were_read_are_a_gap(broker: KafkaBroker, topic: str) -> None:
    broker.delete_before(topic, 0, 600)
    with member(broker, topic, {Partition(topic, part): 500 for part in range(4)}) as one:
        one.until(lambda: len(one.records) >= 1900)
    assert one.gaps == [Gap(Partition(topic, 0), 500, 600)]
    assert len(one.records) == 1900


def test_a_position_past_the_end_is_a_gap_back_to_the_beginning(broker: KafkaBroker, topic: str) -> None:
    positions = {Partition(topic, 0): 5000, **{Partition(topic, part): 1000 for part in (1, 2, 3)}}
    with member(broker, topic, positions) as one:
        one.until(lambda: len(one.records) >= 1000)
    assert one.gaps == [Gap(Partition(topic, 0), 5000, 0)]


def test_a_log_that_was_cut_back_is_a_gap_to_where_it_was_cut(
    broker: KafkaBroker, topic: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after an unclean leader election, which one broker cannot have: the client's finding is put in its mouth."""
    with member(broker, topic) as one:
        one.until(lambda: len(one.last.caught_up) == 4)
        cut = {TopicPartition(topic, 0): OffsetAndMetadata(990, "", 0)}
        with monkeypatch.context() as patch:
            patch.setattr(one.source._connection.consumer, "poll", raising(errors.LogTruncationError(cut)))
            assert one.poll().gaps == (Gap(Partition(topic, 0), 1000, 990),)
        one.until(lambda: len(one.records) == 4010)


def test_an_offset_request_that_is_not_answered_is_asked_again(
    broker: KafkaBroker, topic: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with member(broker, topic) as one:
        with monkeypatch.context() as patch:
            patch.setattr(Connection, "ends", raising(errors.KafkaTimeoutError()))
            one.until(lambda: one.troubles)
            assert not one.assignments
        one.until(lambda: one.owns)
        one.until(lambda: len(one.records) == 4000)
        assert one.last.trouble is None
    assert len(one.assignments) == 1


def test_what_the_client_did_not_expect_ends_the_connection_and_not_the_agent(
    broker: KafkaBroker, topic: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with member(broker, topic) as one:
        one.until(lambda: len(one.records) == 4000)
        monkeypatch.setattr(one.source._connection.consumer, "poll", raising(AttributeError("'NoneType' object")))
        poll = one.poll()
        assert poll.assignment == Assignment(())
        assert poll.trouble == Trouble("kafka", "AttributeError: 'NoneType' object")
        one.until(lambda: one.owns)
        one.until(lambda: len(one.last.caught_up) == 4)
    assert len(one.records) == 4000


def test_a_gap_may_lead_to_the_end(broker: KafkaBroker, topic: str) -> None:
    broker.delete_before(topic, 0, 600)
    with member(broker, topic, {Partition(topic, part): 500 for part in range(4)}, on_gap="latest") as one:
        one.until(lambda: one.gaps)
    assert one.gaps == [Gap(Partition(topic, 0), 500, 1000)]


def test_a_gap_may_stop_reading_until_somebody_decides(broker: KafkaBroker, topic: str) -> None:
    broker.delete_before(topic, 0, 600)
    with member(broker, topic, {Partition(topic, part): 500 for part in range(4)}, on_gap="fail") as one:
        one.until(lambda: one.troubles)
        assert one.troubles[0].kind == "gap"
        assert f"{topic}/0: offset 500 is gone, the partition holds [600, 1000)" in one.troubles[0].message
        one.until(lambda: len(one.records) >= 1500)
        assert one.poll().trouble is not None
    assert one.gaps == []


@pytest.mark.parametrize("compression", ["gzip", "lz4", "snappy", "zstd"])
def test_compressed_records_are_read(broker: KafkaBroker, compression: str) -> None:
    topic = unique(compression)
    broker.create_topic(topic, settings={"compression.type": compression})
    broker.produce(topic, [(0, None, b"%d" % n) for n in range(100)])
    with member(broker, topic) as one:
        one.until(lambda: len(one.records) == 100)
    assert one.values == [b"%d" % n for n in range(100)]


def test_headers_and_tombstones_come_through(broker: KafkaBroker) -> None:
    topic = unique("headers")
    broker.create_topic(topic)
    producer_records = [(0, b"key", None)]
    broker.produce(topic, producer_records)
    broker.produce(topic, [(0, None, b"{}")], headers=[("ce_id", b"1")])
    with member(broker, topic) as one:
        polls = []
        while sum(len(fetched) for poll in polls for fetched in poll.fetched) < 2:
            polls.append(one.poll())
    headers = [list(h) for poll in polls for fetched in poll.fetched for h in fetched.headers or [()] * len(fetched)]
    assert one.values == [None, b"{}"]
    assert headers == [[], [("ce_id", b"1")]]


def test_records_of_an_aborted_transaction_never_happened(broker: KafkaBroker) -> None:
    topic = unique("transactions")
    broker.create_topic(topic)
    broker.transaction(topic, [(0, None, b"undone")], commit=False)
    broker.transaction(topic, [(0, None, b"done")], commit=True)
    with member(broker, topic) as one:
        one.until(lambda: one.last.caught_up)
    assert one.values == [b"done"]


def test_new_partitions_are_taken_up_with_the_old_ones(broker: KafkaBroker) -> None:
    topic = unique("growing")
    broker.create_topic(topic, 1)
    with member(broker, topic) as one:
        one.until(lambda: one.owns)
        broker.grow_topic(topic, 3)
        one.source._connection.probe.refresh_metadata()  # type: ignore[union-attr]  # instead of a minute's wait
        one.until(lambda: len(one.assignments[-1].partitions) == 3)
        broker.produce(topic, [(part, None, b"%d" % part) for part in range(3)])
        one.until(lambda: len(one.records) >= 3)
    assert sorted(one.values) == [b"0", b"1", b"2"]
    assert one.last.epoch == 2


def test_a_topic_that_is_missing_is_named_and_read_once_it_is_there(broker: KafkaBroker) -> None:
    topic = unique("late")
    with member(broker, topic) as one:
        one.until(lambda: one.last.trouble)
        assert one.last.trouble is not None
        assert one.last.trouble.kind == "missing_topic"
        assert f"'{topic}' not found at {broker.bootstrap}" in one.last.trouble.message
        broker.create_topic(topic, 2)
        broker.produce(topic, [(1, None, b"1")])
        one.until(lambda: one.records)
        one.until(lambda: one.last.trouble is None)


def test_a_compression_that_cannot_be_read_is_said_and_does_not_hang(
    broker: KafkaBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kafka.codec.snappy", None)  # as if its library were not installed
    topic = unique("snappy")
    broker.create_topic(topic, settings={"compression.type": "snappy"})
    broker.produce(topic, [(0, None, b"1")])
    with member(broker, topic) as one:
        one.until(lambda: one.troubles)
        assert one.troubles[0].kind == "codec"
        one.until(lambda: one.stands_by)
        assert one.poll().trouble == one.troubles[0]


def test_a_group_name_that_other_consumers_use_is_said(broker: KafkaBroker, topic: str) -> None:
    group = unique("group")
    other = KafkaConsumer(topic, bootstrap_servers=broker.bootstrap, group_id=group)
    try:
        other.poll(timeout_ms=5000)
        with member(broker, topic, group=group) as one:
            one.until(lambda: one.troubles)
        assert one.troubles[0].kind == "group"
    finally:
        other.close()


@pytest.mark.parametrize("error", [errors.SaslAuthenticationFailedError("refused"), ValueError("of another kind")])
def test_a_connection_whose_group_cannot_be_left_leaves_nothing_running(
    broker: KafkaBroker, topic: str, error: Exception
) -> None:
    """A password that was changed, for instance: each connection built anew left a thread and its sockets behind."""
    before = set(threading.enumerate())
    one = member(broker, topic)
    one.until(lambda: one.owns)
    connection = one.source._connection
    assert connection is not None
    connection.consumer._coordinator.close = raising(error)
    assert set(threading.enumerate()) > before
    one.source.close(1)
    assert set(threading.enumerate()) <= before


def test_closing_twice_or_before_the_first_poll_is_fine(broker: KafkaBroker, topic: str) -> None:
    one = member(broker, topic)
    one.source.close(1)
    one.source.close(1)
    assert one.source.poll(0).finished
    assert not one.source.commit({Partition(topic, 0): Committed(1, "")})
    one.source.begin({})
    one.source.hold(set())
