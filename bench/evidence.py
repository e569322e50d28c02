"""The writer of the evidence log: what an event costs, in time and on the disk. Composing leaves is not part of it."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from unittest import mock

from bench import events
from bench.report import Figure
from exporters.evidence import shard_writer
from exporters.evidence.commitment import commitments, record_payload
from exporters.evidence.edge import Edge
from exporters.evidence.entries import SEALED, Entries
from exporters.evidence.files import DiskFiles
from exporters.evidence.frames import RANGE_ENTRIES
from exporters.evidence.layout import INDEX, PACK, PAYLOAD, kind_of
from exporters.evidence.note import Signer
from exporters.evidence.seal import Sealer, subject_tags
from exporters.evidence.writer import EvidenceLog

STEP = 5_000
STEPS = 2 * RANGE_ENTRIES // STEP + 1
NOW_US = 1_795_000_000_000_000
NAME = "bench/log"
PERSONS = 500
DAY_EVENTS = 1_000 * 86_400


def run() -> Iterator[Figure]:
    plain = batch(list(events.predictions(events.rows(STEP))))
    with tempfile.TemporaryDirectory() as directory:
        append, packing, log = written(Path(directory), plain)
        with without_tree():
            bare, _, _ = written(Path(directory) / "bare", plain)
        yield Figure(
            "log: append and sync, an event", append * 1e6, "us", target=2.5, note="batches of 5 000, no fsync"
        )
        yield Figure("  without the tree", bare * 1e6, "us", note=f"the tree costs {(append / bare - 1) * 100:.0f} %")
        yield Figure("  packing, once an event", packing * 1e6, "us")
        yield from on_disk(Path(directory) / log.shard, log.size)
    with tempfile.TemporaryDirectory() as directory:
        yield from opening(Path(directory), plain)
    yield from sealing(plain)


def batch(values: Sequence[bytes]) -> Entries:
    """A step of inference entries, with leaves as the agent writes them."""
    payloads = [record_payload(value) for value in values]
    salts = os.urandom(32 * len(payloads))
    leaves = [
        b'{"type":"inference","id":"%016x%016x","at":%d,"logged":%d,"stream":["bench","credit","1"],"source":["inference",3,'
        b'%d],"class":"accepted","output":"approve","envelope":"inside","payload":"%s="}'
        % (number * 0x9E3779B97F4A7C15 % 2**64, number, NOW_US + number, NOW_US, number, commitment)
        for number, commitment in enumerate(commitments(payloads, salts))
    ]
    return Entries(leaves, payloads, salts)


def written(directory: Path, entries: Entries) -> tuple[float, float, EvidenceLog]:
    """Write steps until two ranges are packed: seconds an event of the fastest step and of packing; the log, closed."""
    log = EvidenceLog.open(directory, Signer(NAME, bytes(32)), None, NOW_US, name=NAME, files=DiskFiles(durable=False))
    appended, packed = [], []
    for _ in range(STEPS):
        log.append(entries, NOW_US)
        appended.append(seconds(log.sync))
        packed.append(seconds(log.recorded))
    log.publish(NOW_US)
    log.close()
    return min(appended) / STEP, sum(packed) / (2 * RANGE_ENTRIES), log


def seconds(work: Callable[[], object]) -> float:
    """CPU seconds of a call."""
    begun = time.process_time()
    work()
    return time.process_time() - begun


def without_tree() -> mock._patch[object]:
    """The same writer that hashes nothing."""
    return mock.patch.multiple(shard_writer, leaf_hashes=lambda leaves: [bytes(32)] * len(leaves), Edge=_NoTree)


class _NoTree(Edge):
    def extend(self, hashes: Sequence[bytes]) -> None:
        self.leaves += hashes


def on_disk(shard: Path, size: int) -> Iterator[Figure]:
    """Bytes an event in packed ranges, and files."""
    files = DiskFiles().walk(shard)
    packed = size // RANGE_ENTRIES * RANGE_ENTRIES
    for kind, what in ((PACK, "leaves"), (PAYLOAD, "payloads and salts"), (INDEX, "index")):
        stored = sum(bytes_ for path, bytes_ in files.items() if kind_of(path, shard) == kind)
        yield Figure(f"  {what}, an event on disk", stored / packed, "bytes")
    ranges = DAY_EVENTS / RANGE_ENTRIES
    yield Figure("  files a day at 1 000 events/s", 4 * ranges, "files", note="plain tiles would be 675 000")


def opening(directory: Path, entries: Entries) -> Iterator[Figure]:
    """Opening a log of eight packs and a segment that is nearly full."""
    files = DiskFiles(durable=False)
    log = EvidenceLog.open(directory, Signer(NAME, bytes(32)), None, NOW_US, name=NAME, files=files)
    for _ in range(9 * RANGE_ENTRIES // STEP):
        log.append(entries, NOW_US)
        recorded = log.sync()
        log.recorded()
    log.publish(NOW_US)
    log.close()
    begun = time.perf_counter()
    EvidenceLog.open(directory, Signer(NAME, bytes(32)), recorded, NOW_US, name=NAME, files=files).close()
    took = time.perf_counter() - begun
    yield Figure("log: opening it", took, "s", target=3, note=f"{log.bytes_on_disk / 1e6:,.0f} MB; most is one segment")


class _Keys:
    """Keys in memory."""

    def __init__(self) -> None:
        self._keys: dict[int, tuple[bytes, bytes]] = {}

    def get_or_make(self, tag: int) -> tuple[bytes, bytes]:
        return self._keys.setdefault(tag, (os.urandom(16), os.urandom(32)))


def sealing(plain: Entries) -> Iterator[Figure]:
    """Sealing the payloads of a step under the keys of its persons, and writing it."""
    tags = subject_tags([f"person-{number % PERSONS}" for number in range(STEP)], bytes(32))
    payloads = [payload or b"" for payload in plain.payloads]
    sealer = Sealer(_Keys())
    took = min(seconds(lambda: sealer.seal_all(payloads, plain.salts, tags)) for _ in range(5)) / STEP
    yield Figure("log: sealing a payload", took * 1e6, "us", note=f"{PERSONS} persons in a step of 5 000")
    blobs = sealer.seal_all(payloads, plain.salts, tags)
    sealed = Entries(plain.leaves, blobs, plain.salts, tags, bytes([SEALED]) * STEP)
    with tempfile.TemporaryDirectory() as directory:
        append, _, log = written(Path(directory), sealed)
        shard = Path(directory) / log.shard
        stored = sum(size for path, size in DiskFiles().walk(shard).items() if kind_of(path, shard) == PAYLOAD)
        yield Figure("  append and sync, an event", append * 1e6, "us")
        yield Figure(
            "  payloads and salts, an event on disk",
            stored / (2 * RANGE_ENTRIES),
            "bytes",
            note="sealed bytes do not compress",
        )
