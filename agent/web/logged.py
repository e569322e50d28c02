"""What the event log holds about an incident: the entries of its transitions and acts, and example events of a window.

Entries are found by the index. Events stand in the log in the order in which they were read, so those of a window are found
by bisection over their event time and a short reading on; nothing here reads the log as a whole.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

import msgspec

from agent.evidence.opened import open_payload
from agent.web.masking import masked_fields
from config.errors import EvidenceError
from exporters.dossier import Example, LogEntry
from exporters.evidence.leaf import Act, Incident, Inference, read_leaf
from exporters.evidence.payload_text import record_of
from exporters.evidence.reader import LogReader

MOST_ENTRIES = 300
LOOK_AHEAD = 2_048
"""Entries read to find the next event of a stream."""
LOOK_BACK = 2_048
"""Events are not quite in the order of their times."""
MOST_READ = 20_000
ENOUGH = 200
_INFERENCE = b'{"type":"inference"'
UNREADABLE = {
    "absent": "the log keeps no payloads",
    "erased": "its payload was erased",
    "sealed": "its payload is sealed under the key of the person it speaks of",
    "changed": "its payload is not what its entry commits to; run wachter log verify",
}


def entries_of(reader: LogReader, incident_id: str) -> tuple[LogEntry, ...]:
    """The entries of an incident's transitions and acts, oldest first; the last 300.

    Raises:
        EvidenceError: the log cannot be read.
    """
    found: list[LogEntry] = []
    for shard, index in reader.find(incident_id)[-MOST_ENTRIES:]:
        leaf = read_leaf(reader.entry(shard, index), f"{reader.path(shard)}, entry {index}")
        if isinstance(leaf, Incident | Act):
            kind = leaf.kind if isinstance(leaf, Incident) else f"act {leaf.kind}"
            found.append(LogEntry(shard, index, kind, leaf.at))
    return tuple(found)


def examples_of(
    reader: LogReader, stream: Sequence[str], span_us: tuple[int, int], most: int, reveal: Collection[str]
) -> tuple[Example, ...]:
    """Accepted events of a window, those outside their declared ranges first, then as they were read.

    Args:
        stream: system, model, version.
        span_us: start and end of the window.
        reveal: see ``masked_fields``.

    Raises:
        EvidenceError: the log cannot be read.
    """
    needle = b'"stream":' + msgspec.json.encode(list(stream))
    for shard in reader.shards():
        found = list(_inside(reader, shard, needle, span_us))
        if found:
            chosen = sorted(found, key=lambda one: (one[1].envelope != "outside", one[0]))[:most]
            return tuple(_example(reader, shard, index, leaf, reveal) for index, leaf in chosen)
    return ()


def _inside(reader: LogReader, shard: str, needle: bytes, span_us: tuple[int, int]) -> Iterator[tuple[int, Inference]]:
    begin = max(0, _first_at_or_after(reader, shard, needle, span_us[0]) - LOOK_BACK)
    found = 0
    for index, leaf in _events(reader, shard, needle, begin, begin + MOST_READ):
        if leaf.class_ == "accepted" and span_us[0] <= leaf.at < span_us[1]:
            yield index, leaf
            found += 1
        if found == ENOUGH:
            return


def _first_at_or_after(reader: LogReader, shard: str, needle: bytes, at_us: int) -> int:
    """About where events of this time begin."""
    low, high = 0, reader.size(shard)
    while high - low > LOOK_BACK:
        middle = (low + high) // 2
        event = next(_events(reader, shard, needle, middle, middle + LOOK_AHEAD), None)
        if event is not None and event[1].at < at_us:
            low = middle
        else:
            high = middle
    return low


def _events(reader: LogReader, shard: str, needle: bytes, start: int, stop: int) -> Iterator[tuple[int, Inference]]:
    """Inference events of a stream among the entries [start, stop)."""
    for index, entry in enumerate(reader.entries(shard, start, stop), start):
        if entry.startswith(_INFERENCE) and needle in entry:
            leaf = read_leaf(entry, f"{reader.path(shard)}, entry {index}")
            assert isinstance(leaf, Inference)
            yield index, leaf


def _example(reader: LogReader, shard: str, index: int, leaf: Inference, reveal: Collection[str]) -> Example:
    fields, unreadable = _fields(reader, shard, index, leaf.payload, reveal)
    return Example(f"{shard}/{index}", leaf.id, leaf.at, leaf.source, leaf.output, leaf.envelope, fields, unreadable)


def _fields(
    reader: LogReader, shard: str, index: int, commitment: bytes | None, reveal: Collection[str]
) -> tuple[tuple[tuple[str, str], ...], str]:
    """What the record carries, and where it cannot be shown, why."""
    stored = next(reader.payloads(shard, index, index + 1), None)
    if stored is None:
        return (), UNREADABLE["absent"]
    payload, flaw = open_payload(stored, commitment, lambda key_id: None)
    if payload is None or flaw:
        return (), UNREADABLE[flaw]
    try:
        return masked_fields(record_of(payload)[1], reveal), ""
    except (EvidenceError, msgspec.DecodeError, UnicodeDecodeError):
        return (), "its payload is no JSON"
