"""A receiver of messages that speaks real HTTP and answers as told: it takes, refuses, asks for patience, or hangs."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple


class Told(NamedTuple):
    """What a message said."""

    incident: str
    call: str
    status: str


class Raw(NamedTuple):
    """A message as it came."""

    headers: dict[str, str]
    body: bytes


@dataclass
class Receiver:
    """Attributes:
    status, headers: of the next answers.
    hangs: the next answers wait until it is set; None for at once.
    told: what arrived and was taken (200), in order; refused: how many were not.
    raw: the same messages, as they came.
    """

    url: str = ""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    hangs: threading.Event | None = None
    told: list[Told] = field(default_factory=list)
    raw: list[Raw] = field(default_factory=list)
    refused: int = 0

    def settings(self, **changes: object) -> dict[str, object]:
        """A webhook of the settings that tells this receiver."""
        return {"type": "webhook", "name": "oncall", "url": self.url, **changes}

    def hang(self) -> None:
        """Answer nothing until ``recover``."""
        self.hangs = threading.Event()

    def recover(self) -> None:
        """Take everything from now on, what hangs included."""
        self.status, self.headers = 200, {}
        if self.hangs is not None:
            self.hangs.set()

    def duplicates(self) -> int:
        """Messages that came more than once, each counted as often as it came again."""
        return sum(count - 1 for count in Counter(self.told).values())

    def answer(self, headers: dict[str, str], body: bytes) -> int:
        if self.hangs is not None:
            self.hangs.wait(60)
        if self.status != 200:
            self.refused += 1
            return self.status
        message: dict[str, Any] = json.loads(body)
        labels = message["alerts"][0]["labels"]
        self.raw.append(Raw(headers, body))
        self.told.append(Told(labels["incident"], labels["call"], message["status"]))
        return 200


@contextmanager
def receiving(port: int = 0) -> Iterator[Receiver]:
    """Serve a receiver on a port of loopback; 0 takes a free one."""
    receiver = Receiver()
    server = _Server(("127.0.0.1", port), _handler(receiver))
    receiver.url = f"http://127.0.0.1:{server.server_address[1]}/hook"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield receiver
    finally:
        receiver.recover()
        server.shutdown()
        thread.join(10)
        server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A sender that was killed in the middle is nothing to print."""


def _handler(receiver: Receiver) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(receiver.answer(dict(self.headers), body))
            for name, value in receiver.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    return Handler
