"""The agent of the demo: an ordinary ``wachter`` in a process of its own, reached only as anybody would reach it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from deploy.demo.broker import free_port, stop

WACHTER = str(Path(sys.executable).with_name("wachter"))
PORT = 9464


def build_reference(directory: Path, events: Path) -> None:
    """``wachter reference build`` on the held-out flights; what it says is kept in ``reference.txt``."""
    command = ["reference", "build", "--settings", "wachter.yaml", events.name, "--output", "reference.wachter"]
    said = directory / "reference.txt"
    with said.open("wb") as out:
        done = subprocess.run(
            [WACHTER, *command, "--held-out"],
            cwd=directory, env=_environment({}), stdout=out, stderr=subprocess.STDOUT, check=False,
        )  # fmt: skip
    if done.returncode != 0:
        raise SystemExit(f"demo: the reference could not be built:\n{said.read_text(errors='replace')}")


@contextmanager
def running(directory: Path, broker: str, topic: str, wanted_port: int = PORT) -> Iterator[str]:
    """Run the agent in ``directory`` with its log in ``agent.log``; yields the address of its pages."""
    port = free_port(wanted_port)
    environment = _environment(
        {
            "WACHTER_SOURCE__BROKERS": json.dumps([broker]),
            "WACHTER_SOURCE__TOPICS": json.dumps([topic]),
            "WACHTER_LISTEN__PORT": str(port),
        }
    )
    log = directory / "agent.log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [WACHTER, "run", "--settings", "wachter.yaml"],
            cwd=directory, env=environment, stdout=out, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
    try:
        _wait_until_ready(process, f"http://127.0.0.1:{port}", log)
        yield f"http://127.0.0.1:{port}"
    finally:
        stop(process)


def incidents(address: str) -> list[dict[str, Any]]:
    """The incidents that the agent knows, newest first; none while it does not answer."""
    try:
        with urllib.request.urlopen(f"{address}/api/v1/incidents", timeout=2) as response:
            found: list[dict[str, Any]] = json.load(response)["incidents"]
            return found
    except (OSError, ValueError):
        return []


def records_read(address: str) -> int:
    """How many records of a new topic the agent has processed; 0 while it does not answer."""
    try:
        with urllib.request.urlopen(f"{address}/metrics", timeout=2) as response:
            lines = response.read().decode().splitlines()
    except OSError:
        return 0
    return sum(int(float(line.split()[1])) for line in lines if line.startswith("wachter_partition_next_offset{"))


def _wait_until_ready(process: subprocess.Popen[bytes], address: str, log: Path, timeout_seconds: float = 30.0) -> None:
    deadline = time.monotonic() + timeout_seconds
    while not _ready(address):
        if process.poll() is not None or time.monotonic() > deadline:
            tail = log.read_text(errors="replace")[-2_000:]
            raise SystemExit(f"demo: the agent did not become ready; the end of {log}:\n{tail}")
        time.sleep(0.1)


def _ready(address: str) -> bool:
    try:
        with urllib.request.urlopen(f"{address}/-/ready", timeout=1):
            return True
    except OSError:
        return False


def _environment(overrides: dict[str, str]) -> dict[str, str]:
    """Ours, without settings that are meant for another agent."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("WACHTER_")}
    return {**inherited, **overrides}
