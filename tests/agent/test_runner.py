"""The running agent, as far as it can be seen without a broker; tests/parts has the rest."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from agent.delivery.outbox import Target
from agent.runner import Agent
from agent.source import Partition
from agent.step import Ownership
from config.settings import from_mapping
from tests.agent.world import mapping_of

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
    }
    agent = Agent(tmp_path / "wachter.yaml", from_mapping(data, tmp_path))
    yield agent
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
