"""What a reading says of its partitions, on a consumer that is not there."""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import Any

from kafka import errors
from kafka.structs import TopicPartition

from agent.kafka.probe import Probe
from agent.kafka.reading import Reading
from agent.source import Assignment, Partition
from tests.agent.kafka.absent import AbsentConsumer, response

PART, NAME = TopicPartition("t", 0), Partition("t", 0)


def test_after_a_failed_fetch_the_lag_is_to_the_end_seen_last_and_no_partition_stands_at_its_end() -> None:
    """The end at the assignment may be hours old: a lag of nothing, while nothing is read."""
    consumer = AbsentConsumer(PART)
    connection: Any = SimpleNamespace(consumer=consumer, probe=Probe(consumer))
    assignment = Assignment((NAME,), beginnings={NAME: 0}, ends={NAME: 5}, starts={NAME: 0})
    reading = Reading(connection, assignment)
    reading.begin({NAME: 9})
    connection.probe._fetch_answered(1, {PART: 9}, time.monotonic(), response({PART: 9}))
    assert (reading.caught_up(), reading.lag()) == ({NAME}, {NAME: 0})
    connection.probe._fetch_answered(1, {PART: 9}, time.monotonic(), response({PART: 30}))
    connection.probe._fetch_failed(1, errors.KafkaConnectionError())
    assert (reading.caught_up(), reading.lag()) == (frozenset(), {NAME: 21})
