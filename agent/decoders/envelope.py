"""Placing events: whose they are, when they were, what they refer to. Whole columns at once, single rows only in trouble."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agent.decoders.blocks import pick
from agent.decoders.times import NO_TIME, iso_us, read_times
from config.contract import MAX_ID_BYTES, OVERSIGHT_ACTIONS, SCHEMA_VERSION, TimeFormat
from detectors.columns import ModelKey

_SURELY_SHORT = MAX_ID_BYTES // 4
"""So many characters never exceed the limit: UTF-8 takes at most four bytes each."""

Columns = dict[str, Sequence[Any]]


@dataclass(frozen=True, slots=True)
class Outer:
    """What an envelope around the event says, used where the event itself does not."""

    event_id: str | None = None
    occurred_at: str | None = None


@dataclass(slots=True)
class Flaws:
    """Rows that cannot be placed: reason and detail by row; the first flaw of a row counts."""

    by_row: dict[int, tuple[str, str]] = field(default_factory=dict)

    def add(self, row: int, reason: str, detail: str) -> None:
        self.by_row.setdefault(row, (reason, detail))

    def __contains__(self, row: int) -> bool:
        return row in self.by_row


def check_schema(columns: Columns, flaws: Flaws) -> None:
    """Native events say by which version of the contract they are written."""
    versions = columns.get("schema_version")
    if versions is None or versions.count(SCHEMA_VERSION) == len(versions):
        return
    for row, version in enumerate(versions):
        if version != SCHEMA_VERSION or isinstance(version, bool):
            what = "is missing" if version is None else f"is {_shown(version)}"
            flaws.add(row, "unknown_schema_version", f'schema_version {what}; this version reads "{SCHEMA_VERSION}"')


def fill_from_outer(columns: Columns, outer: Mapping[int, Outer]) -> None:
    """Event ids of the envelope where the event has none."""
    if outer:
        ids = list(columns["event_id"])
        for row, envelope in outer.items():
            ids[row] = envelope.event_id if ids[row] is None else ids[row]
        columns["event_id"] = ids


def texts(values: Sequence[Any], name: str, flaws: Flaws) -> Sequence[str]:
    """Ids as texts; a whole number is its digits. Empty, too long and other values are flaws of their row."""
    if set(map(type, values)) <= {str} and all(values) and max(map(len, values), default=0) <= _SURELY_SHORT:
        return values
    return [_text(value, name, row, flaws) for row, value in enumerate(values)]


def _text(value: Any, name: str, row: int, flaws: Flaws) -> str:
    if value is None:
        flaws.add(row, "missing_field", f"{name} is missing")
        return ""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str):
        flaws.add(row, "bad_field", f"{name} is {_shown(value)}, not a text")
        return ""
    if not value or len(value.encode()) > MAX_ID_BYTES:
        flaws.add(row, "bad_field", f"{name} is empty" if not value else f"{name} is longer than {MAX_ID_BYTES} bytes")
    return value


def optional_texts(values: Sequence[Any] | None, size: int) -> Sequence[str | None]:
    """Texts that need not be there; what is no text counts as not there."""
    if values is None:
        return [None] * size
    return [str(v) if isinstance(v, str | int) and not isinstance(v, bool) else None for v in values]


def times(columns: Columns, form: TimeFormat, outer: Mapping[int, Outer], flaws: Flaws) -> NDArray[np.int64]:
    """Event times, (n,) microseconds."""
    values = columns["occurred_at"]
    result = read_times(values, form)
    for row in np.flatnonzero(result == NO_TIME).tolist():
        envelope = outer.get(row)
        if values[row] is None and envelope is not None and envelope.occurred_at is not None:
            result[row] = iso_us(envelope.occurred_at)
        if result[row] != NO_TIME:
            continue
        if values[row] is None:
            flaws.add(row, "missing_field", "occurred_at is missing")
        else:
            flaws.add(row, "bad_time", f"occurred_at {_shown(values[row])} is no {_form(form)}")
    return result


def model_keys(
    columns: Columns, known: frozenset[tuple[str, str]], flaws: Flaws
) -> tuple[tuple[ModelKey, ...], NDArray[np.int32]]:
    """The distinct models of the rows, in order of appearance, and each row's index among them."""
    keys = _keys(columns["system_id"], columns["model"], columns["version"])
    index: dict[tuple[Any, ...], int] = {}
    models: dict[ModelKey, int] = {}
    for key in dict.fromkeys(keys):
        checked = Flaws()
        system, model, version = (
            _text(value, name, 0, checked) for value, name in zip(key, ("system_id", "model", "version"), strict=True)
        )
        if not checked.by_row and (system, model) not in known:
            checked.add(0, "unknown_model", f"system {_shown(system)} has no model {_shown(model)} in the settings")
        if checked.by_row:
            index[key] = -1
            _spread(keys, key, checked.by_row[0], flaws)
        else:
            index[key] = models.setdefault(ModelKey(system, model, version), len(models))
    return tuple(models), np.fromiter(map(index.__getitem__, keys), dtype=np.int32, count=len(keys))


def _keys(*parts: Sequence[Any]) -> list[tuple[Any, ...]]:
    """The parts' values of each row; the usual batch is of one model version, and comparing is cheaper than hashing."""
    size = len(parts[0])
    if size and all(part.count(part[0]) == size for part in parts):
        return [tuple(part[0] for part in parts)] * size
    return list(zip(*parts, strict=True))


def _spread(keys: Sequence[tuple[Any, ...]], key: tuple[Any, ...], flaw: tuple[str, str], flaws: Flaws) -> None:
    for row, other in enumerate(keys):
        if other == key:
            flaws.add(row, *flaw)


def addresses(
    columns: Columns, size: int, known: frozenset[tuple[str, str]], flaws: Flaws
) -> list[tuple[str | None, str | None, str | None]]:
    """Which model a label names, as far as it does."""
    parts = [optional_texts(columns.get(name), size) for name in ("system_id", "model", "version")]
    result = list(zip(*parts, strict=True))
    systems = {system for system, _ in known}
    for row, (system, model, _) in enumerate(result):
        if (system is not None and system not in systems) or (
            system is not None and model is not None and (system, model) not in known
        ):
            flaws.add(row, "unknown_model", f"system {_shown(system)} has no model {_shown(model)} in the settings")
    return result


def check_labels(values: Sequence[Any], flaws: Flaws) -> None:
    """A label event without a label says nothing."""
    for row, value in enumerate(values):
        if value is None:
            flaws.add(row, "missing_field", "label is missing")
        elif isinstance(value, float) and not np.isfinite(value):
            flaws.add(row, "bad_field", "label is not a text, a finite number, true or false")


def check_actions(values: Sequence[Any], flaws: Flaws) -> None:
    """What a person did, by one of the contract's names."""
    for row, value in enumerate(values):
        if value is None:
            flaws.add(row, "missing_field", "action is missing")
        elif value not in OVERSIGHT_ACTIONS:
            flaws.add(row, "bad_field", f"action {_shown(value)} is none of {', '.join(OVERSIGHT_ACTIONS)}")


def without(rows: Flaws, size: int) -> Callable[[Sequence[Any]], Sequence[Any]]:
    """A function that takes the flawed rows out of a column."""
    if not rows.by_row:
        return lambda column: column
    keep = [row for row in range(size) if row not in rows]
    return lambda column: pick(column, keep)


def _form(form: TimeFormat) -> str:
    return "ISO 8601 time, years 1000 to 8999" if form == "iso" else f"number of {form} since 1970, or too far away"


def _shown(value: Any) -> str:
    """A value inside a message: short, on one line."""
    text = ascii(value)
    return text if len(text) <= 40 else f"{text[:37]}..."
