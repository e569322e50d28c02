"""A replay of files: what it finds, all of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from agent.replay.run import MEASUREMENTS, Summary, replay
from tests.agent.stage import event, model_of, settings_of
from tests.agent.world import write

DAY = 24 * 60.0


def replayed(directory: Path, records: list[bytes], **settings: Any) -> tuple[Summary, list[dict[str, Any]]]:
    """What the replay says, and the lines of its measurements."""
    files = {"type": "files", "paths": ["events.jsonl"]}
    chosen = settings_of(directory, root={"source": files, **settings.pop("root", {})}, **settings)
    summary = replay(chosen, [write(directory / "events.jsonl", records)], directory / "out")
    return summary, [json.loads(line) for line in (directory / "out" / MEASUREMENTS).read_bytes().splitlines()]


@pytest.mark.parametrize("first_day", [0, -100 * 366], ids=["2026", "before 1970"])
def test_windows_of_any_age_are_written(tmp_path: Path, first_day: int) -> None:
    records = [event(day, (first_day + day) * DAY) for day in range(120)]
    _, lines = replayed(tmp_path, records, models=[model_of(window={"length": "1d"})])
    starts = sorted({one["window_start"] for one in lines})
    assert len(starts) == 120
    assert starts[0] == json.loads(records[0])["occurred_at"]
