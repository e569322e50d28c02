"""The process dies at each named moment of a step and of a delivery: nothing is lost or doubled, receivers are told once."""

from __future__ import annotations

import contextlib
import re
import signal
from pathlib import Path

import pytest

from agent import crash
from tests.faults.generator import Story
from tests.faults.oracle import Expected, expected
from tests.faults.receiver import receiving
from tests.faults.report import SCALE
from tests.faults.troubled import agent_of, is_told, oracle_holds, tell
from tests.parts.kafka import ROOT

STORY = Story(seed=7, events=1500)
OF_A_MESSAGE = [point for point in crash.POINTS if "send" in point or "sent" in point or "outbox" in point]
OF_A_STEP = [point for point in crash.POINTS if point not in OF_A_MESSAGE]
SHORT = ["after_log_sync:3", "after_state_write:3", "after_transaction:3", "after_outbox_insert", "after_send"]
"""In the quick form, where all the others have their turn against Apache Kafka (test_kafka_crash_points.py)."""
LONG = [f"{point}:{visit}" for point in OF_A_STEP for visit in range(2, 5)] + OF_A_MESSAGE


@pytest.fixture(scope="module")
def wanted() -> Expected:
    return expected(STORY)


@pytest.mark.slow
@pytest.mark.parametrize("point", LONG if SCALE > 1 else SHORT)
def test_a_process_that_dies_there_loses_and_doubles_nothing(tmp_path: Path, wanted: Expected, point: str) -> None:
    with receiving() as receiver, contextlib.ExitStack() as stack:
        agent = agent_of(tmp_path, STORY, receiver)
        tell(agent, STORY)
        agent.environment = {"WACHTER_CRASH_AT": point}
        stack.enter_context(agent)
        assert agent.wait() == -signal.SIGKILL
        agent.environment = {}
        agent.start()
        agent.until(lambda: is_told(agent, STORY) and receiver.told)
        assert agent.stop() == 0
        oracle_holds(agent, STORY, wanted)
        assert receiver.duplicates() <= 1
        assert {(told.call, told.status) for told in receiver.told} == {("1", "firing")}


def test_every_named_point_stands_in_the_code_once() -> None:
    code = "\n".join(path.read_text() for path in (ROOT / "agent").rglob("*.py"))
    assert sorted(re.findall(r'crash\.at\("(\w+)"\)', code)) == sorted(crash.POINTS)


def test_outside_of_tests_nothing_dies() -> None:
    assert not crash.WANTED
    for point in crash.POINTS:
        crash.at(point)
