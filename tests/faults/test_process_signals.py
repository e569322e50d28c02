"""Ends by signals at random moments, politely and not: nothing is lost or doubled, and a polite end is quick."""

from __future__ import annotations

import os
import random
import signal
import time
from contextlib import suppress
from pathlib import Path

import pytest

from tests.faults.conftest import Note
from tests.faults.file_agent import FileAgent
from tests.faults.generator import Story
from tests.faults.oracle import expected
from tests.faults.receiver import receiving
from tests.faults.report import SEED, scaled
from tests.faults.troubled import agent_of, is_told, oracle_holds, tell

pytestmark = pytest.mark.slow
ENDS = scaled(4, 200)
PROMISED_SECONDS = 10.0


@pytest.mark.timeout(300 + 20 * ENDS)
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM], ids=["killed", "terminated"])
def test_ends_at_random_moments_lose_and_double_nothing(tmp_path: Path, note: Note, how: signal.Signals) -> None:
    story, chance = Story(seed=SEED, events=400 * ENDS), random.Random(SEED)
    with receiving() as receiver, agent_of(tmp_path, story, receiver, batch_records=20) as agent:
        in_the_middle, exits = 0, []
        for number in range(ENDS):
            tell(agent, story, number / ENDS, (number + 1) / ENDS)
            come_to_a_random_moment(agent, chance)
            in_the_middle += not agent.has_read_all()
            exits.append(end(agent, how, chance))
            agent.start()
        agent.until(lambda: is_told(agent, story) and receiver.told)
        oracle_holds(agent, story, expected(story))
        note(ends=ENDS, in_the_middle=in_the_middle, exits={code: exits.count(code) for code in sorted(set(exits))})
    assert receiver.duplicates() <= 1
    assert set(exits) <= ({-signal.SIGKILL} if how == signal.SIGKILL else {0, -signal.SIGKILL, -signal.SIGTERM})


def come_to_a_random_moment(agent: FileAgent, chance: random.Random) -> None:
    """At any progress through what there is to read, or while the process starts."""
    if chance.random() < 0.3:
        moment = time.monotonic() + chance.uniform(0.0, 2.0)
        agent.until(lambda: time.monotonic() >= moment)
        return
    read, all_ = agent.records(), sum(agent.topic.produced)
    target = read + chance.random() * 0.9 * (all_ - read)
    agent.until(lambda: agent.records() >= target)


def end(agent: FileAgent, how: signal.Signals, chance: random.Random) -> int:
    """A termination is followed by a kill within a second, as where nobody waits for a pod to end."""
    os.kill(agent.pid, how)
    moment = time.monotonic() + chance.uniform(0.0, 1.0)
    with suppress(AssertionError):  # it has ended by itself
        agent.until(lambda: time.monotonic() >= moment)
    with suppress(ProcessLookupError):
        os.kill(agent.pid, signal.SIGKILL)
    return agent.wait()


def test_an_agent_under_load_with_a_receiver_that_hangs_ends_within_the_promise(tmp_path: Path, note: Note) -> None:
    story = Story(seed=SEED, events=20_000)
    with receiving() as receiver, agent_of(tmp_path, story, receiver) as agent:
        receiver.hang()
        tell(agent, story)
        agent.until(lambda: agent.records() >= 8_000)
        begun = time.monotonic()
        assert agent.stop() == 0
        seconds = time.monotonic() - begun
        note(seconds_to_exit=seconds)
        assert seconds <= PROMISED_SECONDS
        assert not agent.has_read_all()
        agent.start()
        receiver.recover()
        agent.until(lambda: is_told(agent, story) and receiver.told)
        oracle_holds(agent, story, expected(story))
