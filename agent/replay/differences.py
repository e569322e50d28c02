"""What a replay of a log finds otherwise than it was recorded: the first difference of each window, and how many."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

import msgspec

ENCODER = msgspec.json.Encoder()
Kind = Literal["window", "incident", "erased", "payload", "event"]
Line = Mapping[str, Any]
JUDGED_WITH = "judged_with"
MAX_NAMED = 10_000
"""So many are written out; all are counted."""


class Differences:
    """Writes ``differences.jsonl``. Use it as a context.

    Attributes:
        counts: how many there are of each kind.
    """

    def __init__(self, path: Path) -> None:
        self.counts: Counter[Kind] = Counter()
        self._file = path.open("wb")

    def __enter__(self) -> Differences:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    @property
    def total(self) -> int:
        return sum(self.counts.values())

    def add(self, kind: Kind, what: str, **details: object) -> None:
        """Something differs; ``what`` is a sentence about it."""
        self.counts[kind] += 1
        if self.total <= MAX_NAMED:
            told = {name: value for name, value in details.items() if value is not None}
            self._file.write(ENCODER.encode({"kind": kind, "what": what} | told) + b"\n")


def first_difference(recorded: bytes, computed: bytes) -> dict[str, object]:
    """Where two documents of a window, JSON lines, or of an incident, one line, first differ, and in how many lines."""
    pairs = list(_paired(recorded, computed))
    metric, one, other = pairs[0]
    place: dict[str, object] = {"lines": len(pairs)} | metric
    if one is None or other is None:
        return place | {"missing": "recorded" if one is None else "computed"}
    field = next(name for name in (*one, *other) if one.get(name) != other.get(name))
    return place | {"field": field, "recorded": one.get(field), "computed": other.get(field)}


def rests_on_runs(recorded: bytes, computed: bytes) -> bool:
    """Whether all that differs was judged together with windows before it, on either side."""
    sides = ((one or {}, other or {}) for _, one, other in _paired(recorded, computed))
    return all(JUDGED_WITH in one or JUDGED_WITH in other for one, other in sides)


def _paired(recorded: bytes, computed: bytes) -> Iterator[tuple[dict[str, object], Line | None, Line | None]]:
    """Lines that differ: of what, and both of them."""
    mine, theirs = _by_name(recorded), _by_name(computed)
    for name in dict.fromkeys((*mine, *theirs)):
        one, other = mine.get(name), theirs.get(name)
        if one != other:
            metric, subject = name
            yield {"metric": metric, "subject": subject} if metric else {}, one, other


def _by_name(document: bytes) -> dict[tuple[str | None, str | None], Line]:
    lines = (msgspec.json.decode(line) for line in document.splitlines())
    return {(line.get("metric"), line.get("subject")): line for line in lines}
