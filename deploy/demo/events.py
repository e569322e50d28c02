"""Flights as the native events that producers send: a prediction when a flight leaves, its label when it was reported."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec
import numpy as np
import pandas as pd

from deploy.demo import flights

SYSTEM = "flight-operations"
MODEL = {"name": "arrival-delay", "version": "1.0"}


class Message(NamedTuple):
    """One event: when it is sent (microseconds of 2013), the key that decides its partition, its JSON."""

    at_us: int
    key: bytes
    value: bytes


def stream(table: pd.DataFrame) -> Iterator[Message]:
    """Predictions and labels in the order in which they were sent."""
    left = _micros(table["left"])
    reported = _micros(table["reported"])
    known = np.flatnonzero(table["reported"].notna().to_numpy())
    times = np.concatenate([left, reported[known]])
    rows = np.concatenate([np.arange(len(table)), known])
    records = table.to_dict("records")
    for position in np.argsort(times, kind="stable"):
        make = prediction if position < len(table) else label
        yield make(records[rows[position]], int(times[position]))


def prediction(flight: dict[Any, Any], at_us: int) -> Message:
    """The inference event of a flight; a number that is not known is left out."""
    numbers = {name: flight[name] for name in flights.NUMBERS if flight[name] == flight[name]}
    event = {
        "schema_version": "1",
        "event_type": "inference",
        "event_id": flight["id"],
        "occurred_at": _text(at_us),
        "system_id": SYSTEM,
        "model": MODEL,
        "features": {**numbers, **{name: flight[name] for name in flights.CATEGORIES}},
        "prediction": _outcome(flight["said_late"]),
        "score": flight["score"],
    }
    return Message(at_us, flight["id"].encode(), msgspec.json.encode(event))


def label(flight: dict[Any, Any], at_us: int) -> Message:
    """The label event of a flight; it has the key of its prediction, hence its partition."""
    event = {
        "schema_version": "1",
        "event_type": "label",
        "event_id": f"{flight['id']}-landed",
        "ref_event_id": flight["id"],
        "occurred_at": _text(at_us),
        "system_id": SYSTEM,
        "label": _outcome(flight["late"]),
        "label_source": "arrivals",
    }
    return Message(at_us, flight["id"].encode(), msgspec.json.encode(event))


def _outcome(late: bool) -> str:
    return "late" if late else "on_time"


def _micros(times: pd.Series) -> np.ndarray[Any, np.dtype[np.int64]]:
    micros: np.ndarray[Any, np.dtype[np.int64]] = times.to_numpy(dtype="datetime64[us]").astype(np.int64)
    return micros


def _text(at_us: int) -> str:
    return f"{np.datetime64(at_us, 'us')}Z"
