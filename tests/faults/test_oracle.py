"""The common ground of the fault tests stands: without any fault, a replay of a story says what the oracle says."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from agent.replay.run import MEASUREMENTS, replay
from config.settings import from_mapping
from tests.agent.world import write
from tests.faults.check import windows_equal
from tests.faults.generator import Hands, Story, dealt, iso, micros
from tests.faults.oracle import expected


def replayed(story: Story, hands: Hands, directory: Path) -> list[str]:
    files = [*hands, *story.sentinels(len(hands))]
    paths = [write(directory / f"part-{number}.jsonl", records) for number, records in enumerate(files)]
    source = {"source": {"type": "files", "paths": [str(path) for path in paths]}}
    replay(from_mapping({**source, **story.settings()}, directory), paths, directory)
    return (directory / MEASUREMENTS).read_text().splitlines()


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_replay_says_what_the_oracle_says(tmp_path: Path, seed: int) -> None:
    story = Story(seed=seed)
    lines = replayed(story, dealt(story.disordered(seed), 3, seed), tmp_path)
    windows_equal(lines, expected(story), iso(micros(story.end)))


def test_one_event_that_is_missing_is_seen(tmp_path: Path) -> None:
    story = Story()
    lines = replayed(story, [story.records[1:]], tmp_path)
    with pytest.raises(AssertionError, match="measurements differ"):
        windows_equal(lines, expected(story), iso(micros(story.end)))
    without = np.arange(story.events) > 0
    windows_equal(lines, expected(story, without, story.rows.labelled & without), iso(micros(story.end)))


def test_a_window_that_is_measured_twice_is_seen(tmp_path: Path) -> None:
    story = Story()
    lines = replayed(story, [story.records], tmp_path)
    with pytest.raises(AssertionError, match="measured twice"):
        windows_equal([*lines, lines[5]], expected(story), iso(micros(story.end)))
