"""The shipped rules in a real Prometheus that scrapes a real agent at a real broker, in trouble and out of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from deploy.build.rules.__main__ import SHIPPED
from exporters.notice import ALERT_NAMES
from tests.agent.world import World, make_reference
from tests.parts.journey import Journey, hands_of
from tests.parts.kafka import KafkaBroker
from tests.parts.live_agent import LiveAgent
from tests.parts.monitoring import Prometheus, prometheus
from tests.parts.test_monitoring import eventually

pytestmark = [pytest.mark.parts, pytest.mark.slow]
FILES = sorted((SHIPPED / "rules").glob("*.yml"))


NOT_ASKED = {*ALERT_NAMES.values(), "WachterWatchdog", "WachterDiskFilling"}
"""Incidents of the model, what always fires, and the disk of the machine, which others fill too."""


def raised(found: Prometheus) -> set[str]:
    """Alerts about the agent and its objectives whose expression holds, whether their time is over or not."""
    rules = [rule for rule in found.rules() if rule["type"] == "alerting"]
    return {rule["name"] for rule in rules if rule["alerts"]} - NOT_ASKED


def becomes(found: Prometheus, expected: set[str]) -> None:
    """Wait until exactly these alerts are raised."""
    seen: set[str] = set()

    def is_so() -> bool:
        seen.clear()
        seen.update(raised(found))
        return seen == expected

    try:
        eventually(is_so)
    except AssertionError:
        raise AssertionError(f"raised are {sorted(seen)}, not {sorted(expected)}") from None


def test_a_lost_broker_and_a_lost_agent_raise_their_alerts_and_no_other(
    tmp_path: Path, own_broker: KafkaBroker
) -> None:
    journey = Journey(World(seed=9, days=3), make_reference(tmp_path), partitions=2)
    journey.create_topics(own_broker)
    journey.produce(own_broker, *hands_of(journey.world, 2, seed=5))
    journey.produce(own_broker, journey.sentinels(), [])
    with (
        LiveAgent(tmp_path / "agent", journey.settings(own_broker)) as agent,
        prometheus(agent.address, FILES) as found,
    ):
        agent.until(lambda: journey.done(agent))
        eventually(lambda: found.query("sum(wachter_windows_closed_total) > 0"))
        eventually(lambda: found.query("instance:wachter_partition_lag_records:sum == 0"))
        becomes(found, set())

        own_broker.kill()
        becomes(found, {"WachterNotReady"})
        own_broker.start()
        becomes(found, set())

        agent.kill()
        becomes(found, {"WachterDown", "WachterAbsent"})
        agent.start()
        becomes(found, set())
