"""Verifying a log of 280 000 entries: leaves and tree alone, and with their payloads; microseconds an entry, on one core."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from bench.report import Figure
from exporters.evidence.bundle import export_bundle
from exporters.evidence.reader import LogReader
from exporters.evidence.verify import verify
from tests.exporters.evidence.whole_log import SIGNER, WholeLog

EVENTS = 280_000
STEP = 5_000
FIELDS = ",".join(f'"field_{number}":{number}.25' for number in range(30))
LEAVES_PER_SECOND = 300_000
WITH_PAYLOADS_PER_SECOND = 150_000


def run() -> Iterator[Figure]:
    with tempfile.TemporaryDirectory(prefix="wachter-bench-") as scratch:
        log = write(Path(scratch) / "log")
        leaves = fastest(log, payloads=False)
        whole = fastest(log, payloads=True)
        started = time.process_time()
        reader = LogReader(log)
        export_bundle(reader, (SIGNER.verifier,), reader.shards(), Path(scratch) / "out", "tiles", payloads=False)
        exported = time.process_time() - started
    yield _figure("verify, leaves and tree", leaves, LEAVES_PER_SECOND)
    yield _figure("verify, with payloads of 650 bytes", whole, WITH_PAYLOADS_PER_SECOND)
    yield Figure("export as tiles", exported / EVENTS * 1e6, "us/entry", note=f"{EVENTS / exported:,.0f} entries/s")


def write(directory: Path) -> Path:
    """A log with packed ranges and a loose one; payloads of about 650 bytes."""
    whole = WholeLog(directory, fields=FIELDS)
    whole.step(whole.start(), whole.settings())
    while whole.offset < EVENTS:
        whole.step(whole.events(STEP))
        whole.sign()
    return whole.close()


def fastest(log: Path, *, payloads: bool, repeats: int = 3) -> float:
    """Seconds of a core that the fastest run took."""
    seconds = []
    for _ in range(repeats):
        started = time.process_time()
        assert verify(log, (SIGNER.verifier,), payloads=payloads).ok
        seconds.append(time.process_time() - started)
    return min(seconds)


def _figure(name: str, seconds: float, wanted: int) -> Figure:
    note = f"{EVENTS / seconds:,.0f} entries/s"
    return Figure(name, seconds / EVENTS * 1e6, "us/entry", target=1e6 / wanted, note=note)
