"""Erasing persons from everything that the agent keeps: payloads of the log, and the state beside it.

What goes: payloads that name a person, labels and reviews of these decisions, unreadable records whose bytes hold the name,
keys of sealed payloads, rejected records, notices that wait, comments on acts, labels that wait. What stays: leaves, which
name nobody, measured windows, which are counts, and until their label horizon has passed, the hashes by which labels find
their predictions.
"""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import msgspec

from agent.join.labels import seed_of
from agent.state import evidence, rejects
from agent.state.store import Store
from config.errors import StateError
from detectors.encode import text_hashes

Holds = Callable[[bytes], bool]
_WORD = rb"[0-9A-Za-z_\-]"

_ROWS = (
    ("rejects", "SELECT number, value, detail FROM rejects"),
    ("outbox", "SELECT sequence, notice FROM outbox"),
    ("acts", "SELECT id, comment FROM act WHERE comment <> ''"),
)


@dataclass(frozen=True, slots=True)
class Persons:
    """Those who are to be forgotten.

    Attributes:
        tags: of their payloads; holds: tells their names in bytes, as words of their own.
    """

    names: Sequence[str]
    tags: Sequence[int]
    holds: Holds


def holds_any(names: Sequence[str]) -> Holds:
    """Tells whether bytes hold one of these names, as JSON or as they are, not as a part of a longer word."""
    if not names:
        return lambda data: False
    spellings = {spelling for name in names for spelling in _spellings(name)}
    pattern = re.compile(
        rb"(?<!" + _WORD + rb")(?:" + rb"|".join(map(re.escape, sorted(spellings))) + rb")(?!" + _WORD + rb")"
    )
    return lambda data: pattern.search(data) is not None


def _spellings(name: str) -> Iterator[bytes]:
    """As it is, as JSON writes it with and without escapes, and in two bytes a character."""
    yield from (name.encode(code) for code in ("utf-8", "utf-16-le", "utf-16-be"))
    yield from (json.dumps(name, ensure_ascii=escaped)[1:-1].encode() for escaped in (False, True))


def ranges_of(entries: Collection[int]) -> list[tuple[int, int]]:
    """Entries as ranges, both ends included, ascending."""
    ordered = sorted(entries)
    if not ordered:
        return []
    breaks = [(before, after) for before, after in pairwise(ordered) if after != before + 1]
    starts = [ordered[0], *(after for _, after in breaks)]
    ends = [*(before for before, _ in breaks), ordered[-1]]
    return list(zip(starts, ends, strict=True))


def document_of(entries: Mapping[str, Collection[int]]) -> bytes:
    """What the erasure's entry commits to: a line for each shard."""
    lines = ({"shard": shard, "entries": ranges_of(chosen)} for shard, chosen in sorted(entries.items()))
    return b"".join(msgspec.json.encode(line) + b"\n" for line in lines)


def erase_from_state(connection: sqlite3.Connection, persons: Persons, decisions: Collection[str]) -> dict[str, int]:
    """Delete what the state keeps of persons, inside the caller's transaction; how many rows of what.

    Args:
        decisions: ids of their events.
    """
    connection.execute("PRAGMA secure_delete = ON")
    found = {table: _rows_that_hold(connection, query, persons.holds) for table, query in _ROWS}
    rejects.delete(connection, [number for (number,) in found["rejects"]])
    connection.executemany("DELETE FROM outbox WHERE sequence = ?", found["outbox"])
    connection.executemany("UPDATE act SET comment = '' WHERE id = ?", found["acts"])
    labels = _waiting_labels(connection, decisions)
    connection.executemany("DELETE FROM pending_label WHERE id = ?", labels)
    keys = evidence.delete_subject_keys(connection, persons.tags)
    return {table: len(rows) for table, rows in found.items()} | {"pending_labels": len(labels), "keys": keys}


def scrub(store: Store) -> None:
    """Let nothing that was deleted be left in the files of the state: neither in free pages nor in the write-ahead log.

    Raises:
        StateError: somebody reads the state just now, or the disk refuses it; to be tried again.
    """
    try:
        store.connection.execute("VACUUM")
    except sqlite3.Error as error:
        raise StateError(f"{store.directory}: the state cannot be compacted now ({error})") from error
    store.settle()


def incidents_that_hold(connection: sqlite3.Connection, holds: Holds) -> list[str]:
    """Incidents in whose words somebody has named a person."""
    rows = connection.execute("SELECT id, line FROM incident")
    return [str(incident) for incident, line in rows if holds(bytes(line))]


def _rows_that_hold(connection: sqlite3.Connection, query: str, holds: Holds) -> list[tuple[int]]:
    """Numbers of the rows in which any of the other columns holds a name."""
    rows = connection.execute(query)
    return [(number,) for number, *values in rows if any(holds(_bytes(value)) for value in values)]


def _bytes(value: str | bytes) -> bytes:
    return value.encode("utf-8", "surrogatepass") if isinstance(value, str) else value


def _waiting_labels(connection: sqlite3.Connection, decisions: Collection[str]) -> list[tuple[int]]:
    """Labels of these events that have not met their predictions."""
    names = sorted(decisions)
    found: list[tuple[int]] = []
    for system, model in connection.execute("SELECT DISTINCT system, model FROM pending_label").fetchall():
        hashes = set(text_hashes(names, seed_of(system, model)).tolist()) if names else set()
        rows = connection.execute("SELECT id, body FROM pending_label WHERE system = ? AND model = ?", (system, model))
        found += [(number,) for number, body in rows if msgspec.json.decode(body)["ref_hash"] in hashes]
    return found
