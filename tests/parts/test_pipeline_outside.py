"""A live agent among its neighbours: Prometheus, promtool, Alertmanager, and people who act on incidents."""

from __future__ import annotations

import html
import json
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from tests.agent.world import World, make_reference
from tests.parts.journey import Journey, hands_of
from tests.parts.kafka import KafkaBroker
from tests.parts.live_agent import LiveAgent
from tests.parts.monitoring import Alertmanager, alertmanager, prometheus, require
from tests.parts.test_monitoring import listening

pytestmark = pytest.mark.parts


@pytest.fixture(scope="module")
def receiver() -> Iterator[Alertmanager]:
    with listening() as (hook, _), alertmanager(hook) as started:
        yield started


@pytest.fixture(scope="module")
def agent(tmp_path_factory: pytest.TempPathFactory, broker: KafkaBroker, receiver: Alertmanager) -> Iterator[LiveAgent]:
    """An agent with a harm and a health incident open, which it tells Alertmanager."""
    journey = Journey(
        World(seed=5, drift_from=3, bad_day=2), make_reference(tmp_path_factory.mktemp("reference")), partitions=2
    )
    journey.create_topics(broker)
    journey.produce(broker, *hands_of(journey.world, 2, seed=7))
    journey.produce(broker, journey.sentinels(), [])
    told = [{"type": "alertmanager", "name": "am", "urls": [receiver.url]}]
    directory = tmp_path_factory.mktemp("agent")
    with LiveAgent(directory, {**journey.settings(broker), "receivers": told}) as started:
        started.until(lambda: journey.done(started))
        yield started


def open_incidents(agent: LiveAgent, track: str) -> list[dict[str, Any]]:
    listed = json.loads(agent.get("/api/v1/incidents?state=open").text)["incidents"]
    return [incident for incident in listed if incident["track"] == track]


def opened(agent: LiveAgent, track: str) -> str:
    """Id of the open incident of a track."""
    (incident,) = agent.until(lambda: open_incidents(agent, track))
    return str(incident["id"])


def shown(agent: LiveAgent, incident_id: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(agent.command("incidents", "show", incident_id, "--json"))
    return found


def test_promtool_finds_nothing_to_say_about_the_live_metrics(agent: LiveAgent) -> None:
    (promtool,) = require("promtool")
    page = agent.get("/metrics").text
    checked = subprocess.run([promtool, "check", "metrics"], input=page, capture_output=True, text=True, check=False)
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")


def test_prometheus_scrapes_the_live_agent(agent: LiveAgent) -> None:
    with prometheus(agent.address) as found:
        agent.until(lambda: found.query("up == 1"))
        assert agent.until(lambda: found.query("wachter_ready"))[0][1] == 1
        counted = "sum(wachter_events_accepted_total) + sum(wachter_events_rejected_total)"
        counted += " + sum(wachter_events_duplicate_total) + sum(wachter_events_late_total)"
        assert agent.until(lambda: found.query(f"sum(wachter_events_received_total) - ({counted})"))[0][1] == 0
        agent.until(lambda: found.query('wachter_measure_value{metric="roc_auc",stage="labels"}'))
        ((_, held),) = agent.until(lambda: found.query('sum(wachter_incidents_open{track="harm"})'))
        assert held == len(open_incidents(agent, "harm"))


def test_the_page_of_an_incident_shows_what_the_live_agent_knows_of_it(agent: LiveAgent) -> None:
    incident = opened(agent, "harm")
    page = agent.get(f"/incidents/{incident}")
    assert page.status == 200
    assert html.escape(shown(agent, incident)["headline"]) in page.text
    assert 'class="breach dot"' in page.text
    assert "<figcaption>" in page.text.partition('id="moved"')[2].partition("<h2")[0]
    assert "log entry <code>" in page.text.partition('id="examples"')[2].partition("<h2")[0]
    assert "; log entry " in page.text.partition('id="timeline"')[2]


def test_an_acknowledgement_from_the_command_line_is_kept(agent: LiveAgent) -> None:
    incident = opened(agent, "harm")
    printed = agent.command("incidents", "ack", incident, "--actor", "ada", "--comment", "looking at it")
    assert printed == "done\n"
    assert shown(agent, incident)["acknowledged"]["actor"] == "ada"
    agent.until(lambda: open_incidents(agent, "harm")[0]["acknowledged_by"] == "ada")


def test_an_incident_that_a_person_resolves_is_resolved_in_alertmanager(
    agent: LiveAgent, receiver: Alertmanager
) -> None:
    incident = opened(agent, "health")
    (alert,) = agent.until(lambda: receiver.query(f"incident={incident}"))
    assert alert["labels"]["severity"] == "warning"
    answer = agent.post(f"/api/v1/incidents/{incident}/resolve", {"actor": "ada", "comment": "x is meant to move"})
    assert (answer.status, json.loads(answer.text)["outcome"]) == (200, "done")
    agent.until(lambda: not receiver.query(f"incident={incident}"))
    assert shown(agent, incident)["state"] == "resolved"
