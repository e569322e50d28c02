"""Writes a log in the C2SP layout the plain way: every tile computed from all entries, nothing incremental."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from exporters.evidence.note import Checkpoint, Signer, sign_checkpoint
from exporters.evidence.paths import bundles, encode_bundle, tiles
from exporters.evidence.tree import fold, leaf_hashes

NAME = "example.com/watch"
SIGNER = Signer(NAME, bytes(range(32)))


def write_shard(
    log: Path, entries: Sequence[bytes], shard: str = "2026-11", signers: Sequence[Signer] = (SIGNER,)
) -> bytes:
    """Write ``LOG/log.vkey`` and a shard; returns its signed checkpoint."""
    leaves = leaf_hashes(entries)
    levels = [leaves]
    while len(levels[-1]) >= 256:
        below = levels[-1]
        levels.append([fold(below[n : n + 256]) for n in range(0, len(below) // 256 * 256, 256)])
    directory = log / shard
    directory.mkdir(parents=True)
    for tile in tiles(len(entries)):
        start = tile.index * 256
        put(directory / tile.path, b"".join(levels[tile.level][start : start + tile.width]))
    for bundle in bundles(len(entries)):
        start = bundle.index * 256
        put(directory / bundle.path, encode_bundle(entries[start : start + bundle.width]))
    note = sign_checkpoint(Checkpoint(f"{NAME}/{shard}", len(entries), fold(leaves)), *signers)
    put(directory / "checkpoint", note)
    put(log / "log.vkey", f"{SIGNER.verifier}\n".encode())
    return note


def put(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def flip(path: Path, position: int = 0) -> None:
    """Flip one bit of a file."""
    data = bytearray(path.read_bytes())
    data[position] ^= 1
    path.write_bytes(data)
