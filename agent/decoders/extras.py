"""Fields that nobody declared: noticed in a sample of the records, so that the others are decoded at full speed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from agent.decoders.lenient import parse_object
from agent.decoders.shape import Path, Shape, find
from config.errors import RecordRejected

SAMPLE_EVERY = 256
"""The first record of each shape in a batch is looked at, then every 256th."""
MAX_NAMES = 50
"""More distinct names in one batch are counted together."""
OTHERS = "(others)"
_MAX_NAME = 80


def count_extras(shape: Shape, payload: bytes, counts: dict[str, int]) -> None:
    """Add the undeclared fields of one record to ``counts``."""
    try:
        record = parse_object(payload)
    except RecordRejected:
        return
    for name in _extras(shape, record):
        key = ascii(name)[1:-1][:_MAX_NAME]
        if key not in counts and len(counts) >= MAX_NAMES:
            key = OTHERS
        counts[key] = counts.get(key, 0) + 1


def _extras(shape: Shape, record: dict[str, Any]) -> Iterator[str]:
    if shape.known is not None:
        yield from (name for name in record if name not in shape.known)
    for head, path in shape.objects.items():
        members = find(path, record)
        if isinstance(members, dict):
            yield from (f"{head}.{name}" for name in members if not _is_read(shape, (*path, name)))


def _is_read(shape: Shape, path: Path) -> bool:
    node = shape.tree
    for step in path:
        if step not in node.children:
            return False
        node = node.children[step]
    return True
