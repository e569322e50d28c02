from __future__ import annotations

import json
import sqlite3

import pytest

from agent.state.schema import SCHEMA
from agent.web.measured import MOST_WINDOWS, measured, trend

STREAM = ("lending", "credit", "1", "")


@pytest.fixture
def connection() -> sqlite3.Connection:
    made = sqlite3.connect(":memory:")
    made.executescript(SCHEMA)
    return made


def put(
    connection: sqlite3.Connection, due_us: int, stream: tuple[str, ...] = STREAM, metric: str = "auc", **line: object
) -> None:
    told = {"window_start": f"s{due_us:04}", "window_end": f"e{due_us:04}", "family": "performance", "metric": metric}
    key = "\x1f".join((*stream, "context"))
    row = (due_us, key, due_us, metric, line.get("subject", ""), json.dumps(told | line).encode())
    connection.execute("INSERT INTO measurement VALUES (?, ?, ?, ?, ?, ?)", row)


def test_a_trend_is_one_measure_of_one_stream_oldest_first(connection: sqlite3.Connection) -> None:
    for due_us in (3, 1, 2):
        put(connection, due_us, n=due_us, effect=0.1)
        put(connection, due_us, metric="f1")
        put(connection, due_us, stream=("lending", "credit", "10", ""))
        put(connection, due_us, stream=("lending", "credit", "1", "NL"))
    found = trend(connection, STREAM, "auc", "")
    assert [window.n for window in found.windows] == [1, 2, 3]


def test_a_trend_ends_where_it_is_told_to_and_keeps_the_latest(connection: sqlite3.Connection) -> None:
    for due_us in range(100):
        put(connection, due_us, n=due_us)
    found = trend(connection, STREAM, "auc", "", until_us=90)
    assert len(found.windows) == MOST_WINDOWS
    assert found.windows[-1].n == 89


def test_the_reason_for_a_missing_value_is_told_rather_than_that_of_its_verdict(connection: sqlite3.Connection) -> None:
    put(connection, 1, reason="too_few_labels", verdict="insufficient_data", verdict_reason="too_few_events")
    (window,) = trend(connection, STREAM, "auc", "").windows
    assert (window.value, window.verdict, window.reason) == (None, "insufficient_data", "too_few_labels")


def test_what_was_measured_in_a_window_is_chosen_by_family(connection: sqlite3.Connection) -> None:
    put(connection, 5, metric="missing_share", subject="x", family="quality", value=0.2)
    put(connection, 5)
    put(connection, 6, metric="missing_share", subject="y", family="quality")
    (found,) = measured(connection, STREAM, 5, {"quality"})
    assert (found.metric, found.subject, found.value) == ("missing_share", "x", 0.2)


def test_of_windows_judged_together_it_is_told_how_much_they_rest_on(connection: sqlite3.Connection) -> None:
    put(connection, 1, n=20, effect=0.1, judged={"n": 60, "value": 0.7})
    put(connection, 2, n=20, effect=0.1)
    together, alone = trend(connection, STREAM, "auc", "").windows
    assert [(window.n, window.judged_n) for window in (together, alone)] == [(20, 60), (20, None)]
