"""Five hundred half-open sockets, twenty that never read, fifty requests a second: threads and memory stay as they were."""

from __future__ import annotations

import time
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from detectors.columns import StreamKey
from exporters.snapshot import Snapshot
from tests.agent.web_client import FakeAgent, ask, serving
from tests.exporters.sample import SNAPSHOT
from tests.faults.conftest import Note
from tests.faults.file_agent import FileAgent
from tests.faults.generator import Story
from tests.faults.oracle import expected
from tests.faults.process import cpu_seconds, usage
from tests.faults.report import SEED, scaled
from tests.faults.scrapers import open_and_silent, scraping
from tests.faults.troubled import agent_of, is_told, oracle_holds, tell

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
MEMORY_LIMIT_MEBIBYTES = 512
PROMISED_SECONDS = 0.1
PROMISED_FALL = 0.05
LOOSE_FALL = 0.5
"""What the test insists on: scrapers of the test take cores from the agent on a machine of two."""


def test_scrapers_of_all_kinds_cost_neither_threads_nor_memory(tmp_path: Path, note: Note) -> None:
    story = Story(seed=SEED, events=2000)
    with agent_of(tmp_path, story) as agent, ExitStack() as stack:
        tell(agent, story, 0.0, 0.5)
        agent.until(agent.has_read_all)
        agent.until(lambda: agent.get("/metrics").status == 200 and agent.get("/").status == 200)
        before = usage(agent.pid)
        stack.enter_context(open_and_silent(agent.address, half_open=500, never_reading=20))
        scrapes = stack.enter_context(scraping(agent.address, 5, 0.1))
        tell(agent, story, 0.5, 1.0)
        agent.until(lambda: is_told(agent, story) and len(scrapes.seconds) >= scaled(150, 3000), 400)
        during = usage(agent.pid)
        note(threads=(before.threads, during.threads), mebibytes=(before.mebibytes, during.mebibytes))
        assert during.threads <= before.threads + 2  # those of the pool that answers what changes something
        assert during.descriptors <= before.descriptors + 80
        assert during.peak_mebibytes <= MEMORY_LIMIT_MEBIBYTES
        assert during.mebibytes <= before.mebibytes + 32
        assert scrapes.failed <= len(scrapes.seconds) / 50  # those that were made room with
        assert agent.get("/-/healthy").status == 200
        oracle_holds(agent, story, expected(story))


def cpu_per_record(agent: FileAgent, story: Story, begin: float, end: float) -> float:
    """The agent's own seconds: a wall clock on a shared machine tells of the others."""
    records, used = agent.records(), cpu_seconds(agent.pid)
    tell(agent, story, begin, end)
    agent.until(agent.has_read_all, 120)
    return (cpu_seconds(agent.pid) - used) / (agent.records() - records)


def test_reading_hardly_slows_down_while_it_is_scraped(tmp_path: Path, note: Note) -> None:
    story = Story(seed=SEED, events=scaled(100_000, 400_000))
    with agent_of(tmp_path, story, batch_records=5000) as agent:
        cpu_per_record(agent, story, 0.0, 0.1)
        alone, scraped = [], []
        for turn in range(3):  # in turns, so that another load of the machine meets both
            begin = 0.1 + turn * 0.3
            alone.append(cpu_per_record(agent, story, begin, begin + 0.15))
            with scraping(agent.address, 4, 0.25):
                scraped.append(cpu_per_record(agent, story, begin + 0.15, begin + 0.3 if turn < 2 else 0.999))
        fall = 1 - min(alone) / min(scraped)
        note(records_per_cpu_second=1 / min(alone), fall=fall, promised_fall=PROMISED_FALL)
        assert fall <= LOOSE_FALL


def wide() -> Snapshot:
    """A snapshot of so many streams that all of ``/metrics`` are about ten thousand series."""
    (first, *_) = SNAPSHOT.streams
    streams = (replace(first, key=StreamKey(*first.key[:2], f"v{number}")) for number in range(400))
    return replace(SNAPSHOT, streams=tuple(streams))


def test_ten_thousand_series_for_four_scrapers_are_quick(note: Note) -> None:
    agent = FakeAgent(wide())
    with serving(agent) as server:
        shown = sum(not line.startswith("#") for line in ask(server, "/metrics").text.splitlines())
        with scraping(f"127.0.0.1:{server.port}", 4, 0.05) as scrapes:
            until = time.monotonic() + scaled(4, 30)
            while time.monotonic() < until:
                agent.snapshot = replace(agent.snapshot, at_us=agent.snapshot.at_us + 1)
                time.sleep(0.05)
        p99 = scrapes.percentile(0.99)
        note(series=shown, scrapes=len(scrapes.seconds), p50_seconds=scrapes.percentile(0.5), p99_seconds=p99)
        assert shown >= 9_000
        assert scrapes.failed == 0
        assert scrapes.percentile(0.5) <= PROMISED_SECONDS
