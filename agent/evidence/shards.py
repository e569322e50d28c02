"""Months of the log, as people name them: ``2026-03``, or ``2026-03..2026-05``."""

from __future__ import annotations

from config.errors import EvidenceError
from exporters.evidence.layout import is_shard

MAX_MONTHS = 240


def shards_named(text: str) -> list[str]:
    """The months of a range, both ends included; they need not exist yet.

    Raises:
        EvidenceError: it is no range of months.
    """
    first, _, last = text.partition("..")
    last = last or first
    if not (is_shard(first) and is_shard(last)) or last < first or _number(last) - _number(first) >= MAX_MONTHS:
        raise EvidenceError(f"{text!r} names no months; write 2026-03, or 2026-03..2026-05")
    return [f"{number // 12:04}-{number % 12 + 1:02}" for number in range(_number(first), _number(last) + 1)]


def _number(shard: str) -> int:
    year, month = map(int, shard.split("-"))
    return 12 * year + month - 1
