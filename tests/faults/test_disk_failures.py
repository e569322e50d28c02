"""The disk is full, or fails: nothing is acknowledged that is not on it, the agent says so, and goes on by itself."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.faults.disks import Mend, failing_calls, limited_files, small_disk
from tests.faults.file_agent import FileAgent
from tests.faults.generator import Story
from tests.faults.oracle import Expected, expected
from tests.faults.receiver import Receiver, receiving
from tests.faults.troubled import agent_of, is_told, oracle_holds, settings_of, tell
from tests.parts.live_agent import Answer

pytestmark = pytest.mark.slow
STORY = Story(seed=11, events=3000)
FULL = "database or disk is full"
BROKEN = "disk I/O error"


@pytest.fixture(scope="module")
def wanted() -> Expected:
    return expected(STORY)


def stands_still(agent: FileAgent, why: str) -> None:
    """It says why it is not ready, lives on, answers scrapes, and acknowledges nothing while the fault lasts."""

    def says_so() -> bool:
        answer = agent.get("/-/ready")
        return answer.status == 503 and why in answer.text

    agent.until(says_so)
    failures = agent.output.count("step_not_durable")
    before = agent.positions(), agent.topic.committed()
    agent.until(lambda: agent.output.count("step_not_durable") > failures)
    assert (agent.positions(), agent.topic.committed()) == before
    assert agent.committed_is_durable()
    assert agent.get("/-/healthy") == Answer(200, "live\n")
    assert agent.get("/metrics").status == 200


def goes_on(agent: FileAgent, receiver: Receiver, wanted: Expected) -> None:
    """By itself, to the end of the story."""
    agent.until(lambda: is_told(agent, STORY) and agent.ready() and receiver.told)
    oracle_holds(agent, STORY, wanted)
    assert receiver.duplicates() == 0
    assert "Traceback" not in agent.output


@pytest.mark.parametrize(
    ("calls", "error", "why"),
    [("fsync,fdatasync", "EIO", BROKEN), ("pwrite64", "ENOSPC", FULL), ("pwrite64", "EIO", BROKEN)],
)
def test_calls_that_fail_stop_the_agent_until_they_succeed(
    tmp_path: Path, wanted: Expected, calls: str, error: str, why: str
) -> None:
    with receiving() as receiver, agent_of(tmp_path, STORY, receiver) as agent:
        tell(agent, STORY, 0.0, 0.5)
        agent.until(agent.has_read_all)
        with failing_calls(agent, calls, error) as mend:
            tell(agent, STORY, 0.5, 1.0)
            stands_still(agent, why)
            mend()
            goes_on(agent, receiver, wanted)


def test_a_full_disk_stops_the_agent_until_there_is_room(tmp_path: Path, wanted: Expected) -> None:
    with receiving() as receiver, small_disk(tmp_path / "state", "1M") as mend:
        tell(agent := agent_of(tmp_path, STORY, receiver), STORY)
        with agent:
            stands_still(agent, FULL)
            mend()
            goes_on(agent, receiver, wanted)


def test_a_limit_on_the_size_of_files_stops_the_agent_until_it_is_lifted(tmp_path: Path, wanted: Expected) -> None:
    with receiving() as receiver, agent_of(tmp_path, STORY, receiver) as agent:
        tell(agent, STORY, 0.0, 0.5)
        agent.until(agent.has_read_all)
        with limited_files(agent, 4096) as mend:
            tell(agent, STORY, 0.5, 1.0)
            stands_still(agent, BROKEN)
            mend()
            goes_on(agent, receiver, wanted)


@pytest.mark.parametrize(("calls", "error"), [("fsync", "EIO"), ("write", "ENOSPC")])
def test_a_file_of_the_join_that_fails_stops_the_agent_as_its_database_does(
    tmp_path: Path, calls: str, error: str
) -> None:
    story = Story(seed=13, events=40_000, windows=1)
    with ExitStack() as stack:
        agent = stack.enter_context(FileAgent(tmp_path, settings_of(story)))
        tell(agent, story, 0.0, 0.5)
        agent.until(agent.has_read_all)
        (rows,) = (agent.state / "join").glob("*.rows")
        mend: Mend = stack.enter_context(failing_calls(agent, calls, error, rows))
        tell(agent, story, 0.5, 1.0)
        stands_still(agent, f"{rows}: ")
        mend()
        agent.until(lambda: is_told(agent, story) and agent.ready())
        oracle_holds(agent, story, expected(story))
        assert "Traceback" not in agent.output


def test_a_start_on_a_full_disk_says_so(tmp_path: Path) -> None:
    with small_disk(tmp_path / "state", "16k"):
        agent = agent_of(tmp_path, STORY)
        (tmp_path / "state" / "other").write_bytes(b"x" * 4096 * 4)
        with agent:
            assert agent.wait() == 1
        assert FULL in agent.output
        assert "Check the disk, its space and the permissions" in " ".join(agent.output.split())
        assert "Traceback" not in agent.output


def test_a_log_that_cannot_be_written_does_not_end_the_agent(tmp_path: Path, wanted: Expected) -> None:
    with receiving() as receiver:
        agent = agent_of(tmp_path, STORY, receiver)
        agent.wrapper = ["sh", "-c", 'exec "$@" 2>/dev/full', "sh"]
        with agent:
            tell(agent, STORY)
            goes_on(agent, receiver, wanted)
            assert agent.stop() == 0
