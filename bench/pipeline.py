"""The running agent on Apache Kafka: events a second of one core against the floor, memory, start, flatness."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

from bench import events
from bench.agent import WACHTER, Agent, settings
from bench.report import Figure
from tests.parts.kafka import KafkaBroker

PARTITIONS = 8
EVENTS = 300_000
WARM = 30_000
ROOT = Path(__file__).resolve().parents[1]


def run() -> Iterator[Figure]:
    with tempfile.TemporaryDirectory() as scratch, KafkaBroker() as broker:
        directory = Path(scratch)
        _reference(directory)
        data = events.rows(EVENTS)
        alone = list(events.predictions(data))
        yield from _against_floor("predictions, no event log", directory, broker, alone, logs=False)
        yield from _against_floor("predictions", directory, broker, alone)
        half = events.rows(EVENTS // 2)
        mixed = list(chain.from_iterable(zip(events.predictions(half), events.labels(half), strict=True)))
        yield from _against_floor("predictions and labels", directory, broker, mixed)


def _reference(directory: Path) -> None:
    """A reference of 100 000 events, built as an operator builds it."""
    (directory / "wachter.yaml").write_text(settings())
    held_out = events.rows(100_000, seed=1)
    with (directory / "reference.jsonl").open("wb") as out:
        for line in chain(events.predictions(held_out, "r"), events.labels(held_out, "r")):
            out.write(line + b"\n")
    command = [WACHTER, "reference", "build", "--settings", "wachter.yaml", "reference.jsonl"]
    subprocess.run(
        [*command, "--output", "reference.wachter", "--held-out"], cwd=directory, stdout=subprocess.DEVNULL, check=True
    )


def _against_floor(
    what: str, directory: Path, broker: KafkaBroker, messages: list[bytes], *, logs: bool = True
) -> Iterator[Figure]:
    topic = what.replace(" ", "-").replace(",", "")
    broker.create_topic(topic, PARTITIONS)
    floor = 0.0
    with Agent(directory, broker.bootstrap, topic, logs=logs) as agent:
        start = agent.first_scrape()
        rest = agent.memory_mb()
        _produce(broker, topic, messages[:WARM])
        agent.wait_for("wachter_partition_next_offset", WARM)
        warm = _Progress(agent)
        _produce(broker, topic, messages[WARM:])
        floor = _floor(broker, topic, len(messages))
        agent.wait_for("wachter_partition_next_offset", len(messages))
        done = _Progress(agent)
        load = agent.memory_mb("VmHWM")
    spent = (done.cpu - warm.cpu) / (done.records - warm.records)
    yield Figure(
        f"{what}: agent / floor",
        spent / floor,
        "x",
        target=1.5 if logs else 1.3,
        note="CPU of the whole process per event",
    )
    yield Figure(f"{what}: agent", 1 / spent, "events/s/core", note=f"floor {1 / floor:,.0f}")
    yield Figure(f"{what}: memory at rest", rest, "MB")
    yield Figure(f"{what}: highest memory", load, "MB", target=150)
    yield Figure(f"{what}: start to first scrape", start, "s", target=3)
    yield Figure(
        f"{what}: step after 10x more events", done.step / warm.step, "x", note="mean seconds per event in a step"
    )
    yield Figure(f"{what}: memory after 10x more events", done.memory / warm.memory, "x")


class _Progress:
    """Where an agent stands: records, CPU seconds, seconds in steps per event, memory."""

    def __init__(self, agent: Agent) -> None:
        self.records = agent.value("wachter_partition_next_offset")
        self.cpu = agent.cpu_seconds()
        self.step = agent.value("wachter_step_seconds_sum") / self.records
        self.memory = agent.memory_mb()


def _floor(broker: KafkaBroker, topic: str, count: int) -> float:
    """CPU seconds per event of the floor, the better of two runs."""
    command = [sys.executable, "-m", "bench.floor", broker.bootstrap, topic, str(count)]
    best = float("inf")
    for _ in range(2):
        done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
        measured = json.loads(done.stdout)
        best = min(best, measured["cpu"] / measured["events"])
    return best


def _produce(broker: KafkaBroker, topic: str, messages: list[bytes]) -> None:
    records = ((number % PARTITIONS, None, value) for number, value in enumerate(messages))
    broker.produce(topic, records, compression_type="lz4", linger_ms=50, batch_size=256 * 1024)
