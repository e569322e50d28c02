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
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from deploy.demo import agent
from deploy.demo.model import Year

LOOK_EVERY_SECONDS = 1.0
SETTLE_SECONDS = 15.0


class Show:
    """Prints to one console; remembers which calls it has shown."""

    def __init__(self, console: Console, year: Year, pages: str) -> None:
        self.console = console
        self.pages = pages
        self.total = len(year.live) + int(year.live["reported"].notna().sum())
        self._shown: set[tuple[str, str, int]] = set()
        self._looked = 0.0
        self._bar: Progress | None = None

    def places(self, directory: Path, broker: str, metrics: str | None) -> None:
        """Say where everything is."""
        self.console.print(f"landing page   {self.pages}/")
        self.console.print(f"metrics        {self.pages}/metrics")
        self.console.print(f"incidents      {self.pages}/api/v1/incidents")
        self.console.print(f"Prometheus     {metrics or 'not installed; `make parts` brings it'}")
        self.console.print(f"Kafka          {broker}")
        self.console.print(f"settings, logs {directory}/\n")

    @contextmanager
    def sending(self) -> Iterator[None]:
        """Show a progress bar while events are sent."""
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        with Progress(*columns, console=self.console) as self._bar:
            self._bar.add_task("2013-06-03", total=self.total)
            yield
        self._bar = None

    def progress(self, at_us: int, sent: int) -> None:
        """Hear from the producer how far it is."""
        if self._bar is not None:
            date = str(np.datetime64(at_us, "us").astype("datetime64[D]"))
            self._bar.update(self._bar.task_ids[0], completed=sent, description=date)
        if time.monotonic() - self._looked > LOOK_EVERY_SECONDS:
            self.look()

    def look(self) -> list[dict[str, Any]]:
        """Ask the agent for its incidents; print what is new."""
        self._looked = time.monotonic()
        found = agent.incidents(self.pages)
        for incident in found:
            event = (incident["id"], incident["state"], incident.get("call", 1))
            if event not in self._shown:
                self._shown.add(event)
                self._print(incident)
        return found

    def settle(self) -> None:
        """Wait until the agent has judged what was sent: two looks a few seconds apart show the same."""
        deadline = time.monotonic() + SETTLE_SECONDS
        before: object = None
        with self.console.status("the agent reads the rest"):
            while time.monotonic() < deadline:
                now = self.look()
                if now == before:
                    return
                before = now
                time.sleep(3 * LOOK_EVERY_SECONDS)

    def watch_until_interrupted(self) -> None:
        """Keep everything running."""
        self.console.print("Everything keeps running; Ctrl-C ends it.")
        while True:
            time.sleep(LOOK_EVERY_SECONDS)
            self.look()

    def conclusion(self) -> None:
        """Say how the table and the incident belong together."""
        self.console.print(
            "\nHold the incident against the table (red: surely more than 0.02 below the reference): from the week of"
            "\n21 October the model finds less than half of the late flights where it used to find two thirds. Its accuracy"
            "\nhides that, because few flights are late in autumn. The weather drifted all summer and hurt nothing: that is"
            "\na ticket, not a call.\n"
        )

    def _print(self, incident: dict[str, Any]) -> None:
        colour = {"critical": "red", "warning": "yellow"}.get(incident["severity"], "cyan")
        state = "resolved" if incident["state"] == "resolved" else incident["severity"]
        self.console.print(f"[{colour}]{state:>9}[/{colour}]  {escape(incident['headline'])}")
        for line in incident.get("explanation", ())[:3]:
            self.console.print(f"           {escape(str(line))}", style="dim")
