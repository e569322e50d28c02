"""``wachter run`` in a process of its own over a topic of files; all but the broker is real."""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from agent import cli, runner
from agent.clock import WallClock
from agent.delivery import sender
from config.settings.source import KafkaSource as KafkaSettings
from tests.faults.file_topic import FileTopic, TopicReader
from tests.parts.live_agent import LiveAgent

CLOCK_FILE = "TEST_CLOCK_FILE"
"""Names a file that says how many seconds the agent's wall clock is ahead of the machine's."""


class FileAgent(LiveAgent):
    """An agent that reads a ``FileTopic``.

    Args:
        directory: holds settings, topic, output and, unless ``state`` says otherwise, the state.
        wrapper: words before the command, as ``prlimit --fsize=1000``.
        source: changes to the settings' section.
    """

    def __init__(
        self,
        directory: Path,
        settings: Mapping[str, object],
        *,
        partitions: int = 2,
        wrapper: Sequence[str] = (),
        source: Mapping[str, object] | None = None,
    ) -> None:
        self.topic = FileTopic(directory / "topic", partitions)
        self.wrapper = list(wrapper)
        whole = {
            "type": "kafka",
            "brokers": ["none:9092"],
            "topics": [str(self.topic.directory)],
            "clock": "events",
            **(source or {}),
        }
        super().__init__(directory, {**settings, "source": whole})

    def _run_command(self) -> list[str]:
        command = [sys.executable, "-m", "tests.faults.file_agent", "run", "--settings", str(self.settings)]
        return [*self.wrapper, *command]

    def has_read_all(self) -> bool:
        """Whether everything in the topic is in its state."""
        return self.records() == sum(self.topic.produced)

    def committed_is_durable(self) -> bool:
        """Whether nothing was committed that is not in the state."""
        positions = self.positions()
        return all(offset <= positions.get(partition, 0) for partition, offset in self.topic.committed().items())


def require_tool(name: str, package: str) -> str:
    """Path of a program of the system. Skips where it is missing; the skip fails where CI promises it."""
    path = shutil.which(name)
    if path is None:
        pytest.skip(f"{name} is missing: apt install {package}")
    return path


def _use_the_clock_of(path: Path) -> None:
    """Let the wall clock differ from the machine's by the seconds in a file."""

    def now_us(*_: object) -> int:
        return time.time_ns() // 1000 + int(path.read_text()) * 1_000_000

    WallClock.now_us = now_us  # type: ignore[assignment,method-assign]
    sender.wall_us = now_us


def _reader(settings: KafkaSettings, **_: object) -> TopicReader:
    return TopicReader(Path(settings.topics[0]), settings.batch_records)


if __name__ == "__main__":
    if CLOCK_FILE in os.environ:
        _use_the_clock_of(Path(os.environ[CLOCK_FILE]))
    runner.KafkaSource = _reader  # type: ignore[assignment,misc]
    cli.main()
