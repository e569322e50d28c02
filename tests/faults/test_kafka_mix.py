"""Random faults one after the other, on one story: windows stay exact, and what the process holds does not grow."""

from __future__ import annotations

import os
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.faults.conftest import Note
from tests.faults.generator import Story, part_of
from tests.faults.process import usage
from tests.faults.proxy import FaultProxy, ProxiedBroker
from tests.faults.report import SEED, scaled
from tests.faults.scene import Scene
from tests.parts.fixtures import require_kafka
from tests.parts.live_agent import LiveAgent

ROUNDS = scaled(4, 350)
"""A round takes about ten seconds."""
pytestmark = [pytest.mark.parts, pytest.mark.slow, pytest.mark.timeout(300 + 60 * ROUNDS)]
LIMIT_MEBIBYTES = 512
Chaos = Callable[["Stage"], None]


class Stage:
    """An agent behind a proxy, and the faults that may befall them."""

    def __init__(self, agent: LiveAgent, proxy: FaultProxy, broker: ProxiedBroker, chance: np.random.Generator) -> None:
        self.agent, self.proxy, self.broker, self.chance = agent, proxy, broker, chance

    def rest(self, least: float, most: float) -> None:
        """Let time pass; the agent may be dead meanwhile."""
        time.sleep(self.chance.uniform(least, most))

    def kill(self) -> None:
        self.rest(0.0, 2.0)
        self.agent.kill()
        self.agent.start()

    def ask_to_end(self) -> None:
        self.rest(0.0, 2.0)
        os.kill(self.agent.pid, signal.SIGTERM)
        self.rest(0.0, 1.0)
        self.agent.kill()
        self.agent.start()

    def freeze(self) -> None:
        self.agent.freeze()
        self.rest(1.0, 8.0)
        self.agent.thaw()

    def cut(self) -> None:
        for _ in range(5):
            self.proxy.cut()
            self.rest(0.0, 0.5)

    def hang(self) -> None:
        self.proxy.hang()
        self.rest(1.0, 8.0)
        self.proxy.heal()

    def truncate(self) -> None:
        self.proxy.truncate(int(self.chance.integers(1, 100_000)))
        self.rest(0.5, 1.0)
        self.proxy.heal()

    def restart_broker(self) -> None:
        self.broker.kill()
        self.rest(0.0, 2.0)
        self.broker.start()


CHAOS: tuple[Chaos, ...] = (
    Stage.kill,
    Stage.ask_to_end,
    Stage.freeze,
    Stage.cut,
    Stage.hang,
    Stage.truncate,
    Stage.restart_broker,
)


@pytest.fixture
def proxied() -> Iterator[tuple[FaultProxy, ProxiedBroker]]:
    require_kafka()
    with FaultProxy() as proxy, ProxiedBroker(proxy) as broker:
        yield proxy, broker


def test_random_faults_one_after_the_other_lose_and_double_nothing(
    tmp_path: Path, proxied: tuple[FaultProxy, ProxiedBroker], note: Note
) -> None:
    (proxy, broker), chance = proxied, np.random.default_rng(SEED)
    scene = Scene(Story(seed=81, events=400 * ROUNDS, windows=max(4, ROUNDS // 10)), broker).create()
    done: Counter[str] = Counter()
    with scene.read_by(tmp_path, brokers=[broker.proxied], batch_records=50) as agent:
        stage = Stage(agent, proxy, broker, chance)
        agent.until(agent.ready)
        before = usage(agent.pid)
        for number in range(ROUNDS):
            scene.write(part_of(scene.hands, number / ROUNDS, (number + 1) / ROUNDS))
            fault = CHAOS[chance.integers(len(CHAOS))]
            fault(stage)
            done[fault.__name__] += 1
            agent.until(lambda: scene.is_read(agent), 120)
        scene.write(scene.story.sentinels(scene.partitions))
        agent.until(lambda: scene.is_told(agent), 120)
        scene.holds(agent)
        after = usage(agent.pid)
        assert "Traceback" not in agent.output
    note(faults=dict(done), seed=SEED, peak_mebibytes=after.peak_mebibytes, threads=after.threads)
    assert after.peak_mebibytes < LIMIT_MEBIBYTES
    assert after.threads <= before.threads + 2
    assert after.descriptors <= before.descriptors + 20
