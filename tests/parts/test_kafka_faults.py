"""The Kafka source while brokers are absent, die, freeze and come back: said in words, never raised, resumed."""

from __future__ import annotations

import gc
import time
from collections.abc import Iterator
from typing import Any

import pytest

from agent.source import Committed, Partition, Poll
from tests.parts.kafka import KafkaBroker, free_ports
from tests.parts.members import Member, settings_for, unique

pytestmark = [
    pytest.mark.parts,
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:unclosed <(socket|ssl):ResourceWarning"),
]


@pytest.fixture(autouse=True)
def _sockets_that_the_client_leaves_to_the_collector(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """kafka-python 3.0.12 does not close the socket of a connection that failed; collect it where that is expected, and
    let go of the log records first, whose exceptions hold it."""
    yield
    caplog.get_records("call").clear()
    gc.collect()


def member(broker: KafkaBroker, topic: str, **others: Any) -> Member:
    settings = settings_for(broker.bootstrap, topic, group=unique("group"))
    return Member(settings.model_copy(update=others))


PROMPT_SECONDS = 4.0
"""A machine may pause; what blocks a poll in the client blocks it for five seconds or more."""


def longest_poll(one: Member, seconds: float) -> float:
    """Poll for some seconds; the duration of the longest poll."""
    longest, end = 0.0, time.monotonic() + seconds
    while (began := time.monotonic()) < end:
        one.poll(0.2)
        longest = max(longest, time.monotonic() - began)
    return longest


def test_a_broker_that_is_not_there_is_named_and_tried_again() -> None:
    address = f"127.0.0.1:{free_ports(1)[0]}"
    with Member(settings_for(address, "events")) as one:
        one.until(lambda: one.troubles, 60)
        assert one.troubles[0].kind == "unreachable"
        assert f"{address}: connection refused. Check that the broker runs" in one.troubles[0].message
        assert one.poll(0).trouble == one.troubles[0]
        assert not one.source.still_owner(0)
        assert not one.source.commit({Partition("events"): Committed(1, "")})


def test_a_name_that_does_not_resolve_is_said() -> None:
    with Member(settings_for("no-such-broker.invalid:9092", "events")) as one:
        one.until(lambda: one.troubles, 60)
    assert "no-such-broker.invalid:9092: the name cannot be resolved" in one.troubles[0].message


def test_failed_attempts_leave_no_threads_behind() -> None:
    import threading

    before = set(threading.enumerate())
    address = f"127.0.0.1:{free_ports(1)[0]}"
    with Member(settings_for(address, "events")) as one:
        one.until(lambda: one.troubles, 60)
        assert set(threading.enumerate()) <= before


def test_a_broker_that_restarts_is_read_on_with_every_record_once(own_broker: KafkaBroker) -> None:
    own_broker.create_topic("events", 2)
    own_broker.produce("events", [(n % 2, None, b"%d" % n) for n in range(100)])
    with member(own_broker, "events") as one:
        one.until(lambda: len(one.records) == 100)
        own_broker.kill()
        assert longest_poll(one, 2.0) < PROMPT_SECONDS
        assert not one.last.caught_up
        own_broker.start()
        own_broker.produce("events", [(n % 2, None, b"%d" % n) for n in range(100, 200)])
        one.until(lambda: len(one.records) >= 200, 30)
        one.until(lambda: len(one.last.caught_up) == 2)
        one.until(lambda: one.source.still_owner(one.last.epoch))  # the coordinator comes back after the partitions
        one.until(lambda: one.source.commit({Partition("events", 0): Committed(100, "")}))
    assert sorted(int(value or b"") for value in one.values) == list(range(200))


def test_an_owner_that_no_broker_answers_stops_owning_and_says_why(own_broker: KafkaBroker) -> None:
    own_broker.create_topic("events")
    with member(own_broker, "events") as one:
        one.until(lambda: one.last.caught_up)
        own_broker.freeze()
        assert longest_poll(one, 6.0) < PROMPT_SECONDS
        assert not one.source.still_owner(one.last.epoch)
        assert not one.last.caught_up
        began = time.monotonic()
        assert not one.source.commit({Partition("events"): Committed(1, "")})
        assert time.monotonic() - began < 10
        one.until(lambda: one.last.trouble, 60)
        assert one.last.trouble is not None
        assert "takes connections but does not answer" in one.last.trouble.message
        own_broker.thaw()
        own_broker.produce("events", [(0, None, b"1")])
        one.until(lambda: one.values == [b"1"], 30)
        one.until(lambda: one.last.trouble is None)


def test_the_connection_is_built_anew_when_no_broker_has_answered_for_long(own_broker: KafkaBroker) -> None:
    own_broker.create_topic("events")
    own_broker.produce("events", [(0, None, b"1")])
    with member(own_broker, "events", rebuild_after_seconds=4) as one:
        one.until(lambda: one.records)
        first = one.source._connection
        own_broker.kill()
        one.until(lambda: one.source._connection is not first, 30)
        assert not one.owns
        own_broker.start()
        own_broker.produce("events", [(0, None, b"2")])
        one.until(lambda: one.values == [b"1", b"2"], 40)
        assert one.owns


@pytest.mark.parametrize("fate", ["kill", "freeze"])
def test_closing_keeps_its_deadline_when_the_broker_is(own_broker: KafkaBroker, fate: str) -> None:
    own_broker.create_topic("events")
    one = member(own_broker, "events")
    one.until(lambda: one.owns)
    getattr(own_broker, fate)()
    began = time.monotonic()
    one.source.close(2)
    assert time.monotonic() - began < 10
    assert one.source.poll(0) == Poll(1, finished=True)
