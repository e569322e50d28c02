"""A sample of events as plain objects, for a first look; live events never take this way."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from agent.reference.flat_rows import mapped_rows
from agent.reference.readers import column_names, read_file
from agent.source import Fetched

SAMPLE_RECORDS = 20_000
MAX_PATHS = 1000
MAX_DEPTH = 100
"""Objects and lists within each other."""

Event = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Sample:
    """Objects of a sample.

    Attributes:
        events: in the order of reading.
        unreadable: records that are no JSON object, or one that is nested too deep.
        table: they are rows of a table, with flat names.
    """

    events: Sequence[Event]
    unreadable: int
    table: bool


def sample_files(paths: Sequence[Path], records: int = SAMPLE_RECORDS) -> Sample:
    """The first records of files, a fair share of each.

    Raises:
        UnreadableFile: a file cannot be read.
    """
    share = max(1, records // len(paths))
    batches = (fetched for path in paths for fetched in first_of(read_file(path, lambda _: mapped_rows), share))
    return sample_of(batches, table=any(column_names(path) for path in paths))


def sample_of(batches: Iterable[Fetched], *, table: bool = False) -> Sample:
    """The objects of fetched records."""
    events: list[Event] = []
    unreadable = 0
    for fetched in batches:
        for value in fetched.values:
            event = _read(value)
            if event is None:
                unreadable += 1
            else:
                events.append(event)
    return Sample(events, unreadable, table)


def flatten(event: Event, prefix: str = "$") -> Iterator[tuple[str, object]]:
    """Every value of an object with its path, as mappings write it; lists are values."""
    for key, value in event.items():
        path = f"{prefix}.{key}" if key.isidentifier() else f"{prefix}[{_quoted(key)}]"
        if isinstance(value, dict) and value:
            yield from flatten(value, path)
        else:
            yield path, value


def columns_of(events: Sequence[Event], pick: str | None = None) -> dict[str, list[object]]:
    """Values by name, ``None`` where an event has none: of one member (``features``), or by path of all of them."""
    columns: dict[str, list[object]] = {}
    for row, event in enumerate(events):
        inner = event.get(pick) if pick else None
        pairs = flatten(event) if pick is None else (inner.items() if isinstance(inner, dict) else ())
        for name, value in pairs:
            if name in columns or len(columns) < MAX_PATHS:
                column = columns.setdefault(name, [])
                column.extend([None] * (row - len(column)))
                column.append(value)
    for column in columns.values():
        column.extend([None] * (len(events) - len(column)))
    return columns


def first_of(batches: Iterable[Fetched], records: int) -> Iterator[Fetched]:
    """Batches until there are so many records."""
    left = records
    for fetched in batches:
        yield Fetched(fetched.partition, fetched.offsets[:left], fetched.values[:left])
        left -= len(fetched)
        if left <= 0:
            return


def _read(value: bytes | None) -> Event | None:
    try:
        event = msgspec.json.decode(value) if value is not None else None
    except (msgspec.DecodeError, RecursionError):
        return None
    if isinstance(event, dict) and "specversion" in event and isinstance(event.get("data"), dict):
        event = event["data"]  # a CloudEvent: what it carries is what counts
    return event if isinstance(event, dict) and _is_within(MAX_DEPTH, event) else None


def _is_within(depth: int, value: object) -> bool:
    """Whether a value of JSON is nested no deeper."""
    if not isinstance(value, dict | list):
        return True
    return depth > 0 and all(
        _is_within(depth - 1, one) for one in (value.values() if isinstance(value, dict) else value)
    )


def _quoted(key: str) -> str:
    return "'" + key.replace("\\", "\\\\").replace("'", "\\'") + "'"
