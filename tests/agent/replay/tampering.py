"""Changes to the payloads of a log that nobody wrote: frames are composed anew, so that only replaying or proofs notice."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from exporters.evidence import layout
from exporters.evidence.entries import SALT_BYTES
from exporters.evidence.frames import PAYLOADS, FrameEncoder, read_frames
from exporters.evidence.payload_frame import ERASED, PayloadBlock, parse

Change = Callable[[bytes], bytes | None]


def change_payload(log: Path, old: bytes, new: bytes) -> str:
    """Replace a text in the first payload of a record that holds it; returns the name of its entry."""
    return _change_first(log, old, lambda payload: payload.replace(old, new, 1))


def erase_payloads(log: Path, text: bytes) -> str:
    """Erase the first payload of a record that holds a text; returns the name of its entry."""
    return _change_first(log, text, lambda payload: None)


def _change_first(log: Path, text: bytes, change: Change) -> str:
    for shard in layout.shards(log):
        for file in sorted((log / shard / layout.SEGMENT).rglob("*")):
            found = _change_file(file, text, change)
            if found is not None:
                return f"{shard}, entry {found}"
    raise AssertionError(f"no payload holds {text!r}")


def _change_file(file: Path, text: bytes, change: Change) -> int | None:
    encoder, changed, whole = FrameEncoder(), None, b""
    with file.open("rb") as opened:
        for frame in read_frames(opened, str(file)):
            data = frame.data
            if frame.head.kind == PAYLOADS and changed is None:
                block = parse(frame.raw(), frame.head.count, frame.where)
                at = _find(block, text)
                if at is not None:
                    changed = frame.head.first + at
                    raw = _with(block, at, change).to_bytes()
                    data = encoder.encode(PAYLOADS, frame.head.first, frame.head.count, raw)
            whole += data
    file.write_bytes(whole)
    return changed


def _find(block: PayloadBlock, text: bytes) -> int | None:
    """The first record, not a document, that holds the text."""
    held = (payload is not None and payload[:1] == b"\0" and text in payload for payload in block.payloads())
    return next((at for at, is_held in enumerate(held) if is_held), None)


def _with(block: PayloadBlock, at: int, change: Change) -> PayloadBlock:
    payloads, lengths, salts = list(block.payloads()), block.lengths.copy(), bytearray(block.salts)
    payloads[at] = change(payloads[at] or b"")
    changed = payloads[at]
    lengths[at] = ERASED if changed is None else len(changed)
    if changed is None:
        salts[SALT_BYTES * at : SALT_BYTES * (at + 1)] = bytes(SALT_BYTES)
    blobs = b"".join(payload for payload in payloads if payload is not None)
    return PayloadBlock(np.asarray(block.subjects), lengths, block.forms, bytes(salts), blobs)
