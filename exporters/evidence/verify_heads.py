"""The signed heads of a shard, checked by themselves: signature, spelling, order. Their roots: ``verify_tree.py``."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from config.errors import NoteError
from exporters.evidence import layout
from exporters.evidence.findings import Findings
from exporters.evidence.note import Checkpoint, Verifier, verify

_SEPARATOR = re.compile(rb"^--- (\d+)\n", re.MULTILINE)


class Head(NamedTuple):
    """A head whose signature verified.

    Attributes:
        size, root: of the tree it covers; origin: of the log and shard.
        note: as it stands; where: file and byte; signed_by: the keys that signed it.
    """

    size: int
    root: bytes
    origin: str
    note: bytes
    where: str
    signed_by: tuple[Verifier, ...]


def check_heads(
    shard: Path, verifiers: Sequence[Verifier], findings: Findings, *, live: bool, finished: bool
) -> list[Head]:
    """The heads of a shard that verify, in their order.

    Args:
        live: a writer is at work: ``checkpoint`` may lag behind ``checkpoints`` for a moment.
        finished: nobody writes to this shard any more.
    """
    path = shard / layout.CHECKPOINTS
    published = _read(shard / layout.CHECKPOINT)  # first: a writer puts it into ``checkpoints`` before
    data = _read(path) or b""
    heads = list(_ascending(_parse(path, data, verifiers, findings, finished), shard.name, findings))
    _check_published(shard, published, data, heads, findings, live=live)
    return heads


def open_head(note: bytes, verifiers: Sequence[Verifier], where: str) -> Head:
    """A note as a head.

    Raises:
        NoteError: it does not verify, or bears signatures of keys that are not known.
    """
    verified = verify(note, verifiers)
    lines = note.rpartition(b"\n\n")[2].count(b"\n")
    if lines != len(verified.signed_by):
        raise NoteError(f"{lines - len(verified.signed_by)} of its {lines} signatures are of keys that are not known")
    checkpoint = Checkpoint.parse(verified.text)
    if checkpoint.extensions:
        raise NoteError("it has lines behind the root, which this log never writes")
    return Head(checkpoint.size, checkpoint.root, checkpoint.origin, note, where, verified.signed_by)


def _parse(
    path: Path, data: bytes, verifiers: Sequence[Verifier], findings: Findings, finished: bool
) -> Iterator[Head]:
    start = 0
    for found in _SEPARATOR.finditer(data):
        where = f"{path}, byte {start}"
        note, start = data[start : found.start()], found.end()
        try:
            head = open_head(note, verifiers, where)
        except NoteError as error:
            findings.add(where, f"a checkpoint does not verify: {error}", "note")
            continue
        if found[1] != b"%d" % head.size:
            findings.add(where, f"the line behind the checkpoint of size {head.size} says {found[1].decode()}", "line")
        yield head
    _check_tail(f"{path}, byte {start}", data[:start], data[start:], findings, finished)


def _check_tail(where: str, notes: bytes, tail: bytes, findings: Findings, finished: bool) -> None:
    """What lies behind the last whole note: the beginning of one whose writing was interrupted, or what nobody wrote."""
    origin = notes.partition(b"\n")[0] + b"\n"
    begun = min(len(tail), len(origin))
    if not tail:
        return
    if notes and tail[:begun] != origin[:begun]:
        findings.add(where, f"{len(tail)} bytes that are no checkpoint")
    elif finished:
        findings.add(where, f"{len(tail)} bytes behind the last checkpoint of a month that has ended")
    else:
        findings.note(where, f"{len(tail)} bytes of a checkpoint that was not written to its end, and never published")


def _ascending(heads: Iterator[Head], shard: str, findings: Findings) -> Iterator[Head]:
    last: Head | None = None
    for head in heads:
        if not head.origin.endswith(f"/{shard}"):
            findings.add(head.where, f"a checkpoint of {head.origin!r}, not of shard {shard}", "origin")
            continue
        if last is not None and head.size <= last.size:
            findings.add(head.where, f"a checkpoint of size {head.size} behind one of size {last.size}", "order")
            continue
        if last is not None and head.origin != last.origin:
            findings.add(head.where, f"a checkpoint of {head.origin!r} behind one of {last.origin!r}", "origin")
        last = head
        yield head


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None


def _check_published(
    shard: Path, published: bytes | None, data: bytes, heads: list[Head], findings: Findings, *, live: bool
) -> None:
    """``checkpoint`` is the last head of ``checkpoints``."""
    path = shard / layout.CHECKPOINT
    if published is None:
        if data and not live:
            findings.add(path, "the file is missing, though checkpoints were signed")
        return
    if not data:
        findings.add(shard / layout.CHECKPOINTS, "the file is missing or empty, though a checkpoint was published")
    elif not heads or published != heads[-1].note:
        older = next((head for head in heads if head.note == published), None)
        if older is None:
            findings.add(path, "not the last one of checkpoints: it was changed, or another one is missing there")
        elif not live:
            findings.add(
                path,
                f"the checkpoint of size {older.size}, though one of size {heads[-1].size} was signed: put back, or "
                "the writer was interrupted at this very place; the agent mends that when it starts",
            )
