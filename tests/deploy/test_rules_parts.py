"""The shipped rules and examples in the real promtool, amtool, Prometheus and Alertmanager."""

from __future__ import annotations

import re
import subprocess
import time
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from agent.delivery import outbox
from agent.delivery.outbox import Target
from agent.delivery.sender import wall_us
from deploy.build.rules.__main__ import RUNBOOKS, SHIPPED
from exporters.notice import notice_of
from exporters.snapshot import IncidentView, LogStatus, PartitionStatus, Snapshot, SourceStatus
from tests.agent.outbox_stage import new_database
from tests.agent.web_client import FakeAgent, serving
from tests.deploy.test_rules import fired
from tests.exporters.sample import INCIDENT, SNAPSHOT
from tests.parts.monitoring import Alertmanager, Prometheus, alertmanager, get_json, prometheus, require
from tests.parts.test_monitoring import eventually, listening, telling

pytestmark = pytest.mark.parts
ROOT = Path(__file__).resolve().parents[2]
FILES = sorted((SHIPPED / "rules").glob("*.yml"))


def output(*command: str) -> str:
    """Of a command that succeeds."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_promtool_accepts_the_rules(path: Path) -> None:
    (promtool,) = require("promtool")
    output(promtool, "check", "rules", "--lint=all", "--lint-fatal", str(path))


@pytest.mark.slow
@pytest.mark.parametrize("path", sorted((SHIPPED / "tests").glob("*.yml")), ids=lambda path: path.name)
def test_every_alert_fires_waits_and_stays_quiet_in_its_cases(path: Path) -> None:
    (promtool,) = require("promtool")
    output(promtool, "test", "rules", str(path))


def test_the_example_of_prometheus_is_valid_and_leaves_incidents_to_the_agent() -> None:
    (promtool,) = require("promtool")
    assert "2 rule files found" in output(promtool, "check", "config", str(SHIPPED / "prometheus.yml"))


@pytest.mark.parametrize(
    ("labels", "receiver"),
    [
        (["alertname=WachterModelHarm", "severity=critical"], "on-call"),
        (["alertname=WachterModelHealth", "severity=warning"], "tickets"),
        (["alertname=WachterWatchdog", "severity=info"], "dead-mans-switch"),
    ],
)
def test_the_example_of_alertmanager_sends_each_severity_where_it_belongs(labels: list[str], receiver: str) -> None:
    (amtool,) = require("amtool")
    example = f"--config.file={SHIPPED / 'alertmanager.yml'}"
    assert output(amtool, "config", "routes", "test", example, *labels).splitlines()[0] == receiver


def healthy() -> Snapshot:
    """The sample, as an agent that is well now."""
    now_us = time.time_ns() // 1000
    read = SourceStatus("reading", partitions=(PartitionStatus("events", 0, 51, lag_records=0),))
    log = LogStatus(240, 81_920, 200, now_us)
    return replace(SNAPSHOT, at_us=now_us, source=read, incidents=(), receivers=(), log=log)


def firing(found: Prometheus) -> set[str]:
    """Names of alerts whose expression holds."""
    return {rule["name"] for rule in found.rules() if rule["type"] == "alerting" and rule["alerts"]}


@pytest.mark.slow
def test_every_rule_is_evaluated_and_a_healthy_agent_raises_only_the_watchdog() -> None:
    agent = FakeAgent()
    agent.snapshot = healthy()
    with serving(agent) as server, prometheus(f"127.0.0.1:{server.port}", FILES) as found:
        eventually(lambda: found.query("wachter_ready") and firing(found) == {"WachterWatchdog"})
        rules = eventually(lambda: all(rule["health"] == "ok" for rule in found.rules()) and found.rules())
        assert {rule.get("lastError", "") for rule in rules} == {""}
        agent.snapshot = replace(healthy(), not_ready="unreachable: no broker answers")
        eventually(lambda: firing(found) == {"WachterWatchdog", "WachterNotReady"})


@pytest.mark.slow
def test_prometheus_understands_every_query_that_the_runbooks_suggest() -> None:
    queries = re.findall(r"`([^`\n]*\bwachter_[^`\n]*)`", (ROOT / RUNBOOKS).read_text())
    assert "wachter_bound_used / wachter_bound_limit" in queries
    with serving(FakeAgent()) as server, prometheus(f"127.0.0.1:{server.port}") as found:
        for query in queries:
            found.query(query)


def of_rules(view: IncidentView) -> dict[str, str]:
    """What the rules would send about the same incident."""
    stream = view.stream._asdict()
    labels = {"alertname": "WachterModelHealth", "job": "wachter", "track": view.track.value, "severity": view.severity}
    return {**labels, **{name: value for name, value in stream.items() if value}}


def add(found: Alertmanager, labels: dict[str, str]) -> None:
    """What Prometheus does when a rule fires."""
    said = [f"{name}={value}" for name, value in labels.items()]
    output(*require("amtool"), "alert", "add", f"--alertmanager.url={found.url}", *said)


def states(found: Alertmanager, label: str = "incident") -> dict[str, str]:
    """Active or suppressed, by a label of an alert: by default its incident, empty for that of the rules."""
    alerts = get_json(f"{found.url}/api/v2/alerts")
    return {alert["labels"].get(label, ""): alert["status"]["state"] for alert in alerts}


@pytest.mark.slow
def test_an_incident_that_is_pushed_and_told_by_the_rules_is_told_once(tmp_path: Path) -> None:
    inhibitions = yaml.safe_load((SHIPPED / "alertmanager.yml").read_text())["inhibit_rules"]
    database = new_database(tmp_path)
    with listening() as (hook, bodies), alertmanager(hook, inhibitions) as found:
        target = Target("oncall", found.url, standing=True)
        with telling(database, target) as (connection, sender):
            outbox.enqueue(connection, [("fire", notice_of(INCIDENT, wall_us()))], [target], wall_us())
            sender.wake()
            eventually(lambda: states(found) == {INCIDENT.id: "active"})
            add(found, of_rules(INCIDENT))
            eventually(lambda: states(found) == {INCIDENT.id: "active", "": "suppressed"})
            eventually(lambda: bodies)
    told = [alert["labels"].get("incident") for body in bodies for alert in body["alerts"]]
    assert set(told) == {INCIDENT.id}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("cause", "effects"),
    [
        ("WachterDown", {"WachterAbsent"}),
        ("WachterStuck", {"WachterNotReady", "WachterNotConsuming", "WachterCheckpointOld", "WachterLagGrowing"}),
        ("WachterNotReady", {"WachterNotConsuming", "WachterLagGrowing"}),
        ("WachterHarmNotTold", {"WachterOutboxStuck"}),
    ],
)
def test_a_cause_is_told_and_what_follows_from_it_is_not(cause: str, effects: set[str]) -> None:
    inhibitions = yaml.safe_load((SHIPPED / "alertmanager.yml").read_text())["inhibit_rules"]
    others = {"WachterReloadFailed", "WachterDiskFilling"}
    with listening() as (hook, _), alertmanager(hook, inhibitions) as found:
        for name in (cause, *effects, *others):
            add(found, fired(name))
        wanted = dict.fromkeys({cause, *others}, "active") | dict.fromkeys(effects, "suppressed")
        eventually(lambda: states(found, "alertname") == wanted)


def test_agents_that_say_the_same_are_one_call() -> None:
    grouped = yaml.safe_load((SHIPPED / "alertmanager.yml").read_text())["route"]["group_by"]
    assert "alertname" in grouped
    assert "instance" not in grouped
