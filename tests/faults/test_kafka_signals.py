"""SIGTERM at any moment, and SIGKILL a second later as an impatient orchestrator sends it: nothing depends on a good end."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest

from tests.faults.conftest import Note
from tests.faults.generator import Story, part_of
from tests.faults.report import SEED, scaled
from tests.faults.scene import Scene
from tests.parts.kafka import KafkaBroker
from tests.parts.live_agent import LiveAgent

ROUNDS = scaled(4, 100)
PATIENCE_SECONDS = 1.0
pytestmark = [pytest.mark.parts, pytest.mark.slow, pytest.mark.timeout(300 + 20 * ROUNDS)]


def ends_in_time(agent: LiveAgent) -> bool:
    """Ask it to end, kill it a second later; whether it ended by itself."""
    os.kill(agent.pid, signal.SIGTERM)
    try:
        return agent.wait(PATIENCE_SECONDS) == 0
    except subprocess.TimeoutExpired:
        agent.kill()
        return False


def test_sigterm_anywhere_and_sigkill_a_second_later_lose_and_double_nothing(
    tmp_path: Path, broker: KafkaBroker, note: Note
) -> None:
    chance = np.random.default_rng(SEED)
    scene = Scene(Story(seed=41, events=300 * ROUNDS), broker).create()
    in_time = 0
    with scene.read_by(tmp_path, instance_id="pod-0", batch_records=40) as agent:
        for number in range(ROUNDS):
            scene.write(part_of(scene.hands, number / ROUNDS, (number + 1) / ROUNDS))
            moment = time.monotonic() + chance.uniform(0.2, 2.5)
            agent.until(lambda moment=moment: time.monotonic() >= moment)
            in_time += ends_in_time(agent)
            agent.start()
        scene.write(scene.story.sentinels(scene.partitions))
        agent.until(lambda: scene.is_told(agent), 60)
        scene.holds(agent)
        assert agent.stop() == 0
        assert "Traceback" not in agent.output
    note(signals=ROUNDS, seed=SEED, ended_within_a_second=in_time)
