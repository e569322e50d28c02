"""What the demo prints: where to look, how far the year has come, and every incident as the agent raises it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from deploy.demo import agent
from deploy.demo.model import Year

LOOK_EVERY_SECONDS = 1.0

CONCLUSION = """
Hold the incidents against the table. From the week of 21 October on the model
ranks flights worse than it may (red: surely more than 0.02 below the reference)
and finds half of the late ones, where it used to find two thirds. Its accuracy
hides that: few flights are late in autumn. That is the call. The weather of
autumn is not that of summer, and hurts nothing by itself: that is a ticket.
"""


class Show:
    """Prints to one console; remembers which calls it has shown."""

    def __init__(self, console: Console, year: Year, pages: str) -> None:
        self.console = console
        self.pages = pages
        self.total = len(year.live) + int(year.live["reported"].notna().sum())
        self._shown: set[tuple[str, str, int]] = set()
        self._looked = 0.0
        self._begun = time.monotonic()
        self._bars = Progress(console=console)
        self._sent = self._read = TaskID(0)

    def places(self, directory: Path, broker: str, metrics: str | None) -> None:
        """Say where everything is."""
        self.console.print(f"landing page   {self.pages}/")
        self.console.print(f"metrics        {self.pages}/metrics")
        self.console.print(f"incidents      {self.pages}/api/v1/incidents")
        self.console.print(f"Prometheus     {metrics or 'not installed; `make parts` brings it'}")
        self.console.print(f"Kafka          {broker}")
        self.console.print(f"settings, logs {directory}/\n")

    @contextmanager
    def progress(self) -> Iterator[None]:
        """Two bars: what was sent, what the agent has read."""
        columns = (TextColumn("{task.description:<15}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        with Progress(*columns, console=self.console) as self._bars:
            self._sent = self._bars.add_task("sent", total=self.total)
            self._read = self._bars.add_task("read by agent", total=self.total)
            yield

    def sent(self, at_us: int, count: int) -> None:
        """Hear from the producer how far it is."""
        date = np.datetime64(at_us, "us").astype("datetime64[D]")
        self._bars.update(self._sent, completed=count, description=f"sent {date}")
        if time.monotonic() - self._looked > LOOK_EVERY_SECONDS:
            self.look()

    def wait_until_read(self, timeout_seconds: float = 300.0) -> None:
        """Wait until the agent has read all that was sent."""
        self._bars.update(self._sent, completed=self.total)
        deadline = time.monotonic() + timeout_seconds
        while agent.records_read(self.pages) < self.total and time.monotonic() < deadline:
            self.look()
            time.sleep(LOOK_EVERY_SECONDS)
        self.look()

    def look(self) -> None:
        """Ask the agent how far it is and for its incidents; print what is new."""
        self._looked = time.monotonic()
        if self._bars.tasks:
            self._bars.update(self._read, completed=agent.records_read(self.pages))
        for incident in reversed(agent.incidents(self.pages)):
            event = (incident["id"], incident["state"], incident.get("call", 1))
            if event not in self._shown:
                self._shown.add(event)
                self._print(incident)

    def watch_until_interrupted(self) -> None:
        """Keep everything running."""
        self.console.print("Everything keeps running; Ctrl-C ends it.")
        while True:
            time.sleep(LOOK_EVERY_SECONDS)
            self.look()

    def conclusion(self) -> None:
        """Say how the table and the incident belong together."""
        self.console.print(CONCLUSION)

    def _print(self, incident: dict[str, Any]) -> None:
        colour = {"critical": "red", "warning": "yellow"}.get(incident["severity"], "cyan")
        state = "resolved" if incident["state"] == "resolved" else incident["severity"]
        seconds = time.monotonic() - self._begun
        self.console.print(f"[{colour}]{state:>9}[/{colour}] after {seconds:.0f} s: {escape(incident['headline'])}")
        for line in incident.get("explanation", ())[:3]:
            self.console.print(f"  {escape(str(line))}", style="dim")
