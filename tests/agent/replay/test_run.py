"""A replay of files: what it finds, all of it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from agent.replay.run import MEASUREMENTS, REJECTS, Summary, replay
from tests.agent.stage import START, event, label, model_of, settings_of
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


@pytest.mark.parametrize("day", [datetime(1000, 1, 1, tzinfo=UTC), datetime(8999, 12, 31, tzinfo=UTC)], ids=str)
def test_a_time_at_the_end_of_the_calendar_and_the_longest_horizon_are_told(tmp_path: Path, day: datetime) -> None:
    minute = (day - START).total_seconds() / 60
    model = model_of(window={"length": "1000d"}, labels={"horizon": "36500d"})
    summary, lines = replayed(tmp_path, [event("a", minute)], models=[model])
    assert summary.counters["accepted"] == 1
    assert {one["stage"] for one in lines} == {"window", "labels"}


def test_a_time_that_stands_for_never_is_rejected(tmp_path: Path) -> None:
    never = event("never", 0, occurred_at="9999-12-31T23:59:59Z")
    summary, lines = replayed(tmp_path, [event("a", 1), never, event("b", 2)])
    assert (summary.counters["accepted"], summary.counters["rejected"]) == (2, 1)
    assert {one["window_start"] for one in lines} == {"2026-01-01T00:00:00Z"}


def test_every_rejected_record_is_written_with_its_place_and_its_reason(tmp_path: Path) -> None:
    summary, _ = replayed(tmp_path, [event("a", 1), b"not \\ \xff json", b"[]", event("b", 2, occurred_at="soon")])
    assert summary.rejected == {"bad_encoding": 1, "bad_time": 1, "not_an_object": 1}
    first, second, third = [json.loads(line) for line in (tmp_path / "out" / REJECTS).read_bytes().splitlines()]
    assert (first["topic"], first["partition"], first["offset"]) == ("events.jsonl", 0, 1)
    assert (first["value"], first["size"]) == (r"not \\ \xff json", 12)
    assert (second["offset"], second["reason"]) == (2, "not_an_object")
    assert "occurred_at" in third["detail"]


def test_where_nothing_is_rejected_there_is_no_file_of_rejects(tmp_path: Path) -> None:
    assert replayed(tmp_path, [b"poison"])[0].rejects == 1
    assert replayed(tmp_path, [event("a", 1)])[0].rejects == 0
    assert not (tmp_path / "out" / REJECTS).exists()


def test_of_very_many_rejected_records_the_last_are_written(tmp_path: Path) -> None:
    summary, _ = replayed(tmp_path, [b"poison %d" % n for n in range(5)], state={"max_rejects": 2})
    assert (summary.rejects, summary.rejected) == (2, {"bad_json": 5})
    lines = (tmp_path / "out" / REJECTS).read_bytes().splitlines()
    assert [json.loads(line)["offset"] for line in lines] == [3, 4]


def test_what_became_of_labels_is_told(tmp_path: Path) -> None:
    labels = [label("a", 2), label("a", 2), label("b", 600), label("nobody", 3)]
    records = [event("a", 1), event("b", 2), *labels]
    summary, _ = replayed(tmp_path, records, models=[model_of(labels={"horizon": "1h"})])
    assert summary.labels == {"beyond_horizon": 1, "duplicate": 1, "joined": 1, "orphan": 1}
