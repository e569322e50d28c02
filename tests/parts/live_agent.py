"""``wachter run`` in a process of its own, looked at only from outside: its HTTP endpoints, its state, its commands."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

from agent.state.store import DATABASE
from tests.parts.kafka import ROOT, free_ports

LOOK_SECONDS = 0.02


class Answer(NamedTuple):
    """What the agent's server answered; status 0 where nothing listens."""

    status: int
    text: str


class LiveAgent:
    """One agent with its settings file, state directory and port; may be killed and started again.

    Args:
        directory: made if missing; holds the settings, the state and the output of all runs.
        settings: the settings but for ``state`` and ``listen``, which are filled in.

    Attributes:
        environment: added to that of the tests at the next start.
    """

    def __init__(self, directory: Path, settings: Mapping[str, object]) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        (port,) = free_ports(1)
        self.address = f"127.0.0.1:{port}"
        self.state = directory / "state"
        self.settings = directory / "wachter.yaml"
        own = {"state": {"directory": str(self.state)}, "listen": {"host": "127.0.0.1", "port": port}}
        self.settings.write_text(json.dumps({**settings, **own}))
        self._log = directory / "output"
        self._process: subprocess.Popen[bytes] | None = None
        self.environment: dict[str, str] = {}

    def __enter__(self) -> LiveAgent:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def start(self) -> None:
        """Start the process; nothing is waited for."""
        environment = {**os.environ, **self.environment}
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(self._run_command(), cwd=ROOT, env=environment, stdout=log, stderr=log)

    def _run_command(self) -> list[str]:
        return _wachter("run", "--settings", self.settings)

    @property
    def pid(self) -> int:
        """Of the running process."""
        assert self._process is not None
        return self._process.pid

    def wait(self, timeout_seconds: float = 40.0) -> int:
        """Wait until it has ended by itself; its exit code, negative for a signal."""
        assert self._process is not None
        code = self._process.wait(timeout_seconds)
        self._process = None
        return code

    def kill(self) -> None:
        """End it at once, wherever it is."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(timeout=10)
            self._process = None

    def stop(self) -> int:
        """Ask it to end, and wait; its exit code."""
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        code = self._process.wait(timeout=30)
        self._process = None
        return code

    def freeze(self) -> None:
        """Stop it where it stands, its connections open."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    @property
    def output(self) -> str:
        """What all its runs have printed."""
        return self._log.read_text(errors="replace")

    def until(self, condition: Callable[[], Any], timeout_seconds: float = 90.0) -> Any:
        """Look until the condition holds, and return what it answered. Fails at once where the agent has ended."""
        deadline = time.monotonic() + timeout_seconds
        while not (answer := condition()):
            assert self._process is not None, "the agent was not started"
            assert self._process.poll() is None, f"the agent has ended:\n{self.output[-3000:]}"
            assert time.monotonic() < deadline, f"not so within {timeout_seconds} s:\n{self.output[-3000:]}"
            time.sleep(LOOK_SECONDS)
        return answer

    def get(self, path: str) -> Answer:
        """Ask its server."""
        return self._ask(urllib.request.Request(f"http://{self.address}{path}"))

    def post(self, path: str, content: object = None) -> Answer:
        """Send JSON to its server."""
        body = json.dumps(content).encode()
        return self._ask(
            urllib.request.Request(f"http://{self.address}{path}", body, {"Content-Type": "application/json"})
        )

    def ready(self) -> bool:
        """Whether /-/ready says so."""
        return self.get("/-/ready").status == 200

    def metric(self, name: str) -> float:
        """Sum of a family's samples in /metrics, whatever their labels."""
        lines = (line for line in self.get("/metrics").text.splitlines() if line.startswith((name + "{", name + " ")))
        return sum(float(line.rpartition(" ")[2]) for line in lines)

    def command(self, *words: str) -> str:
        """What a command with these words prints; the settings are named at its end."""
        command = _wachter(*words, "--settings", self.settings)
        return subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout

    def rows(self, query: str) -> list[Any]:
        """Rows of its state, read beside it; none while there is no state yet."""
        try:
            with closing(sqlite3.connect(f"{(self.state / DATABASE).as_uri()}?mode=ro", uri=True, timeout=5)) as found:
                return found.execute(query).fetchall()
        except sqlite3.OperationalError:
            return []

    def positions(self) -> dict[tuple[str, int], int]:
        """Next offset by topic and partition, as its state knows them."""
        rows = self.rows("SELECT topic, number, body FROM position")
        return {(topic, number): json.loads(body)["next_offset"] for topic, number, body in rows}

    def records(self) -> int:
        """Records that its state knows to be read."""
        return sum(self.positions().values())

    def watermark_us(self) -> int:
        """How far windows and label horizons are over, by its state."""
        bodies = (json.loads(body) for (body,) in self.rows("SELECT body FROM system_clock"))
        return min((body["label_watermark_us"] for body in bodies), default=-(1 << 62))

    def counters(self) -> dict[str, int]:
        """Counters of its state, summed over their labels."""
        return dict(self.rows("SELECT name, sum(value) FROM counter GROUP BY name"))

    def _ask(self, request: urllib.request.Request) -> Answer:
        try:
            with urllib.request.urlopen(request, timeout=30.0) as answer:
                return Answer(answer.status, answer.read().decode())
        except urllib.error.HTTPError as error:
            with error:
                return Answer(error.code, error.read().decode())
        except OSError:
            return Answer(0, "")


def _wachter(*words: object) -> list[str]:
    return [os.path.join(os.path.dirname(sys.executable), "wachter"), *map(str, words)]
