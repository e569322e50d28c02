"""``wachter log tail``: the last entries of the log."""

from __future__ import annotations

import json
import time
from collections import deque
from collections.abc import Collection, Iterator
from typing import Annotated, NamedTuple

import msgspec
import typer
from rich.markup import escape

from agent.commands.common import USAGE, AsJson, fail, time_text
from agent.commands.log.common import (
    LogArgument,
    SettingsOption,
    as_record,
    console,
    open_log,
    unreadable,
)
from agent.visible import printable
from config.errors import EvidenceError
from exporters.evidence.leaf import TYPES, read_leaf
from exporters.evidence.reader import LogReader

POLL_SECONDS = 0.5
BLOCK = 4_096
"""Entries that are read at once, from the end backwards."""

_NOT_SHOWN = frozenset(("type", "logged", "payload"))

Count = Annotated[int, typer.Option("--number", "-n", min=0, help="How many entries.")]
Follow = Annotated[bool, typer.Option("--follow", "-f", help="Go on with what is written, until interrupted.")]
Types = Annotated[
    list[str] | None, typer.Option("--type", help="Only entries of this type; repeatable.", show_default=False)
]


class Place(NamedTuple):
    """An entry and where it stands."""

    shard: str
    number: int
    entry: bytes


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(tail)


def tail(
    directory: LogArgument = None,
    settings: SettingsOption = None,
    number: Count = 20,
    follow: Follow = False,
    types: Types = None,
    as_json: AsJson = False,
) -> None:
    """Print the last entries, the newest last. With --json one object a line."""
    unknown = sorted(set(types or ()) - set(TYPES))
    if unknown:
        fail(f"there is no type {', '.join(unknown)}. Types: {', '.join(TYPES)}.", USAGE)
    reader = open_log(directory, settings)
    wanted = frozenset(types or TYPES)
    try:
        for place in last_entries(reader, number, wanted):
            _print(place, as_json)
        if follow:
            for place in _new_entries(reader, wanted):
                _print(place, as_json)
    except (EvidenceError, OSError) as error:
        unreadable(error)
    except KeyboardInterrupt:
        return


def last_entries(reader: LogReader, number: int, types: Collection[str]) -> list[Place]:
    """The last entries of some types, oldest first; read from the end, a block at a time."""
    found: deque[Place] = deque()
    for shard in reversed(reader.shards()):
        stop = reader.size(shard)
        while stop > 0 and len(found) < number:
            start = max(0, stop - BLOCK)
            block = [place for place in _entries(reader, shard, start, stop) if _type(place) in types]
            found.extendleft(reversed(block))
            stop = start
    return list(found)[-number:] if number else []


def describe(entry: bytes) -> str:
    """A leaf in a line: its members, without those that stand before them or say nothing to people."""
    members = msgspec.json.decode(entry)
    return "  ".join(f"{name}={_text(value)}" for name, value in members.items() if name not in _NOT_SHOWN)


def _new_entries(reader: LogReader, types: Collection[str]) -> Iterator[Place]:
    shard, size = _end(reader)
    while True:
        time.sleep(POLL_SECONDS)
        newest, end = _end(reader)
        if newest != shard:
            yield from (place for place in _entries(reader, shard, size, reader.size(shard)) if _type(place) in types)
            shard, size = newest, 0
        yield from (place for place in _entries(reader, shard, size, end) if _type(place) in types)
        size = end


def _end(reader: LogReader) -> tuple[str, int]:
    shards = reader.shards()
    return (shards[-1], reader.size(shards[-1])) if shards else ("", 0)


def _entries(reader: LogReader, shard: str, start: int, stop: int) -> Iterator[Place]:
    if start < stop:
        for number, entry in enumerate(reader.entries(shard, start, stop)):
            yield Place(shard, start + number, entry)


def _type(place: Place) -> str:
    return str(read_leaf(place.entry, f"{place.shard}, entry {place.number}").__struct_config__.tag)


def _print(place: Place, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(as_record(*place)))
        return
    leaf = read_leaf(place.entry, f"{place.shard}, entry {place.number}")
    begin = f"{place.shard}/{place.number}  {time_text(leaf.logged)}  [bold]{_type(place)}[/bold]"
    console().print(f"{begin}  {escape(describe(place.entry))}")


def _text(value: object) -> str:
    told = value if isinstance(value, str) else json.dumps(value)
    return printable(told.encode())
