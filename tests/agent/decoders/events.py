"""Settings, events and batches for the tests of the decoders."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from agent.decoders import Decoded, RecordDecoder, build_decoder
from agent.source import Fetched, Headers, Partition
from config.settings import from_mapping
from tests.config import sample

TOPIC = Partition("scoring", 0)
MODEL = sample.model(
    columns={"income": "number", "age": "number", "purpose": "category"},
    protected={"sex": ["F", "M"]},
    segments="country",
)


def decoder(*mappings: dict[str, Any], **changes: Any) -> RecordDecoder:
    return build_decoder(from_mapping(sample.settings(MODEL, mappings=list(mappings), **changes)))


def inference(**changes: Any) -> dict[str, Any]:
    return {
        "schema_version": "1",
        "event_type": "inference",
        "event_id": "e1",
        "occurred_at": "2026-11-23T20:00:00.123Z",
        "system_id": "lending",
        "model": {"name": "credit", "version": "3.1"},
        "features": {"income": 41000.5, "age": 33, "purpose": "car"},
        "prediction": "approve",
        "score": 0.83,
        "protected": {"sex": "F"},
        "segment": {"country": "NL"},
        "latency_ms": 12.5,
        "status": "ok",
        "subject_ref": "c1",
        **changes,
    }


def label(**changes: Any) -> dict[str, Any]:
    return {
        "schema_version": "1",
        "event_type": "label",
        "event_id": "l1",
        "occurred_at": "2026-11-24T20:00:00Z",
        "ref_event_id": "e1",
        "label": "approve",
        **changes,
    }


def oversight(**changes: Any) -> dict[str, Any]:
    return {
        "schema_version": "1",
        "event_type": "oversight",
        "event_id": "o1",
        "occurred_at": "2026-11-24T20:00:00Z",
        "ref_event_id": "e1",
        "action": "reviewed",
        "actor_ref": "a1",
        **changes,
    }


def as_bytes(record: Any) -> bytes | None:
    return record if record is None or isinstance(record, bytes) else json.dumps(record).encode()


def decode(
    records: Sequence[Any],
    using: RecordDecoder | None = None,
    headers: Sequence[Headers] = (),
    topic: Partition = TOPIC,
) -> Decoded:
    fetched = Fetched(topic, range(100, 100 + len(records)), [as_bytes(record) for record in records], headers)
    return (using or decoder()).decode([fetched], {topic: 3})


def reasons(decoded: Decoded) -> list[str]:
    return [reject.reason for reject in decoded.rejects]
