"""What is computed and what is recorded must meet, window by window and transition by transition."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from agent.flow.history import Judged, WindowRecord, rows
from agent.replay.comparison import Comparison, Span
from agent.replay.differences import Differences
from agent.replay.log_entries import LogEntry
from agent.state.ledger import Ledger
from agent.state.store import Store
from detectors.columns import StreamKey
from detectors.measurement import Measurement, Stage
from exporters.evidence.commitment import document_payload
from exporters.evidence.leaf import Window

HOUR = 3_600_000_000


@pytest.fixture
def comparison(tmp_path: Path) -> Iterator[Comparison]:
    with Differences(tmp_path / "found") as differences, Store(tmp_path / "state", durable=False) as store:
        made = Comparison(differences, Span())
        made.begin(Ledger(store), None)  # type: ignore[arg-type]
        yield made


def record(hour: int = 0, value: float = 1.0) -> WindowRecord:
    stream = StreamKey("s", "m", "1")
    results = (Judged("service", Measurement("volume", value=value, direction="none")),)
    return WindowRecord(stream, Stage.WINDOW, hour * HOUR, (hour + 1) * HOUR, (hour + 1) * HOUR, results)


def told(comparison: Comparison, window: WindowRecord) -> None:
    """The log holds this window."""
    document = b"".join(row[-1] + b"\n" for row in rows(window))
    leaf = Window(
        logged=1, stream=window.stream, stage="window", start=window.start_us, end=window.end_us,
        due=window.due_us, n=1, partial=False, verdicts={}, lines=1, payload=None,
    )  # fmt: skip
    comparison.recorded_window(LogEntry("2026-01", 7, leaf, document_payload(document), ""), leaf)


def found(comparison: Comparison, tmp_path: Path) -> list[dict[str, Any]]:
    comparison.finish()
    comparison.differences.__exit__()
    return [json.loads(line) for line in (tmp_path / "found").read_text().splitlines()]


def test_windows_that_are_equal_are_no_difference(comparison: Comparison, tmp_path: Path) -> None:
    comparison.close([record()], [])
    told(comparison, record())
    assert found(comparison, tmp_path) == []
    assert comparison.compared.windows == 1


def test_a_window_that_differs_is_named_with_its_entry(comparison: Comparison, tmp_path: Path) -> None:
    comparison.close([record()], [])
    told(comparison, record(value=2.0))
    (one,) = found(comparison, tmp_path)
    assert (one["entry"], one["recorded"], one["computed"]) == ("2026-01, entry 7", 2.0, 1.0)


def test_a_window_that_was_not_computed_is_named(comparison: Comparison, tmp_path: Path) -> None:
    told(comparison, record())
    (one,) = found(comparison, tmp_path)
    assert one["what"] == "the window is in the log and was not computed"


def test_a_window_that_was_not_recorded_is_named(comparison: Comparison, tmp_path: Path) -> None:
    comparison.close([record()], [])
    (one,) = found(comparison, tmp_path)
    assert one["what"] == "the window was computed and is not in the log"
    assert "entry" not in one


def test_two_windows_of_one_name_meet_in_their_order(comparison: Comparison, tmp_path: Path) -> None:
    comparison.close([record(value=1.0), record(value=2.0)], [])
    told(comparison, record(value=1.0))
    told(comparison, record(value=2.0))
    assert found(comparison, tmp_path) == []


def test_windows_outside_of_the_span_are_not_compared(comparison: Comparison, tmp_path: Path) -> None:
    comparison.span.start_us = HOUR
    comparison.close([record(0), record(1)], [])
    told(comparison, record(0, value=2.0))
    told(comparison, record(1))
    assert found(comparison, tmp_path) == []
    assert (comparison.compared.windows, comparison.compared.outside) == (1, 1)
