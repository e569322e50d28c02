"""An agent as operators run it, in a process of its own, measured from outside."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

from bench.events import CATEGORIES, MODEL, NUMBERS, SYSTEM
from tests.parts.kafka import free_ports

WACHTER = str(Path(sys.executable).with_name("wachter"))
TICKS = os.sysconf("SC_CLK_TCK")
LOOK_SECONDS = 0.5
"""Between two scrapes: each costs the agent as much as a few thousand events, and Prometheus asks every 15 s."""


def settings(window: str = "12h") -> str:
    """Everything on: 20 columns, labels, bias, windows of 12 panes."""
    columns = [f"          {name}: number" for name in NUMBERS] + [f"          {name}: category" for name in CATEGORIES]
    return "\n".join(
        [
            "source: {type: kafka, brokers: [127.0.0.1:9092], topics: [bench], clock: events}",
            "systems:",
            f"  - id: {SYSTEM}",
            "    owner: bench",
            "    purpose: to be measured",
            "    models:",
            f"      - name: {MODEL}",
            "        task: binary",
            "        classes: ['no', 'yes']",
            "        positive: 'yes'",
            "        reference: reference.wachter",
            "        protected: {sex: [F, M]}",
            "        labels: {horizon: 12h}",
            f"        window: {{length: {window}}}",
            "        columns:",
            *columns,
        ]
    )


class Agent:
    """One running agent; ends with the block."""

    def __init__(self, directory: Path, broker: str, topic: str, *, logs: bool = True) -> None:
        (port,) = free_ports(1)
        self.address = f"http://127.0.0.1:{port}"
        environment = {
            **os.environ,
            "WACHTER_SOURCE__BROKERS": json.dumps([broker]),
            "WACHTER_SOURCE__TOPICS": json.dumps([topic]),
            "WACHTER_SOURCE__GROUP": topic,
            "WACHTER_LISTEN__PORT": str(port),
            "WACHTER_STATE__DIRECTORY": str(directory / f"state-{topic}"),
            "WACHTER_LOG__ENABLED": str(logs).lower(),
        }
        self.log = directory / f"agent-{topic}.log"
        self.begun = time.perf_counter()
        with self.log.open("wb") as out:
            self.process = subprocess.Popen(
                [WACHTER, "run", "--settings", "wachter.yaml"],
                cwd=directory, env=environment, stdout=out, stderr=subprocess.STDOUT,
            )  # fmt: skip

    def __enter__(self) -> Agent:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        self.process.wait(20)

    def first_scrape(self, timeout_seconds: float = 30.0) -> float:
        """Wait for the first answer of /metrics; seconds since the process was started."""
        while time.perf_counter() - self.begun < timeout_seconds:
            if self.process.poll() is not None:
                break
            try:
                self.scrape()
            except OSError:
                time.sleep(0.01)
            else:
                return time.perf_counter() - self.begun
        raise RuntimeError(f"no scrape of the agent:\n{self.log.read_text(errors='replace')[-2000:]}")

    def scrape(self) -> str:
        """The text of /metrics."""
        with urllib.request.urlopen(f"{self.address}/metrics", timeout=5) as response:
            return str(response.read().decode())

    def value(self, family: str) -> float:
        """The sum over all series of a family."""
        lines = self.scrape().splitlines()
        names = (f"{family} ", f"{family}{{")
        return sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith(names))

    def wait_for(self, family: str, value: float, timeout_seconds: float = 120.0) -> None:
        """Scrape until a family has reached a value."""
        deadline = time.monotonic() + timeout_seconds
        while self.value(family) < value:
            if time.monotonic() > deadline:
                raise RuntimeError(
                    f"{family} is {self.value(family):g} after {timeout_seconds:g} s, expected {value:g}"
                )
            time.sleep(LOOK_SECONDS)

    def cpu_seconds(self) -> float:
        """User and system time of all its threads so far."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def memory_mb(self, field: str = "VmRSS") -> float:
        """Resident memory now, or at its highest (``VmHWM``), in MB."""
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith(f"{field}:"):
                return int(line.split()[1]) / 1024
        raise RuntimeError(f"no {field}")
