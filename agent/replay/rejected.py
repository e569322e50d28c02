"""Records that a replay could not place, as ``rejects.jsonl`` has them: where each stands, why, and its bytes."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

import msgspec

from agent.state import rejects
from agent.state.rejects import Kept
from agent.visible import printable

ENCODER = msgspec.json.Encoder()


def rejected_lines(connection: sqlite3.Connection) -> Iterator[bytes]:
    """One JSON object per record, in the order of reading; its bytes as ``wachter rejects show --json`` has them."""
    return (ENCODER.encode(_record(kept)) for kept in rejects.oldest_first(connection))


def _record(kept: Kept) -> dict[str, object]:
    return {
        "topic": kept.topic,
        "partition": kept.partition,
        "offset": kept.offset,
        "reason": kept.reason,
        "detail": kept.detail,
        "size": kept.size,
        "value": printable(kept.value),
    }
