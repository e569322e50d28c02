"""A stretch of topics of a real Apache Kafka as rows of a reference."""

from __future__ import annotations

import gc
import json
from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest

from agent.commands.init import propose
from agent.proposal.sample import sample_of
from agent.reference.build import build_reference
from agent.reference.settings import choose_model
from agent.reference.topics import TopicRange
from config.errors import SourceError
from tests.agent.reference.credit import (
    START,
    credit_events,
    credit_settings,
    label_of,
    reference_of,
    sent,
    write_lines,
)
from tests.parts.kafka import KafkaBroker
from tests.parts.members import settings_for, unique

pytestmark = [pytest.mark.parts, pytest.mark.filterwarnings("ignore:unclosed <(socket|ssl):ResourceWarning")]

ROWS = 300


@pytest.fixture(scope="module")
def topic(broker: KafkaBroker) -> str:
    """Events and labels on three partitions, each record at its event's time."""
    name = unique("scoring")
    broker.create_topic(name, 3)
    producer = broker._producer()
    events = credit_events(rows=ROWS)
    for i, event in enumerate([*events, *map(label_of, events)]):
        at = int(datetime.fromisoformat(event["occurred_at"]).timestamp() * 1000)
        producer.send(name, json.dumps(sent(event)).encode(), partition=i % 3, timestamp_ms=at)
    producer.close()
    return name


@pytest.fixture
def _sockets_left_to_the_collector(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """kafka-python 3.0.12 does not close the socket of a connection that failed: collect it where that is expected.

    Its log records hold the connection, and pytest holds the records.
    """
    yield
    caplog.get_records("call").clear()
    gc.collect()


def offsets(found: TopicRange) -> int:
    return sum(len(fetched) for fetched in found.read(lambda _: None))


def test_a_topic_and_a_file_of_the_same_events_make_the_same_tables(
    broker: KafkaBroker, topic: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    events = credit_events(rows=ROWS)
    path = write_lines(tmp_path_factory.mktemp("rows") / "events.jsonl", [*events, *map(label_of, events)])
    settings = credit_settings()
    source = TopicRange(settings_for(broker.bootstrap, topic))
    told: list[int] = []
    reference = build_reference(settings, *choose_model(settings, None), None, source, told.append)
    assert reference.tables.to_bytes() == reference_of(path).tables.to_bytes()
    assert reference.provenance[f"source {topic}/0"] == "offsets [0, 200)"
    assert told[-1] == 2 * source.total == 4 * ROWS


def test_a_range_holds_the_records_from_a_time_to_before_another(broker: KafkaBroker, topic: str) -> None:
    settings = settings_for(broker.bootstrap, topic)
    since, until = START + timedelta(days=2), START + timedelta(days=6)
    times = [e["occurred_at"] for e in credit_events(rows=ROWS)]
    times += [label_of(e)["occurred_at"] for e in credit_events(rows=ROWS)]
    before = sum(datetime.fromisoformat(time) < since for time in times)
    assert offsets(TopicRange(settings)) == 2 * ROWS
    assert offsets(TopicRange(settings, since=START + timedelta(days=90))) == 0
    assert offsets(TopicRange(settings, until=START)) == 0
    assert 0 < offsets(TopicRange(settings, since=since, until=until)) < offsets(TopicRange(settings, since=since))
    assert offsets(TopicRange(settings, since=since)) <= 2 * ROWS - min(before, 1)


def test_both_readings_see_the_same_records_though_more_have_come(broker: KafkaBroker) -> None:
    name = unique("growing")
    broker.create_topic(name)
    broker.produce(name, [(0, None, b"1"), (0, None, b"2")])
    found = TopicRange(settings_for(broker.bootstrap, name))
    assert offsets(found) == 2
    broker.produce(name, [(0, None, b"3")])
    assert offsets(found) == 2


def test_markers_of_transactions_do_not_hold_the_end_open(broker: KafkaBroker) -> None:
    name = unique("transactional")
    broker.create_topic(name)
    broker.transaction(name, [(0, None, b"kept")], commit=True)
    broker.transaction(name, [(0, None, b"dropped")], commit=False)
    values = [v for f in TopicRange(settings_for(broker.bootstrap, name)).read(lambda _: None) for v in f.values]
    assert values == [b"kept"]


def test_a_topic_can_be_sampled_for_first_settings(broker: KafkaBroker, topic: str) -> None:
    sample = sample_of(TopicRange(settings_for(broker.bootstrap, topic)).read(lambda _: None))
    assert propose(sample, topic).model == "scoring"


def test_a_topic_that_is_not_there_is_named(broker: KafkaBroker) -> None:
    with pytest.raises(SourceError, match="topic 'nowhere' is not there"):
        TopicRange(settings_for(broker.bootstrap, "nowhere"))


@pytest.mark.usefixtures("_sockets_left_to_the_collector")
def test_a_dead_broker_is_explained_once() -> None:
    with pytest.raises(SourceError, match=r"127\.0\.0\.1:1: connection refused\. Check that the broker runs$"):
        TopicRange(settings_for("127.0.0.1:1", "scoring"))
