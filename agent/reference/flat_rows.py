"""Rows of a table (CSV, Parquet) as events, so that they go through the decoder that live events go through.

Without mappings in the settings a column's name says what it is:

    event_id, occurred_at, prediction, score, label, latency_ms, status, subject_ref     the field of that name
    score_<class>                                                  the score of a class of a multi-class model
    <column>, features.<column>                                    a feature that the settings declare
    <attribute>, protected.<attribute>                             a protected attribute that they declare
    <segment>, segment.<segment>                                   what they segment by
    version                                                        the version of the model

A name may be several of these (``sex`` may be a feature and protected). Without ``event_id`` a row is named by its file and
number. With mappings, a row becomes one flat JSON object of its columns, and the mappings say what they are.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

import msgspec

from config.settings.model import Model

Row = Mapping[str, object]
ToEvent = Callable[[Row, str], dict[str, object]]
"""A row and its name (for rows without an id of their own) to the event it stands for."""

TOP_FIELDS = (
    "event_id",
    "occurred_at",
    "prediction",
    "score",
    "label",
    "latency_ms",
    "status",
    "subject_ref",
)
_NUMERIC_FIELDS = frozenset({"score", "latency_ms"})
_JSON_NUMBER = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a column's value goes in the event: ``("features", "income")``; ``number`` when text is to be read as one."""

    column: str
    path: tuple[str, ...]
    number: bool


def to_json(event: Mapping[str, object]) -> bytes:
    """The event's bytes."""
    return msgspec.json.encode(event)


def native_rows(system: str, model: Model, version: str | None, columns: Sequence[str]) -> ToEvent:
    """How rows with these columns become native events of a model."""
    places = [place for column in columns for place in _places(column, model)]
    constant_version = version or "unversioned"

    def to_event(row: Row, name: str) -> dict[str, object]:
        event: dict[str, object] = {
            "schema_version": "1",
            "event_type": "inference",
            "event_id": name,
            "system_id": system,
            "model": {"name": model.name, "version": constant_version},
        }
        for place in places:
            value = plain(row[place.column], number=place.number)
            if value is not None:
                _put(event, place.path, value)
        return event

    return to_event


def unused_columns(model: Model, columns: Sequence[str]) -> tuple[str, ...]:
    """Columns of a table that no event would carry."""
    return tuple(column for column in columns if not any(_places(column, model)))


def mapped_rows(row: Row, name: str) -> dict[str, object]:
    """A row as a flat object for the mappings; text that JSON would read as a number is one."""
    return {column: _guessed(value) for column, value in row.items()}


def plain(value: object, *, number: bool = False) -> object:
    """A cell as JSON can say it: ``None`` where empty; text as a number where one is expected and it is one."""
    if value is None or value == "":
        return None
    if isinstance(value, datetime):
        return value.isoformat() + ("" if value.tzinfo else "Z")
    if isinstance(value, date):
        return f"{value.isoformat()}T00:00:00Z"
    if isinstance(value, float):
        return _finite(value)
    if isinstance(value, Decimal):
        return float(value)
    if number and isinstance(value, str):
        return _number(value)
    return value


def _places(column: str, model: Model) -> Iterator[Place]:
    regression = model.task == "regression"
    room, _, name = column.partition(".")
    if column in TOP_FIELDS:
        yield Place(column, (column,), column in _NUMERIC_FIELDS or (regression and column in ("prediction", "label")))
    if column == "version":
        yield Place(column, ("model", "version"), False)
    if column.startswith("score_") and column.removeprefix("score_") in model.classes:
        yield Place(column, ("scores", column.removeprefix("score_")), True)
    for key, names in _declared(model).items():
        named = name if room == key else column
        if named in names:
            declared = model.columns.get(named)
            number = key == "features" and declared is not None and declared.type == "number"
            yield Place(column, (key, named), number)


def _declared(model: Model) -> dict[str, frozenset[str]]:
    return {
        "features": frozenset(model.columns),
        "protected": frozenset(model.protected),
        "segment": frozenset({model.segments.by} if model.segments else ()),
    }


def _put(event: dict[str, object], path: tuple[str, ...], value: object) -> None:
    *outer, last = path
    at = event
    for key in outer:
        inner = at.setdefault(key, {})
        assert isinstance(inner, dict)
        at = inner
    at[last] = value


def _number(text: str) -> object:
    """A finite number; other text is left as it is and counts as invalid."""
    try:
        value = float(text) if "_" not in text else math.inf
    except ValueError:
        return text
    if math.isnan(value):
        return None
    return value if math.isfinite(value) else text


def _finite(value: float) -> object:
    """NaN is a missing value; an infinity is written as text, which counts as invalid."""
    if math.isnan(value):
        return None
    return value if math.isfinite(value) else str(value)


def _guessed(value: object) -> object:
    if isinstance(value, str) and _JSON_NUMBER.fullmatch(value):
        return _finite(float(value)) if any(mark in value for mark in ".eE") else int(value)
    return plain(value)
