"""Rows as named columns for files: what each column is called, and what type it has in a table."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal, NamedTuple

import msgspec

from agent.clock import iso
from agent.evidence.rows import Rows
from config.settings import Model

Kind = Literal["number", "text"]


class ColumnSpec(NamedTuple):
    """A column of the output; numbers are float64 in a table, all else is text."""

    name: str
    kind: Kind


FIXED = ("event_id", "occurred_at", "system", "model", "version", "class", "topic", "partition", "offset")


def columns_of(model: Model) -> list[ColumnSpec]:
    """What the events of a model carry, in the order of the settings."""
    features = [
        ColumnSpec(f"features.{name}", "number" if column.type == "number" else "text")
        for name, column in model.enabled_columns().items()
    ]
    protected = [ColumnSpec(f"protected.{name}", "text") for name in model.protected]
    segment = [ColumnSpec(f"segment.{model.segments.by}", "text")] if model.segments is not None else []
    value: Kind = "number" if model.task == "regression" else "text"
    plain = [
        ColumnSpec("prediction", value), ColumnSpec("score", "number"), ColumnSpec("scores", "text"),
        ColumnSpec("label", value), ColumnSpec("latency_ms", "number"), ColumnSpec("status", "text"),
        ColumnSpec("subject_ref", "text"),
    ]  # fmt: skip
    return [*features, *protected, *segment, *plain]


def fixed_columns(rows: Rows) -> dict[str, list[object]]:
    """What every event has: whose it is, when it was, what became of it and where it was read."""
    events = rows.events
    models = [events.models[number] for number in events.model_of.tolist()]
    partitions = [rows.partitions[number] for number in events.partition.tolist()]
    return {
        "event_id": list(events.ids),
        "occurred_at": [iso(time_us) for time_us in events.occurred_us.tolist()],
        "system": [model.system for model in models],
        "model": [model.model for model in models],
        "version": [model.version for model in models],
        "class": list(rows.classes),
        "topic": [partition.topic for partition in partitions],
        "partition": [partition.number for partition in partitions],
        "offset": events.offset.tolist(),
    }


def as_sent(rows: Rows, specs: Sequence[ColumnSpec]) -> dict[str, Sequence[object]]:
    """The columns, values as the events carry them."""
    nothing = [None] * len(rows)
    return {**fixed_columns(rows), **{spec.name: rows.events.values.get(spec.name, nothing) for spec in specs}}


def as_table(rows: Rows, specs: Sequence[ColumnSpec]) -> dict[str, Sequence[object]]:
    """The columns, each of one type: a value that is no number is ``None`` in a column of numbers."""
    sent = as_sent(rows, specs)
    for spec in specs:
        convert = as_number if spec.kind == "number" else as_text
        sent[spec.name] = [convert(value) for value in sent[spec.name]]
    return sent


def as_number(value: object) -> float | None:
    """The number; ``None`` for what is none, and for what is not finite."""
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def as_text(value: object) -> str | None:
    """The text; of anything else its JSON, as classes and levels are called."""
    if value is None or isinstance(value, str):
        return value
    return msgspec.json.encode(value).decode()
