"""The same crash points as over a topic of files, one after the other, against a real Apache Kafka."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from agent import crash
from tests.faults.conftest import Note
from tests.faults.generator import Story
from tests.faults.receiver import receiving
from tests.faults.report import SEED, scaled
from tests.faults.scene import Scene
from tests.faults.troubled import TROUBLE
from tests.parts.kafka import KafkaBroker
from tests.parts.live_agent import LiveAgent

pytestmark = [pytest.mark.parts, pytest.mark.slow]
ROUNDS = scaled(1, 5)


@pytest.mark.timeout(300 + 200 * ROUNDS)
def test_an_agent_that_dies_at_every_point_in_turn_loses_and_doubles_nothing(
    tmp_path: Path, broker: KafkaBroker, note: Note
) -> None:
    points = [point for _ in range(ROUNDS) for point in crash.POINTS]
    scene = Scene(Story(seed=SEED, events=300 * len(points)), broker).create()
    with receiving() as receiver:
        source = {
            "instance_id": "pod-0",
            "batch_records": 100,
        }  # static: back within the session, it need not wait for it
        settings = {**scene.settings(model=TROUBLE, **source), "receivers": [receiver.settings()]}
        agent = LiveAgent(tmp_path, settings)
        died = []
        with agent:
            agent.kill()
            for number, point in enumerate(points):
                agent.environment = {"WACHTER_CRASH_AT": point}
                scene.tell(number / (len(points) + 1), (number + 1) / (len(points) + 1))
                agent.start()
                if dies(agent, scene):
                    died.append(point)
                agent.kill()
            agent.environment = {}
            agent.start()
            scene.tell(len(points) / (len(points) + 1), 1.0)
            agent.until(lambda: scene.is_told(agent) and receiver.told, 90)
            scene.holds(agent)
        note(points=len(points), died=len(died), duplicates=receiver.duplicates())
        assert receiver.duplicates() <= len(points)
        assert (
            len(set(died)) >= len(crash.POINTS) - 6
        )  # some need a message that is due, which not every stretch brings


def dies(agent: LiveAgent, scene: Scene) -> bool:
    """Whether it comes to its point; not where it has read everything before."""
    try:
        agent.until(lambda: scene.is_read(agent), 30)
    except AssertionError:
        assert agent.wait() == -signal.SIGKILL
        return True
    return False
