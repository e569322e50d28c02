"""Turns a quick run into a slow history: what /metrics showed, at the event time at which it showed it.

A quarter of a year passes in a minute, so what Prometheus scraped meanwhile would be a minute long. Each page is therefore
dated by how far its event time had come. Times of the machine's clock in it (``WALL``) are dated likewise: their age stays.
"""

from __future__ import annotations

import re
import threading
import time
import urllib.request
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from deploy.build.draw.scene import scene
from deploy.demo import agent

WALL = (
    "wachter_start_timestamp_seconds",
    "wachter_last_step_timestamp_seconds",
    "wachter_loop_timestamp_seconds",
    "wachter_config_last_reload_success_timestamp_seconds",
    "wachter_log_signed_timestamp_seconds",
    "wachter_outbox_oldest_timestamp_seconds",
    "process_start_time_seconds",
)
EVERY_SECONDS = 0.25
PATIENCE_SECONDS = 120.0
OWN_LABELS = 'job="wachter",instance="wachter-0:9464"'
_LINE = re.compile(r"^(\w+)(?:\{(.*)\})? (\S+)")


@dataclass(frozen=True, slots=True)
class Page:
    """What /metrics showed.

    Attributes:
        at: machine time, seconds; event_time: how far event time had come, seconds.
        seconds: how long the scrape took.
    """

    at: float
    event_time: float
    seconds: float
    text: str


def recorded(directory: Path, seconds: float) -> list[Page]:
    """Run the scene in a directory and return what it showed.

    Args:
        seconds: how long its three months shall take; the agent may need some more.
    """
    with scene(directory) as played:
        recorder = Recorder(played.address)
        try:
            played.send(seconds)
            _wait_until_read(played.address, len(played.messages))
        finally:
            recorder.close()
    return recorder.pages


def _wait_until_read(address: str, records: int) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while agent.records_read(address) < records and time.monotonic() < deadline:
        time.sleep(0.5)


class Recorder:
    """Reads /metrics in a thread of its own until it is closed."""

    def __init__(self, address: str) -> None:
        self.pages: list[Page] = []
        self._address = address
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def close(self) -> None:
        """Stop reading."""
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._over.wait(EVERY_SECONDS):
            begun = time.time()
            with urllib.request.urlopen(f"{self._address}/metrics", timeout=10) as answer:
                text = answer.read().decode()
            self._keep(Page(begun, _event_time(text), time.time() - begun, text))

    def _keep(self, page: Page) -> None:
        if page.event_time and (not self.pages or page.event_time > self.pages[-1].event_time + 60):
            self.pages.append(page)


def history(pages: Iterable[Page]) -> Iterator[str]:
    """The pages as one OpenMetrics text with times, family by family."""
    samples: dict[str, list[str]] = {}
    for page in pages:
        for name, labels, value in (*_samples(page), *_of_prometheus(page)):
            line = f"{name}{{{','.join(filter(None, (labels, OWN_LABELS)))}}} {value} {page.event_time:.3f}\n"
            samples.setdefault(name, []).append(line)
    for name, lines in samples.items():
        yield f"# TYPE {name} unknown\n"
        yield from lines
    yield "# EOF\n"


def _samples(page: Page) -> Iterator[tuple[str, str, str]]:
    for line in page.text.splitlines():
        found = _LINE.match(line)
        if found is None:
            continue
        name, labels, value = found.groups()
        dated = f"{float(value) - page.at + page.event_time:.3f}" if name in WALL else value
        yield name, labels or "", dated


def _of_prometheus(page: Page) -> Iterator[tuple[str, str, str]]:
    """What Prometheus itself adds to a scrape."""
    count = sum(not line.startswith("#") for line in page.text.splitlines())
    yield "up", "", "1"
    yield "scrape_duration_seconds", "", f"{page.seconds:.6f}"
    yield "scrape_samples_scraped", "", str(count)


def _event_time(text: str) -> float:
    """The furthest frontier of a partition, 0 before there is one."""
    lines = (line for line in text.splitlines() if line.startswith("wachter_partition_frontier_timestamp_seconds{"))
    return max((float(line.rpartition(" ")[2]) for line in lines), default=0.0)
