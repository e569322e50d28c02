"""The floor: what any Python consumer must pay. kafka-python's poll, typed decode by msgspec, columns as numpy arrays.

``python -m bench.floor BROKER TOPIC N`` reads N events and prints the CPU seconds they took as JSON.
"""

from __future__ import annotations

import gc
import json
import sys
import time
from operator import attrgetter
from typing import Any

import msgspec
import numpy as np
from kafka import KafkaConsumer

from bench.events import CATEGORIES, NUMBERS

BATCH = 5_000

Features: Any = msgspec.defstruct(
    "Features",
    [*((name, float | None, None) for name in NUMBERS), *((name, str | None, None) for name in CATEGORIES)],
    gc=False,
)
Model: Any = msgspec.defstruct("Model", [("name", str), ("version", str)], gc=False)
Inference: Any = msgspec.defstruct(
    "Inference",
    [("event_id", str), ("occurred_at", str), ("system_id", str), ("model", Model), ("features", Features),
     ("prediction", str | None, None), ("score", float | None, None)],
    gc=False, tag_field="event_type", tag="inference",
)  # fmt: skip
Label: Any = msgspec.defstruct(
    "Label",
    [("event_id", str), ("ref_event_id", str), ("occurred_at", str), ("label", str)],
    gc=False, tag_field="event_type", tag="label",
)  # fmt: skip

_decode = msgspec.json.Decoder(Inference | Label).decode
_inference = attrgetter(
    *(f"features.{name}" for name in NUMBERS + CATEGORIES), "prediction", "score", "event_id", "occurred_at"
)
_label = attrgetter("event_id", "ref_event_id", "label", "occurred_at")


def columns(values: list[bytes]) -> None:
    """Decode a batch into columns: numbers and times as arrays, everything else as sequences."""
    gc.disable()
    events = [_decode(value) for value in values]
    inferences = list(zip(*(_inference(event) for event in events if type(event) is Inference), strict=True))
    labels = list(zip(*(_label(event) for event in events if type(event) is Label), strict=True))
    gc.enable()
    if inferences:
        np.array(inferences[: len(NUMBERS)], dtype=np.float64)
        _times(inferences[-1])
    if labels:
        _times(labels[-1])


def _times(texts: tuple[str, ...]) -> Any:
    return np.array([text[:26] for text in texts], dtype="datetime64[us]")


def consume(broker: str, topic: str, n: int) -> dict[str, float]:
    """Read n events; ``cpu`` and ``wall`` seconds of poll, decode and columns, ``decode`` the CPU of the latter two."""
    consumer: Any = KafkaConsumer(
        topic, bootstrap_servers=broker, group_id=None, auto_offset_reset="earliest", enable_auto_commit=False,
        max_poll_records=BATCH, fetch_max_wait_ms=50,
    )  # fmt: skip
    skipped = 0
    while skipped == 0:  # connecting is not what is measured, so neither is the first batch
        skipped = len(_poll(consumer))
    seen, decoding = 0, 0.0
    cpu, wall = time.process_time(), time.perf_counter()
    while seen < n - skipped:
        values = _poll(consumer)
        at = time.process_time()
        if values:
            columns(values)
        decoding += time.process_time() - at
        seen += len(values)
    measured = {
        "events": seen,
        "cpu": time.process_time() - cpu,
        "decode": decoding,
        "wall": time.perf_counter() - wall,
    }
    consumer.close()
    return measured


def _poll(consumer: Any) -> list[bytes]:
    return [record.value for records in consumer.poll(1_000).values() for record in records]


if __name__ == "__main__":
    print(json.dumps(consume(sys.argv[1], sys.argv[2], int(sys.argv[3]))))
