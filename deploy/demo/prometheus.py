"""Prometheus beside the demo's agent, where it is installed."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from deploy.demo.broker import free_port, stop

UNPACKED = Path(__file__).resolve().parents[2] / ".parts" / "debian" / "usr" / "bin"
PORT = 9090

SCRAPE = """\
global:
  scrape_interval: 1s
scrape_configs:
  - job_name: wachter
    static_configs:
      - targets: ["{target}"]
"""


@contextmanager
def running(directory: Path, agent: str) -> Iterator[str | None]:
    """Run Prometheus on what the agent at ``agent`` exposes; yields its address, or None if it is not installed."""
    binary = shutil.which("prometheus", path=os.pathsep.join([os.environ["PATH"], str(UNPACKED)]))
    if binary is None:
        yield None
        return
    address = f"127.0.0.1:{free_port(PORT)}"
    config = directory / "prometheus.yml"
    config.write_text(SCRAPE.format(target=agent.removeprefix("http://")))
    data = directory / "prometheus"
    shutil.rmtree(data, ignore_errors=True)
    command = [binary, f"--config.file={config}", f"--storage.tsdb.path={data}", f"--web.listen-address={address}"]
    with (directory / "prometheus.log").open("wb") as out:
        process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT, start_new_session=True)
    try:
        yield f"http://{address}"
    finally:
        stop(process)
