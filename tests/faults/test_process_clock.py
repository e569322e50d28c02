"""Our clock is wrong, steps, or lives in a zone with summer time: windows are event time, durations are monotonic.

The process reads an offset from a file: libfaketime 0.9.10 lets Python's sleep fail with EINVAL.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.faults.file_agent import CLOCK_FILE, FileAgent
from tests.faults.generator import Story
from tests.faults.oracle import Expected, expected
from tests.faults.report import SEED
from tests.faults.troubled import agent_of, is_told, oracle_holds, settings_of, tell

pytestmark = pytest.mark.slow
STORY = Story(seed=SEED, events=1500)


@pytest.fixture(scope="module")
def wanted() -> Expected:
    return expected(STORY)


class Clock:
    """The wall clock of one agent's process, as an offset from the machine's; its monotonic clock stays the machine's."""

    def __init__(self, agent: FileAgent, directory: Path) -> None:
        self._file = directory / "clock"
        self.set(0)
        agent.environment = {CLOCK_FILE: str(self._file)}

    def set(self, seconds: int) -> None:
        """So far ahead of the machine's from now on; negative for behind."""
        scratch = self._file.with_suffix(".new")
        scratch.write_text(str(seconds))
        os.replace(scratch, self._file)


@pytest.mark.parametrize("steps", [(7200,), (-7200,), (3600, -3600, 7200, 0)], ids=["ahead", "behind", "to-and-fro"])
def test_steps_of_the_clock_change_no_window_of_history(
    tmp_path: Path, wanted: Expected, steps: tuple[int, ...]
) -> None:
    agent = agent_of(tmp_path, STORY)
    clock = Clock(agent, tmp_path)
    with agent:
        for number, step in enumerate(steps):
            tell(agent, STORY, number / (len(steps) + 1), (number + 1) / (len(steps) + 1))
            agent.until(agent.has_read_all)
            clock.set(step)
        tell(agent, STORY, len(steps) / (len(steps) + 1), 1.0)
        agent.until(lambda: is_told(agent, STORY) and agent.ready())
        oracle_holds(agent, STORY, wanted)
        assert agent.get("/-/healthy").status == 200
        assert agent.stop() == 0
    assert "Traceback" not in agent.output


@pytest.mark.parametrize("night", [datetime(2026, 3, 29, tzinfo=UTC), datetime(2026, 10, 25, tzinfo=UTC)])
def test_the_nights_in_which_clocks_are_changed_are_nights_like_others(tmp_path: Path, night: datetime) -> None:
    story = replace(STORY, start=night)
    with FileAgent(tmp_path, settings_of(story), source={"batch_records": 200}) as agent:
        agent.kill()
        agent.environment = {"TZ": "Europe/Amsterdam"}
        agent.start()
        tell(agent, story)
        agent.until(lambda: is_told(agent, story))
        oracle_holds(agent, story, expected(story))


def test_a_clock_that_is_two_hours_behind_pauses_reading_and_refuses_nothing(tmp_path: Path) -> None:
    """Every partition is in the future then: it is our clock that is wrong, and it is said."""
    window = timedelta(seconds=30)
    start = datetime.now(UTC).replace(microsecond=0) - 2 * window
    story = Story(seed=SEED, events=600, windows=2, window=window, start=start, lateness=timedelta(seconds=1))
    agent = FileAgent(tmp_path, settings_of(story), source={"batch_records": 200, "clock": "wall"})
    clock = Clock(agent, tmp_path)
    clock.set(-7200)
    with agent:
        tell(agent, story, 0.0, 0.6)
        agent.until(says(agent, "clock_skew"))
        assert agent.counters().get("received", 0) == 0
        clock.set(0)
        agent.until(lambda: agent.ready() and agent.has_read_all())
        counters = agent.counters()
        assert counters["received"] == counters["accepted"] > 0


def says(agent: FileAgent, kind: str) -> Callable[[], bool]:
    return lambda: agent.get("/-/ready").text.startswith(f"not ready: {kind}")
