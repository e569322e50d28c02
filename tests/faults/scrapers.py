"""Those who ask an agent for its metrics: many at once, and some that mean no good."""

from __future__ import annotations

import http.client
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field

REQUEST = b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n"


@dataclass
class Scrapes:
    """What scrapers have seen so far.

    Attributes:
        seconds: how long each answer of status 200 took.
        failed: requests without one.
    """

    seconds: list[float] = field(default_factory=list)
    failed: int = 0

    def percentile(self, share: float) -> float:
        """Seconds below which this share of the answers came."""
        return sorted(self.seconds)[min(int(share * len(self.seconds)), len(self.seconds) - 1)]


@contextmanager
def scraping(address: str, scrapers: int, pause_seconds: float) -> Iterator[Scrapes]:
    """So many ask again and again, each over a connection that it keeps, with a pause between."""
    seen, over = Scrapes(), threading.Event()
    threads = [
        threading.Thread(target=_scrape, args=(address, pause_seconds, seen, over), daemon=True)
        for _ in range(scrapers)
    ]
    for thread in threads:
        thread.start()
    try:
        yield seen
    finally:
        over.set()
        for thread in threads:
            thread.join(20)


def _scrape(address: str, pause_seconds: float, seen: Scrapes, over: threading.Event) -> None:
    connection = http.client.HTTPConnection(address, timeout=10)
    while not over.wait(pause_seconds):
        begun = time.perf_counter()
        try:
            connection.request("GET", "/metrics", headers={"Accept-Encoding": "gzip"})
            answer = connection.getresponse()
            answer.read()
            assert answer.status == 200
        except (OSError, http.client.HTTPException, AssertionError):
            seen.failed += 1
            connection.close()
        else:
            seen.seconds.append(time.perf_counter() - begun)
    connection.close()


@contextmanager
def open_and_silent(address: str, half_open: int = 0, never_reading: int = 0) -> Iterator[None]:
    """Connections that never finish their request, and others that ask and do not read the answer."""
    host, _, port = address.partition(":")
    with ExitStack() as stack:
        for number in range(half_open + never_reading):
            one = stack.enter_context(socket.socket())
            one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            one.settimeout(10)
            with suppress(OSError):  # turned away, as it should be
                one.connect((host, int(port)))
                one.sendall(REQUEST * 200 if number >= half_open else REQUEST[:-6])
        yield
