"""What the probe makes of fetch answers, on a consumer that is not there."""

from __future__ import annotations

from kafka import errors
from kafka.structs import TopicPartition

from agent.kafka.probe import NEVER, Answer, Probe
from tests.agent.kafka.absent import AbsentConsumer, response

HERE, THERE = TopicPartition("t", 0), TopicPartition("t", 1)


def test_a_failed_fetch_from_one_broker_leaves_the_ends_of_another_one_known() -> None:
    """Its next response is an incremental one: it leaves out what has not changed."""
    probe = Probe(AbsentConsumer())
    probe._fetch_answered(1, {HERE: 5}, 1.0, response({HERE: 5}))
    probe._fetch_answered(2, {THERE: 9}, 1.0, response({THERE: 9}))
    probe._fetch_failed(2, errors.KafkaConnectionError())
    assert {answer.received_at for answer in probe.answers.values()} == {NEVER}, "nothing is confirmed"
    probe._fetch_answered(1, {HERE: 5}, 2.0, response({}))
    assert probe.answers[HERE]._replace(received_at=0.0) == Answer(offset=5, end=5, sent_at=2.0, received_at=0.0)
    assert probe.answers[HERE].received_at > NEVER
    assert probe.answers[THERE] == Answer(offset=9, end=9, sent_at=NEVER, received_at=NEVER)
