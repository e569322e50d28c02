"""The running agent, as far as it can be seen without a broker; tests/parts has the rest."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import pytest

from agent import picture, runner
from agent.delivery.outbox import Target
from agent.evidence.log_journal import LogJournal
from agent.runner import Agent
from agent.source import Partition
from agent.state import requests
from agent.step import Ownership, Step
from config.errors import LogRolledBack, LogUnwritable
from config.settings import from_mapping
from exporters.evidence.writer import EvidenceLog
from exporters.snapshot import DiskStatus
from tests.agent.scripted_source import ScriptedSource
from tests.agent.stage import events
from tests.agent.world import mapping_of

FULL = DiskStatus(size_bytes=1_000_000, free_bytes=0)
RECEIVER = {"type": "webhook", "name": "oncall", "url": "http://127.0.0.1:9/"}


class Told:
    """Stands where the sender is, and remembers whom it was to tell."""

    def __init__(self) -> None:
        self.targets: list[Sequence[Target]] = []

    def configure(self, targets: Sequence[Target]) -> None:
        self.targets.append(targets)

    def close(self, deadline_seconds: float) -> None: ...


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[Agent]:
    data = mapping_of() | {
        "source": {"type": "kafka", "brokers": ["127.0.0.1:9"], "topics": ["scoring"]},
        "receivers": [RECEIVER],
        "state": {"directory": str(tmp_path / "state")},
        "listen": {"port": 0},
        "limits": {"memory_bytes": "64GiB"},  # the process is the tests', whatever they have gathered
    }
    agent = Agent(tmp_path / "wachter.yaml", from_mapping(data, tmp_path))
    yield agent
    agent.journal.close()
    agent.store.close()


def test_a_standby_tells_nobody_and_the_owner_tells_every_receiver(agent: Agent) -> None:
    told = Told()
    agent.sender = told  # type: ignore[assignment]
    agent.step.owned = Ownership(epoch=1, assigned=True, partitions=(Partition("scoring", 0),))
    agent.speak_while_responsible()
    agent.speak_while_responsible()
    agent.step.owned = Ownership(epoch=2, assigned=True)
    agent.speak_while_responsible()
    assert [[target.receiver for target in targets] for targets in told.targets] == [["oncall"], []]


def received(agent: Agent) -> int:
    return sum(count for _, count in agent.step.pipeline.ledger.counter("received"))


@pytest.fixture
def reading(agent: Agent, monkeypatch: pytest.MonkeyPatch) -> Agent:
    """It has read ten records, and is not patient."""
    monkeypatch.setattr(runner, "RETRY_SECONDS", 0.0)
    source = ScriptedSource([Partition("scoring")])
    agent.source = agent.step.source = source  # type: ignore[assignment]
    source.append(*events("a", 0, 10, 10))
    agent._turn()
    agent._turn()
    assert received(agent) == 10
    return agent


def broken(*_: object, **__: object) -> None:
    raise sqlite3.OperationalError("disk I/O error")


def test_a_picture_that_cannot_be_made_is_said_and_does_not_end_the_agent(
    reading: Agent, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Painting reads the state, and stood outside of what a failing disk may interrupt."""
    with monkeypatch.context() as patch:
        patch.setattr(reading.painter, "paint", broken)
        reading._painted = float("-inf")
        reading._turn()
    assert "the state cannot be read" in reading.snapshot.not_ready
    assert "disk I/O error" in reading.snapshot.not_ready
    reading._painted = float("-inf")
    reading._turn()
    assert reading.snapshot.not_ready == ""


def test_no_step_runs_on_a_memory_that_could_not_be_read_again(reading: Agent, monkeypatch: pytest.MonkeyPatch) -> None:
    """It once went on with half of it, behind the records that were lost with the step that failed."""
    ran: list[float] = []
    with monkeypatch.context() as patch:
        patch.setattr(Step, "run", broken)
        reading._turn()
        patch.setattr(Step, "recover", broken)
        patch.setattr(Step, "run", lambda self, seconds: ran.append(seconds))
        reading._turn()
        reading._turn()
    assert not ran
    reading.source.append(*events("b", 10, 20, 10))  # type: ignore[attr-defined]
    reading._turn()
    assert received(reading) == 20


def test_receivers_that_could_not_be_written_at_a_reload_are_told_of_later(
    reading: Agent, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = Told()
    reading.sender = told  # type: ignore[assignment]
    reading._speaks = None
    with monkeypatch.context() as patch:
        patch.setattr(runner.outbox, "reconcile", broken)
        reading._turn()
    assert told.targets == []
    reading._turn()
    assert [target.receiver for target in told.targets[-1]] == ["oncall"]


def test_a_stop_waits_for_no_lock_that_the_loop_may_hold(agent: Agent) -> None:
    handler = threading.Thread(target=agent.stop, daemon=True)
    with ExitStack() as held:
        for part in vars(agent).values():
            if isinstance(part, threading.Event):
                held.enter_context(part._cond)  # type: ignore[attr-defined]
        handler.start()
        handler.join(5)
        assert not handler.is_alive()


def test_a_log_that_cannot_be_written_is_said_and_goes_on_by_itself(
    reading: Agent, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise LogUnwritable("/log: No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(EvidenceLog, "sync", full)
        patch.setattr(picture, "disk_status", lambda _: FULL)
        reading.source.append(*events("b", 10, 20, 10))  # type: ignore[attr-defined]
        reading._turn()
        assert "the log cannot be written" in reading.snapshot.not_ready
        assert reading.snapshot.log is not None
        assert reading.snapshot.log.unwritable
        assert reading.snapshot.disks == {"state": FULL, "log": FULL}
    reading._turn()
    reading._turn()
    assert received(reading) == 20
    assert reading.facts.not_ready == ""


def test_a_log_older_than_what_was_committed_ends_the_agent(reading: Agent, monkeypatch: pytest.MonkeyPatch) -> None:
    def older(*_: object) -> None:
        raise LogRolledBack("state and log are older copies")

    monkeypatch.setattr(LogJournal, "compare", older)
    reading.source.assign([Partition("scoring")])  # type: ignore[attr-defined]
    with pytest.raises(LogRolledBack):
        reading._turn()


def test_what_is_asked_of_the_log_is_done_between_two_steps_and_reading_goes_on(reading: Agent) -> None:
    connection = reading.store.connection
    number = requests.request(connection, "erase", "kim", {"subjects": ["subject-1"]}, 1)
    reading._turn()
    answer = requests.answer_of(connection, number)
    assert answer is not None
    assert answer.body["payloads"] == 0
    assert isinstance(reading.source, ScriptedSource)
    reading.source.append(*events("b", 10, 20, 10))
    reading._turn()
    reading._turn()
    assert received(reading) == 20


def test_a_disk_that_refuses_an_erasure_is_said_and_it_is_done_later(
    reading: Agent, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = reading.store.connection
    number = requests.request(connection, "hold", "kim", {"shards": "2026-01", "reason": "inquiry"}, 1)
    with monkeypatch.context() as patch:

        def full(self: EvidenceLog, *_: object) -> None:
            raise LogUnwritable("/log: No space left on device. Free some")

        patch.setattr(EvidenceLog, "append", full)
        reading._turn()
    assert "No space left on device" in reading.snapshot.not_ready
    assert requests.answer_of(connection, number) is None
    reading._turn()
    answer = requests.answer_of(connection, number)
    assert answer is not None
    assert answer.body == {"hold": "hold-1", "shards": ["2026-01"]}
