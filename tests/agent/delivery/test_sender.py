from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from agent.delivery import outbox
from agent.delivery.sender import Sender
from exporters.request import PostRequest, PostResponse
from tests.agent.outbox_stage import WEBHOOK, FakeReceiver, firing, new_database
from tests.exporters.sample import NOW_US

PATIENCE_SECONDS = 10.0


class Waiting(FakeReceiver):
    """A receiver that says when it was told, and may hang until it is let go."""

    def __init__(self, hangs: bool = False) -> None:
        super().__init__()
        self.told_now = threading.Event()
        self.let_go = threading.Event()
        if not hangs:
            self.let_go.set()

    def __call__(self, request: PostRequest, timeout_seconds: float, ca_file: str | None = None) -> PostResponse:
        self.told_now.set()
        self.let_go.wait(PATIENCE_SECONDS)
        return super().__call__(request, timeout_seconds, ca_file)


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return new_database(tmp_path)


@pytest.fixture
def loop(database: Path) -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(database, isolation_level=None)
    yield connection
    connection.close()


def test_a_message_leaves_when_the_loop_says_that_there_is_one(database: Path, loop: sqlite3.Connection) -> None:
    receiver = Waiting()
    sender = Sender(database, receiver)
    sender.configure([WEBHOOK])
    outbox.enqueue(loop, [("fire", firing())], [WEBHOOK], NOW_US)
    sender.wake()
    assert receiver.told_now.wait(PATIENCE_SECONDS)
    sender.close(PATIENCE_SECONDS)
    assert sender.outcomes("oncall") == {"delivered": 1}


def test_a_receiver_that_hangs_delays_no_other(database: Path, loop: sqlite3.Connection) -> None:
    hanging, prompt = Waiting(hangs=True), Waiting()
    other = replace(WEBHOOK, receiver="other", url="http://other.example")

    def post(request: PostRequest, timeout_seconds: float, ca_file: str | None = None) -> PostResponse:
        chosen = prompt if request.url == other.url else hanging
        return chosen(request, timeout_seconds, ca_file)

    outbox.enqueue(loop, [("fire", firing())], [WEBHOOK, other], NOW_US)
    sender = Sender(database, post)
    sender.configure([WEBHOOK, other])
    assert hanging.told_now.wait(PATIENCE_SECONDS)
    assert prompt.told_now.wait(PATIENCE_SECONDS)
    hanging.let_go.set()
    sender.close(PATIENCE_SECONDS)


def test_a_standby_tells_nobody(database: Path, loop: sqlite3.Connection) -> None:
    receiver = Waiting()
    sender = Sender(database, receiver)
    sender.configure([WEBHOOK])
    sender.configure([])
    outbox.enqueue(loop, [("fire", firing())], [WEBHOOK], NOW_US)
    sender.wake()
    sender.close(PATIENCE_SECONDS)
    assert receiver.requests == []


def test_a_courier_survives_what_nobody_expected_and_says_that_it_tries_again(
    database: Path, loop: sqlite3.Connection
) -> None:
    failed = threading.Event()

    def post(*_: object) -> PostResponse:
        failed.set()
        raise ZeroDivisionError

    outbox.enqueue(loop, [("fire", firing())], [WEBHOOK], NOW_US)
    sender = Sender(database, post)
    sender.configure([WEBHOOK])
    assert failed.wait(PATIENCE_SECONDS)
    sender.close(PATIENCE_SECONDS)
    assert sender.outcomes("oncall") == {"retried": 1}


def test_a_sender_closes_twice_and_without_a_start(database: Path) -> None:
    before = set(threading.enumerate())
    sender = Sender(database)
    sender.close(1.0)
    sender.configure([WEBHOOK])
    sender.close(PATIENCE_SECONDS)
    sender.close(1.0)
    assert set(threading.enumerate()) <= before
