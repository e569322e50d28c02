"""Requests for the log's upkeep are kept until they are done, and name nobody afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.state import requests
from agent.state.store import DATABASE, Store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path, durable=False) as opened:
        yield opened


def test_requests_wait_in_the_order_they_were_made(store: Store) -> None:
    for kind in ("erase", "hold"):
        requests.request(store.connection, kind, "kim", {"of": kind}, 1)
    waiting = requests.pending(store.connection)
    assert [(one.kind, one.actor, one.body) for one in waiting] == [
        ("erase", "kim", {"of": "erase"}),
        ("hold", "kim", {"of": "hold"}),
    ]


def test_a_settled_request_has_its_answer_and_no_body(store: Store) -> None:
    number = requests.request(store.connection, "erase", "kim", {"subjects": ["ann"]}, 1)
    assert requests.answer_of(store.connection, number) is None
    requests.settle(store.connection, number, requests.DONE, {"payloads": 3})
    assert requests.answer_of(store.connection, number) == requests.Answer(requests.DONE, {"payloads": 3})
    assert requests.pending(store.connection) == []
    assert store.connection.execute("SELECT body FROM log_request").fetchall() == [(b"{}",)]


def test_how_far_a_request_has_come_is_kept(store: Store) -> None:
    number = requests.request(store.connection, "erase", "kim", {}, 1)
    requests.put_body(store.connection, number, {"entries": {"2026-01": [1]}})
    assert requests.pending(store.connection)[0].body == {"entries": {"2026-01": [1]}}


def test_only_the_newest_settled_requests_are_kept(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(requests, "KEPT_SETTLED", 2)
    for _ in range(4):
        number = requests.request(store.connection, "prune", "kim", {}, 1)
        requests.settle(store.connection, number, requests.DONE, {})
    assert [number for (number,) in store.connection.execute("SELECT id FROM log_request")] == [3, 4]


def test_who_asks_waits_for_the_answer(store: Store, tmp_path: Path) -> None:
    def answer(seconds: float) -> None:
        (waiting,) = requests.pending(store.connection)
        requests.settle(store.connection, waiting.id, requests.DONE, {"removed": []})

    found = requests.submit(tmp_path / DATABASE, "prune", "kim", {}, wait_seconds=5.0, sleep=answer)
    assert found == requests.Answer(requests.DONE, {"removed": []})


def test_a_request_that_nobody_answers_in_time_is_kept(store: Store, tmp_path: Path) -> None:
    assert requests.submit(tmp_path / DATABASE, "prune", "kim", {}, wait_seconds=0.0) is None
    assert [one.kind for one in requests.pending(store.connection)] == ["prune"]
