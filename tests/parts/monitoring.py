"""A real Prometheus and a real Alertmanager for tests, each started from its binary in about a second on a free port."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.parts.kafka import free_ports

START_SECONDS = 30.0


def require(*binaries: str) -> list[str]:
    """Paths of binaries. Skips where one is missing; fails where CI promises it."""
    found = {name: shutil.which(name) for name in binaries}
    missing = [name for name, path in found.items() if path is None]
    if not missing:
        return [path for path in found.values() if path is not None]
    reason = f"{', '.join(missing)} missing: python -m tests.parts.provision"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


class Prometheus:
    """A Prometheus that scrapes one target every second."""

    def __init__(self, url: str) -> None:
        self.url = url

    def query(self, expression: str) -> list[tuple[dict[str, str], float]]:
        """Instant query: labels and value of every series."""
        found = get_json(f"{self.url}/api/v1/query?{urllib.parse.urlencode({'query': expression})}")
        return [(row["metric"], float(row["value"][1])) for row in found["data"]["result"]]

    def metadata(self) -> dict[str, list[dict[str, str]]]:
        """Type, help and unit by family, as Prometheus understood them."""
        return get_json(f"{self.url}/api/v1/metadata")["data"]  # type: ignore[no-any-return]

    def rules(self) -> list[dict[str, Any]]:
        """Loaded rules with their health and state."""
        groups = get_json(f"{self.url}/api/v1/rules")["data"]["groups"]
        return [rule for group in groups for rule in group["rules"]]

    def targets(self) -> list[dict[str, Any]]:
        """Active targets with their health and last error."""
        return get_json(f"{self.url}/api/v1/targets")["data"]["activeTargets"]  # type: ignore[no-any-return]


@contextmanager
def prometheus(target: str, rule_files: Sequence[Path] = ()) -> Iterator[Prometheus]:
    """Run Prometheus against ``host:port``, with rules that are evaluated every second."""
    (binary,) = require("prometheus")
    (port,) = free_ports(1)
    with tempfile.TemporaryDirectory(prefix="prometheus-") as scratch:
        directory = Path(scratch)
        config = {
            "global": {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"},
            "rule_files": [str(path) for path in rule_files],
            "scrape_configs": [{"job_name": "wachter", "static_configs": [{"targets": [target]}]}],
        }
        (directory / "prometheus.yml").write_text(json.dumps(config))
        command = [
            binary,
            f"--config.file={directory / 'prometheus.yml'}",
            f"--storage.tsdb.path={directory / 'data'}",
            f"--web.listen-address=127.0.0.1:{port}",
        ]
        with _running(command, directory, f"http://127.0.0.1:{port}/-/ready"):
            yield Prometheus(f"http://127.0.0.1:{port}")


class Alertmanager:
    """An Alertmanager that groups nothing and notifies at once."""

    def __init__(self, url: str, amtool: str) -> None:
        self.url = url
        self._amtool = amtool

    def query(self, *matchers: str) -> list[dict[str, Any]]:
        """What ``amtool alert query`` prints: alerts that fire."""
        command = [self._amtool, "alert", "query", f"--alertmanager.url={self.url}", "--output=json", *matchers]
        return json.loads(subprocess.run(command, check=True, capture_output=True).stdout)  # type: ignore[no-any-return]


@contextmanager
def alertmanager(webhook_url: str, inhibit_rules: Sequence[Any] = ()) -> Iterator[Alertmanager]:
    """Run Alertmanager with one receiver."""
    binary, amtool = require("prometheus-alertmanager", "amtool")
    (port,) = free_ports(1)
    with tempfile.TemporaryDirectory(prefix="alertmanager-") as scratch:
        directory = Path(scratch)
        route = {"receiver": "hook", "group_by": ["..."], "group_wait": "0s", "group_interval": "1s"}
        hook = {"url": webhook_url, "send_resolved": True}
        receivers = [{"name": "hook", "webhook_configs": [hook]}]
        config = {"route": route, "receivers": receivers, "inhibit_rules": list(inhibit_rules)}
        (directory / "alertmanager.yml").write_text(json.dumps(config))
        command = [
            binary,
            f"--config.file={directory / 'alertmanager.yml'}",
            f"--storage.path={directory / 'data'}",
            f"--web.listen-address=127.0.0.1:{port}",
            "--cluster.listen-address=",
        ]
        with _running(command, directory, f"http://127.0.0.1:{port}/-/ready"):
            yield Alertmanager(f"http://127.0.0.1:{port}", amtool)


@contextmanager
def _running(command: Sequence[str], directory: Path, ready_url: str) -> Iterator[None]:
    log = directory / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(command, cwd=directory, stdout=output, stderr=subprocess.STDOUT)
    try:
        deadline = time.monotonic() + START_SECONDS
        while not _answers(ready_url):
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{command[0]} did not start:\n{log.read_text(errors='replace')[-2000:]}")
            time.sleep(0.05)
        yield
    finally:
        process.kill()
        process.wait()


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2.0) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def get_json(url: str) -> Any:
    """The JSON at an address."""
    with urllib.request.urlopen(url, timeout=10.0) as answer:
        return json.load(answer)
