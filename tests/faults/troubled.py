"""A story in which something is wrong from the first window on, read by an agent over a topic of files."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from tests.faults.check import windows_equal
from tests.faults.file_agent import FileAgent
from tests.faults.generator import Story, iso, micros
from tests.faults.log_check import log_is_whole
from tests.faults.oracle import Expected
from tests.faults.receiver import Receiver

TROUBLE: dict[str, object] = {
    "columns": {
        "x": {"type": "number", "minimum": -0.5, "maximum": 0.5, "median": 0.0, "iqr": 1.0},
        "purpose": {"type": "category", "levels": ["car", "home"]},
    },
    "thresholds": {"envelope_share": {"tolerance": 0.05, "open_after": 1, "clear_after": 1}},
}
"""Most values of x lie outside its range: an incident of the health track."""


def settings_of(story: Story, receivers: Iterable[Receiver] = (), **root: object) -> dict[str, object]:
    """Settings of a story with its trouble."""
    return {**story.settings(**TROUBLE), "receivers": [one.settings() for one in receivers], **root}


def agent_of(directory: Path, story: Story, receiver: Receiver | None = None, **source: object) -> FileAgent:
    """An agent that will read the story in small steps; nothing is produced yet."""
    receivers = [receiver] if receiver else []
    return FileAgent(directory, settings_of(story, receivers), source={"batch_records": 200, **source})


def tell(agent: FileAgent, story: Story, begin: float = 0.0, end: float = 1.0) -> None:
    """Produce the records between two fractions of the story; the sentinels follow the last one."""
    records = story.records
    agent.topic.deal(records[int(len(records) * begin) : int(len(records) * end)])
    if end == 1.0:
        for number, hand in enumerate(story.sentinels(agent.topic.partitions)):
            agent.topic.append(number, hand)


def is_told(agent: FileAgent, story: Story) -> bool:
    """Whether all was read and every window of the story is closed."""
    return agent.has_read_all() and agent.watermark_us() >= micros(story.closed_at)


def oracle_holds(agent: FileAgent, story: Story, wanted: Expected) -> None:
    """Windows are the oracle's, classes add up, nothing is committed that is not durable, the log is whole."""
    lines = [line for (line,) in agent.rows("SELECT line FROM measurement")]
    windows_equal(lines, wanted, iso(micros(story.end)))
    counters = agent.counters()
    sentinels = sum(map(len, story.sentinels(agent.topic.partitions)))
    assert counters["received"] == counters["accepted"] == story.events + sentinels
    assert counters["labels_received"] == int(story.rows.labelled.sum())
    assert agent.committed_is_durable()
    log_is_whole(agent)
