"""Copies of checkpoints: the newest one arrives, and nobody waits for it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from agent.evidence import copies as module
from agent.evidence.copies import Copies, Outlet
from agent.evidence.outlets import outlets_of, post_to, write_file
from config.errors import DeliveryError
from config.settings import WebhookCopy
from exporters.evidence.heads import Signed
from tests.agent.stage import settings_of


def signed(size: int) -> Signed:
    return Signed("2026-11", size, bytes(32), b"wachter/test/2026-11\n%d\nroot\n" % size)


class Taker:
    """An outlet that takes what it is given, or refuses, or waits."""

    def __init__(self, *, refuses: int = 0) -> None:
        self.sizes: list[int] = []
        self.arrived = threading.Event()
        self.may_go_on = threading.Event()
        self.may_go_on.set()
        self._refuses = refuses

    def send(self, one: Signed) -> None:
        self.may_go_on.wait(5)
        if self._refuses:
            self._refuses -= 1
            raise OSError("no route to host")
        self.sizes.append(one.size)
        self.arrived.set()


def test_every_outlet_is_told() -> None:
    takers = [Taker(), Taker()]
    copies = Copies([Outlet(str(n), taker.send) for n, taker in enumerate(takers)])
    copies.send(signed(5))
    assert all(taker.arrived.wait(5) for taker in takers)
    copies.close()
    assert [taker.sizes for taker in takers] == [[5], [5]]
    assert copies.failed == 0


def test_a_newer_checkpoint_takes_the_place_of_one_that_waits() -> None:
    taker = Taker()
    taker.may_go_on.clear()
    copies = Copies([Outlet("slow", taker.send)])
    for size in (1, 2, 3, 4):
        copies.send(signed(size))
    taker.may_go_on.set()
    copies.close(5.0)
    assert taker.sizes[-1] == 4
    assert len(taker.sizes) <= 2


def test_one_that_was_not_taken_is_counted_and_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "RETRY_SECONDS", 0.01)
    taker = Taker(refuses=2)
    copies = Copies([Outlet("down", taker.send)])
    copies.send(signed(7))
    assert taker.arrived.wait(5)
    copies.close()
    assert (taker.sizes, copies.failed) == ([7], 2)


def test_a_refusal_at_the_end_is_not_waited_for() -> None:
    copies = Copies([Outlet("down", Taker(refuses=99).send)])
    copies.send(signed(7))
    copies.close(5.0)
    copies.close(5.0)
    assert copies.failed == 1


def test_without_outlets_nothing_happens() -> None:
    copies = Copies([])
    copies.send(signed(1))
    copies.close()


def test_a_file_holds_the_newest_note_whole(tmp_path: Path) -> None:
    path = tmp_path / "elsewhere" / "checkpoint"
    for size in (1, 22):
        write_file(path, signed(size))
    assert path.read_bytes() == signed(22).note
    assert [one.name for one in path.parent.iterdir()] == ["checkpoint"]


@contextmanager
def server(status: int) -> Iterator[tuple[str, list[tuple[dict[str, str], bytes]]]]:
    requests: list[tuple[dict[str, str], bytes]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            requests.append((dict(self.headers), body))
            self.send_response(status)
            self.end_headers()

        def log_message(self, *arguments: Any) -> None: ...

    with HTTPServer(("127.0.0.1", 0), Handler) as httpd:
        thread = threading.Thread(target=httpd.handle_request)
        thread.start()
        yield f"http://127.0.0.1:{httpd.server_port}/", requests
        thread.join(5)


def test_a_webhook_gets_the_note_as_text_with_its_signature() -> None:
    with server(204) as (url, requests):
        copy = WebhookCopy.model_validate({"type": "webhook", "url": url, "secret": "s", "headers": {"X-Team": "risk"}})
        post_to(copy, lambda: 1000, signed(3))
    (headers, body) = requests[0]
    assert body == signed(3).note
    assert headers["Content-Type"].startswith("text/plain")
    assert headers["X-Team"] == "risk"
    assert headers["X-Wachter-Signature"].startswith("t=1000,v1=")


def test_a_webhook_that_refuses_raises() -> None:
    with server(500) as (url, _), pytest.raises(DeliveryError, match="500"):
        post_to(WebhookCopy.model_validate({"type": "webhook", "url": url}), lambda: 1, signed(3))


def test_outlets_are_those_of_the_settings_and_connect_to_nobody_yet(tmp_path: Path) -> None:
    wanted = [
        {"type": "file", "path": str(tmp_path / "checkpoint")},
        {"type": "webhook", "url": "http://127.0.0.1:9/", "secret": "hunter2"},
        {"type": "kafka", "topic": "checkpoints"},
    ]
    outlets = outlets_of(settings_of(tmp_path, root={"log": {"checkpoints": wanted}}))
    assert [outlet.name for outlet in outlets] == [
        str(tmp_path / "checkpoint"),
        "http://127.0.0.1:9",
        "topic checkpoints",
    ]
    for outlet in outlets:
        outlet.close()
