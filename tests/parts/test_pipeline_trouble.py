"""What an operator sees of a live agent whose Kafka is not as it should be: a reason, a retry, and no traceback."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.agent.world import World, make_reference
from tests.parts.journey import Journey, hands_of
from tests.parts.kafka import PASSWORD, USER, KafkaBroker
from tests.parts.live_agent import LiveAgent

pytestmark = pytest.mark.parts
WRONG_PASSWORD = "not-the-secret"


@pytest.fixture(scope="module")
def journey(tmp_path_factory: pytest.TempPathFactory) -> Journey:
    return Journey(World(seed=9, days=3), make_reference(tmp_path_factory.mktemp("reference")), partitions=2)


def says(agent: LiveAgent, kind: str) -> str:
    """What /-/ready says, once it is of this kind; the agent is alive and has logged the same."""
    agent.until(lambda: agent.get("/-/ready").text.startswith(f"not ready: {kind}: "))
    assert agent.get("/-/ready").status == 503
    assert agent.get("/-/healthy").status == 200
    agent.until(lambda: f"{kind}: " in agent.output)
    return agent.get("/-/ready").text


def test_a_dead_broker_and_a_missing_topic_are_named_and_waited_for(
    tmp_path: Path, own_broker: KafkaBroker, journey: Journey
) -> None:
    own_broker.kill()
    with LiveAgent(tmp_path, journey.settings(own_broker)) as agent:
        assert f"{own_broker.bootstrap}: connection refused" in says(agent, "unreachable")
        own_broker.start()
        assert f"'{journey.events_topic}', '{journey.labels_topic}' not found" in says(agent, "missing_topic")
        journey.create_topics(own_broker)
        journey.produce(own_broker, *hands_of(journey.world, 2, seed=5))
        journey.produce(own_broker, journey.sentinels(), [])
        agent.until(lambda: agent.ready() and journey.done(agent))
        assert agent.stop() == 0
    assert "Traceback" not in agent.output


def test_a_wrong_password_is_named_and_never_shown(tmp_path: Path, broker: KafkaBroker, journey: Journey) -> None:
    password = {"mechanism": "SCRAM-SHA-256", "username": USER, "password": WRONG_PASSWORD}
    settings = journey.settings(broker, brokers=[broker.sasl_bootstrap], sasl=password)
    with LiveAgent(tmp_path, settings) as agent:
        assert f"refused user '{USER}' with SCRAM-SHA-256" in says(agent, "authentication")
        shown = [agent.get(path).text for path in ("/", "/metrics", "/-/ready", "/api/v1/incidents")]
        assert agent.stop() == 0
    assert "Traceback" not in agent.output
    assert not any(secret in text for text in (*shown, agent.output) for secret in (WRONG_PASSWORD, PASSWORD))
