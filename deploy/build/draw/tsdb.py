"""A recorded history in a real Prometheus."""

from __future__ import annotations

import shutil
import subprocess
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from deploy.build.draw.record import Page, history
from deploy.demo.broker import free_port, stop

START_SECONDS = 30.0


def blocks(pages: Sequence[Page], directory: Path) -> Path:
    """Write a history as blocks of a database below a directory; returns where."""
    text, database = directory / "history.txt", directory / "blocks"
    shutil.rmtree(database, ignore_errors=True)
    with text.open("w") as out:
        out.writelines(history(pages))
    command = ["promtool", "tsdb", "create-blocks-from", "openmetrics", "--max-block-duration=2160h"]
    subprocess.run([*command, str(text), str(database)], check=True, stdout=subprocess.DEVNULL)
    return database


@contextmanager
def serving(database: Path, directory: Path) -> Iterator[str]:
    """Run Prometheus over the blocks, scraping nothing; yields its address."""
    address = f"127.0.0.1:{free_port()}"
    config = directory / "empty.yml"
    config.write_text("{}\n")
    command = ["prometheus", f"--config.file={config}", f"--storage.tsdb.path={database}"]
    command += [f"--web.listen-address={address}", "--storage.tsdb.retention.time=100y"]
    command += ["--web.cors.origin=.*", "--query.lookback-delta=12h"]
    with (directory / "prometheus.log").open("wb") as out:
        process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT, start_new_session=True)
    try:
        _wait(f"http://{address}/-/ready")
        yield f"http://{address}"
    finally:
        stop(process)


def _wait(url: str) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            urllib.request.urlopen(url, timeout=2).close()
            return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
