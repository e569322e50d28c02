"""Sockets that mean no good: half open, trickling, never reading."""

from __future__ import annotations

import contextlib
import select
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import ExitStack
from dataclasses import replace

import pytest

from agent.web import guard
from agent.web.app import MAX_CHANGES
from agent.web.server import WebServer
from exporters.snapshot import Bound
from tests.agent.web_client import FakeAgent, ask, post_json, serving
from tests.exporters.sample import SNAPSHOT

pytestmark = pytest.mark.slow

PATIENCE_SECONDS = 10.0


@pytest.fixture
def server() -> Iterator[WebServer]:
    with serving(FakeAgent()) as server:
        yield server


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "REQUEST_SECONDS", 0.2)
    monkeypatch.setattr(guard, "RESPONSE_SECONDS", 0.2)


def connect(server: WebServer) -> socket.socket:
    return socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE_SECONDS)


def is_closed(connection: socket.socket) -> bool:
    """Whether the other side has let go, without waiting."""
    if not select.select([connection], [], [], 0)[0]:
        return False
    try:
        return connection.recv(65536) == b""
    except ConnectionError:
        return True


def eventually(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        if condition():
            return True
        threading.Event().wait(0.01)
    return False


def open_connections(server: WebServer) -> int:
    assert server._server is not None
    return len(server._server.server_state.connections)


def test_five_hundred_half_open_sockets_cost_no_thread_and_keep_no_scrape_out(server: WebServer) -> None:
    assert ask(server, "/metrics").status == 200
    threads = set(threading.enumerate())
    with ExitStack() as stack:
        for _ in range(500):
            half_open = stack.enter_context(connect(server))
            with contextlib.suppress(ConnectionError):
                half_open.sendall(b"GET /metrics HTTP/1.1\r\nHost:")
        assert ask(server, "/metrics").status == 200
        assert set(threading.enumerate()) <= threads
        assert open_connections(server) <= guard.MAX_CONNECTIONS


def test_bodies_that_never_come_keep_no_scrape_out(server: WebServer) -> None:
    head = b"POST /api/v1/incidents/x/ack HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    with ExitStack() as stack:
        for _ in range(2 * guard.MAX_CONNECTIONS):
            stack.enter_context(connect(server)).sendall(head + b"Content-Length: 100\r\n\r\n{")
        assert ask(server, "/metrics").status == 200


def test_a_crowd_that_waits_for_the_loop_is_told_to_come_again() -> None:
    let_go = threading.Event()

    def slow() -> None:
        let_go.wait(PATIENCE_SECONDS)

    agent = FakeAgent(answer=slow)
    with serving(agent) as server, ThreadPoolExecutor(MAX_CHANGES + 1) as crowd:
        path = "/api/v1/incidents/h-1-1/ack"
        asked = [crowd.submit(post_json, server, path, {"actor": "ada"}) for _ in range(MAX_CHANGES + 1)]
        refused = next(as_completed(asked))
        assert refused.result().status == 503
        assert ask(server, "/metrics").status == 200
        let_go.set()
        assert {future.result().status for future in asked if future is not refused} == {202}


@pytest.mark.usefixtures("hasty")
def test_headers_that_trickle_in_do_not_prolong_the_wait(server: WebServer) -> None:
    def trickle() -> bool:
        with contextlib.suppress(ConnectionError):
            connection.sendall(b"a")
        return is_closed(connection)

    with connect(server) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nX-Slow: ")
        assert eventually(trickle)


@pytest.mark.usefixtures("hasty")
def test_a_silent_connection_is_closed(server: WebServer) -> None:
    with connect(server) as connection:
        assert eventually(lambda: is_closed(connection))


@pytest.mark.usefixtures("hasty")
def test_a_body_that_never_comes_is_not_waited_for(server: WebServer) -> None:
    head = b"POST /api/v1/incidents/x/ack HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    with connect(server) as connection:
        connection.sendall(head + b"Content-Length: 100\r\n\r\n{")
        assert eventually(lambda: is_closed(connection))


@pytest.mark.usefixtures("hasty")
def test_a_reader_that_does_not_read_is_let_go() -> None:
    bounds = tuple(Bound(f"bound_{i:05}" + "x" * 200, 0, 0) for i in range(20_000))
    agent = FakeAgent(replace(SNAPSHOT, bounds=bounds))
    with serving(agent) as server, socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.connect(("127.0.0.1", server.port))
        connection.sendall(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert eventually(lambda: open_connections(server) == 1)
        assert eventually(lambda: open_connections(server) == 0)


def test_one_connection_serves_many_requests_in_turn(server: WebServer) -> None:
    request = b"GET /-/healthy HTTP/1.1\r\nHost: localhost\r\n\r\n"
    with connect(server) as connection:
        for at_once in (1, 1, 2):
            connection.sendall(request * at_once)
            answers = b""
            while answers.count(b"live\n") < at_once:
                answers += connection.recv(65536)
            assert answers.count(b"HTTP/1.1 200 OK") == at_once


def test_headers_without_end_are_refused(server: WebServer) -> None:
    with connect(server) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Long: " + b"x" * 40_000)
        assert connection.recv(65536).startswith(b"HTTP/1.1 400")


@pytest.mark.parametrize("garbage", [b"\x16\x03\x01\x02\x00\x01", b"GET\r\n\r\n", b"\r\n" * 100, b"\x00" * 100])
def test_what_is_no_http_does_no_harm(server: WebServer, garbage: bytes) -> None:
    with connect(server) as connection:
        connection.sendall(garbage)
    assert ask(server, "/-/healthy").status == 200
