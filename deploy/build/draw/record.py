"""Turns a quick run into a slow history: what /metrics showed, at the event time at which it showed it.

A quarter of a year passes in a minute, so what Prometheus scraped meanwhile would be a minute long. Each page is therefore
dated by how far its event time had come. Times of the machine's clock in it (``WALL``) are dated likewise: their age stays.
Where event time leaps, because the agent took many records in one step, the gap is filled: counters as if they had counted
evenly, everything else as it was.
"""

from __future__ import annotations

import re
import threading
import time
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from operator import itemgetter
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
STEP_SECONDS = 21_600
LONGEST_GAP_SECONDS = 10 * 86_400
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


def history(pages: Sequence[Page]) -> Iterator[str]:
    """The pages as one OpenMetrics text with times, family by family."""
    samples: dict[tuple[str, str], list[tuple[float, float]]] = {}
    for page in pages:
        for name, labels, value in (*_samples(page), *_of_prometheus(page)):
            samples.setdefault((name, labels), []).append((page.event_time, value))
    for name, group in groupby(sorted(samples), key=itemgetter(0)):
        yield f"# TYPE {name} unknown\n"
        for key in group:
            where = ",".join(filter(None, (key[1], OWN_LABELS)))
            yield from (f"{name}{{{where}}} {value!r} {at:.3f}\n" for at, value in _filled(name, samples[key]))
    yield "# EOF\n"


def _filled(name: str, samples: Sequence[tuple[float, float]]) -> Iterator[tuple[float, float]]:
    """Samples with gaps filled; a series that was away for longer than ``LONGEST_GAP_SECONDS`` was really away."""
    counts = name.endswith(("_total", "_count", "_sum", "_bucket"))
    for (at, value), (next_at, next_value) in pairwise(samples):
        yield at, value
        missing = int((next_at - at) / STEP_SECONDS) if next_at - at < LONGEST_GAP_SECONDS else 0
        for step in range(1, missing + 1):
            share = step / (missing + 1)
            yield at + share * (next_at - at), value + share * (next_value - value) * counts
    yield samples[-1]


def _samples(page: Page) -> Iterator[tuple[str, str, float]]:
    for line in page.text.splitlines():
        found = _LINE.match(line)
        if found is None:
            continue
        name, labels, value = found.groups()
        yield name, labels or "", float(value) + (page.event_time - page.at) * (name in WALL)


def _of_prometheus(page: Page) -> Iterator[tuple[str, str, float]]:
    """What Prometheus itself adds to a scrape."""
    count = sum(not line.startswith("#") for line in page.text.splitlines())
    yield "up", "", 1
    yield "scrape_duration_seconds", "", page.seconds
    yield "scrape_samples_scraped", "", count


def _event_time(text: str) -> float:
    """The furthest frontier of a partition, 0 before there is one."""
    lines = (line for line in text.splitlines() if line.startswith("wachter_partition_frontier_timestamp_seconds{"))
    return max((float(line.rpartition(" ")[2]) for line in lines), default=0.0)
