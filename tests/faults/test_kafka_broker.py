"""Brokers that die, hang and come back, and networks that delay, cut and garble: the agent waits, goes on, loses nothing."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.conftest import Note
from tests.faults.generator import Story, part_of
from tests.faults.process import cpu_seconds
from tests.faults.proxy import FaultProxy, ProxiedBroker
from tests.faults.report import SCALE
from tests.faults.scene import Scene
from tests.parts.fixtures import require_kafka
from tests.parts.kafka import KafkaBroker
from tests.parts.live_agent import LiveAgent

pytestmark = [pytest.mark.parts, pytest.mark.slow, pytest.mark.timeout(90 + 700 * SCALE)]
SPINS = 0.10 if SCALE > 1 else 0.30
DOWN_SECONDS = 4.0 if SCALE <= 1 else min(600.0, 30.0 * SCALE)
HUNG_SECONDS = min(15.0, 7.0 * SCALE)
IDLE_SECONDS = min(30.0, 3.0 * SCALE)
BACK_SECONDS = 10.0 if SCALE > 1 else 30.0
"""The promise: fetching again so soon after the broker is back."""


@pytest.fixture
def scene(own_broker: KafkaBroker) -> Scene:
    return Scene(Story(seed=11, events=4000), own_broker).create()


@pytest.fixture
def proxy() -> Iterator[FaultProxy]:
    with FaultProxy() as started:
        yield started


@pytest.fixture
def proxied(proxy: FaultProxy) -> Iterator[ProxiedBroker]:
    require_kafka()
    with ProxiedBroker(proxy) as broker:
        yield broker


def share_of_a_core(agent: LiveAgent, seconds: float) -> float:
    """What the agent uses of a core in the next seconds."""
    began, used = time.monotonic(), cpu_seconds(agent.pid)
    agent.until(lambda: time.monotonic() - began >= seconds, seconds + 10)
    return (cpu_seconds(agent.pid) - used) / (time.monotonic() - began)


def read_to(agent: LiveAgent, scene: Scene) -> None:
    agent.until(lambda: scene.is_read(agent))


def back_within(agent: LiveAgent, scene: Scene, since: float, seconds: float = BACK_SECONDS) -> float:
    """Seconds since then until the next record is in the state; fails beyond the bar."""
    had = agent.records()
    scene.tell(0.5, 0.6)
    agent.until(lambda: agent.records() > had, seconds + 60)
    took = time.monotonic() - since
    assert took <= seconds, f"fetching again after {took:.1f} s"
    return took


def finish(agent: LiveAgent, scene: Scene) -> None:
    scene.tell(0.6, 1.0)
    agent.until(lambda: scene.is_told(agent), 120)
    scene.holds(agent)
    assert "Traceback" not in agent.output


def test_a_broker_that_was_killed_is_read_on_when_it_is_back(tmp_path: Path, scene: Scene, note: Note) -> None:
    scene.tell(0.0, 0.5)
    with scene.read_by(tmp_path) as agent:
        read_to(agent, scene)
        up = share_of_a_core(agent, IDLE_SECONDS)
        scene.broker.kill()
        down = share_of_a_core(agent, DOWN_SECONDS)
        scene.broker.start()
        took = back_within(agent, scene, time.monotonic())
        finish(agent, scene)
    note(down_seconds=DOWN_SECONDS, back_after_seconds=took, idle_core_share=up, core_share_without_broker=down)
    assert max(up, down) < SPINS, "it spins"


def test_a_broker_that_hung_is_read_on_when_it_answers(tmp_path: Path, scene: Scene, note: Note) -> None:
    """Longer than the session: the member is expelled, and joins again."""
    scene.tell(0.0, 0.5)
    with scene.read_by(tmp_path) as agent:
        read_to(agent, scene)
        scene.broker.freeze()
        used = share_of_a_core(agent, HUNG_SECONDS)
        assert agent.get("/-/healthy").status == 200
        scene.broker.thaw()
        took = back_within(agent, scene, time.monotonic())
        finish(agent, scene)
    note(hung_seconds=HUNG_SECONDS, back_after_seconds=took, core_share_meanwhile=used)
    assert used < SPINS, "it spins"


def reads_on(agent: LiveAgent, scene: Scene, least: int = 1) -> None:
    """Or has read everything: it also reads while the part is being written."""
    had = agent.records()
    agent.until(lambda: agent.records() >= had + least or scene.is_read(agent))


def cut(proxy: FaultProxy, agent: LiveAgent, scene: Scene) -> None:
    for _ in range(3):
        proxy.cut()
        reads_on(agent, scene)


def hang(proxy: FaultProxy, agent: LiveAgent, scene: Scene) -> None:
    proxy.hang()
    share_of_a_core(agent, HUNG_SECONDS)
    proxy.heal()


def refuse(proxy: FaultProxy, agent: LiveAgent, scene: Scene) -> None:
    proxy.refuse()
    share_of_a_core(agent, min(DOWN_SECONDS, 30.0))
    proxy.heal()


def delay(proxy: FaultProxy, agent: LiveAgent, scene: Scene) -> None:
    proxy.delay(0.1)
    reads_on(agent, scene, 500)
    proxy.heal()


def truncate(proxy: FaultProxy, agent: LiveAgent, scene: Scene) -> None:
    for size in (3, 50, 10_000):
        proxy.truncate(size)
        reads_on(agent, scene)


def test_a_network_that_cuts_hangs_refuses_delays_and_truncates_costs_time_and_nothing_else(
    tmp_path: Path, proxy: FaultProxy, proxied: ProxiedBroker, note: Note
) -> None:
    faults = [cut, truncate, delay, refuse, hang]
    scene = Scene(Story(seed=12, events=1500 * len(faults), padding=1000), proxied).create()
    with scene.read_by(tmp_path, brokers=[proxied.proxied], batch_records=200) as agent:
        for number, fault in enumerate(faults):
            scene.write(part_of(scene.hands, number / len(faults), (number + 1) / len(faults)))
            fault(proxy, agent, scene)
            agent.until(lambda: scene.is_read(agent), 120)
        scene.write(scene.story.sentinels(scene.partitions))
        agent.until(lambda: scene.is_told(agent), 120)
        scene.holds(agent)
        assert "Traceback" not in agent.output
    note(faults=len(faults), connections=proxy.connections)
