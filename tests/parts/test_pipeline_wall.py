"""A live agent under its default clock, the machine's: silence lets windows close, and the future is refused."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.agent.world import iso, mapping_of
from tests.parts.kafka import KafkaBroker
from tests.parts.live_agent import LiveAgent
from tests.parts.members import unique

pytestmark = pytest.mark.parts
EVENTS = 40


def event(number: int, at: datetime) -> bytes:
    body = {
        "schema_version": "1",
        "event_type": "inference",
        "event_id": f"w{number}",
        "occurred_at": iso(at),
        "system_id": "lending",
        "model": {"name": "credit", "version": "1"},
        "features": {"x": 1.0, "amount": 2.0, "purpose": "a"},
        "prediction": "yes",
        "score": 0.7,
    }
    return json.dumps(body).encode()


def settings(broker: KafkaBroker, topic: str) -> dict[str, object]:
    whole = mapping_of(window={"length": "2s"}, labels=None)
    systems = whole["systems"]
    assert isinstance(systems, list)
    systems[0]["lateness"] = "1s"
    source = {"type": "kafka", "brokers": [broker.bootstrap], "topics": [topic], "group": topic, "idle_timeout": "1s"}
    return {**whole, "source": source}


def volumes(agent: LiveAgent) -> list[int]:
    lines = map(json.loads, agent.command("measurements", "--jsonl").splitlines())
    return [int(line["value"]) for line in lines if (line["metric"], line["version"]) == ("volume", "1")]


def test_the_windows_of_a_stream_that_has_fallen_silent_close_on_time(tmp_path: Path, broker: KafkaBroker) -> None:
    topic = unique("wall")
    broker.create_topic(topic, partitions=3)
    with LiveAgent(tmp_path, settings(broker, topic)) as agent:
        agent.until(agent.ready)
        now = datetime.now(UTC) + timedelta(seconds=10)  # what is sent at once may arrive seconds later
        broker.produce(topic, [(number % 3, None, event(number, now)) for number in range(EVENTS)])
        broker.produce(topic, [(0, None, event(EVENTS, now + timedelta(hours=2)))])
        agent.until(lambda: agent.records() == EVENTS + 1 and agent.metric("wachter_windows_closed_total") >= 1)
        (closed,) = agent.rows("SELECT min(end_us) FROM measurement")
        assert datetime.fromtimestamp(closed[0] / 1e6, UTC) <= now + timedelta(seconds=2)
        assert sum(volumes(agent)) == EVENTS
        (refused,) = map(json.loads, agent.command("rejects", "list", "--json").splitlines())
        assert refused["reason"] == "future"
