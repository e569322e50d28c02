"""A log to test on: entries, steps, and what lies on the disk, read back without the writer's own memory."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import msgspec

from exporters.evidence import layout
from exporters.evidence.entries import Entries
from exporters.evidence.files import DiskFiles, Files
from exporters.evidence.frames import ENTRIES, PAYLOADS, Frame, read_frames
from exporters.evidence.note import Signer
from exporters.evidence.pack import TRAILER_BYTES
from exporters.evidence.paths import decode_bundle
from exporters.evidence.payload_frame import parse
from exporters.evidence.recorded import LastSigned, Recorded
from exporters.evidence.writer import EvidenceLog

NOW_US = 1_795_000_000_000_000
"""In November 2026."""
DECEMBER_US = NOW_US + 20 * 86_400_000_000
NAME = "wachter/test/0123456789abcdef"
SIGNER = Signer(NAME, bytes(range(32)))


def entries(count: int, first: int = 0) -> Entries:
    """Inference leaves with their payloads; every seventh has none."""
    numbers = range(first, first + count)
    leaves = [b'{"type":"inference","id":"e-%d","at":%d}' % (n, n) for n in numbers]
    payloads = [None if n % 7 == 0 else b"\0payload %d" % n for n in numbers]
    return Entries(leaves, payloads, b"".join(sha256(leaf).digest() for leaf in leaves))


def open_log(
    directory: Path, recorded: Recorded | None = None, files: Files | None = None, signed: LastSigned | None = None
) -> EvidenceLog:
    files = files or DiskFiles(durable=False)
    return EvidenceLog.open(directory, SIGNER, recorded, NOW_US, name=NAME, signed=signed, files=files)


def step(log: EvidenceLog, batch: Entries, now_us: int = NOW_US) -> Recorded:
    """A whole step: what the state records in between is the result."""
    log.append(batch, now_us)
    recorded = log.sync()
    log.recorded()
    return recorded


def stored_leaves(files: Files, shard: Path) -> list[bytes]:
    """All entries of a shard, in their order, from packs and segments."""
    return [
        leaf
        for frame in _frames(files, shard, layout.PACK, ENTRIES)
        for leaf in decode_bundle(frame.raw(), frame.where, frame.head.first, frame.head.count)
    ]


def stored_payloads(files: Files, shard: Path) -> list[tuple[bytes, bytes | None]]:
    """Salt and payload of every entry of a shard, in their order."""
    return [
        (block.salt(number), payload)
        for frame in _frames(files, shard, layout.PAYLOAD, PAYLOADS)
        for block in [parse(frame.raw(), frame.head.count, frame.where)]
        for number, payload in enumerate(block.payloads())
    ]


def _frames(files: Files, shard: Path, kind: str, wanted: int) -> Iterator[Frame]:
    present = files.walk(shard)
    packed = sorted(path for path in present if layout.kind_of(path, shard) == kind)
    segments = sorted(path for path in present if layout.kind_of(path, shard) == layout.SEGMENT)
    for path in packed + segments:
        end = present[path] - TRAILER_BYTES if kind == layout.PACK and path in packed else present[path]
        with files.read(path) as file:
            yield from (frame for frame in read_frames(file, str(path), 0, end) if frame.head.kind == wanted)


def leaves_of(log: EvidenceLog, shard: str = "2026-11") -> list[bytes]:
    """The entries of a shard on the real disk."""
    return stored_leaves(DiskFiles(), log.directory / shard)


def types_of(log: EvidenceLog, shard: str = "2026-11") -> list[str]:
    """Their types."""
    return [msgspec.json.decode(leaf)["type"] for leaf in leaves_of(log, shard)]


def reopened(log: EvidenceLog, recorded: Recorded | None) -> EvidenceLog:
    """The log as another process finds it, closed again."""
    log.close()
    again = open_log(log.directory, recorded)
    again.close()
    return again
