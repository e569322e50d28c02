"""The event contract: what producers send, by name. docs/events.md explains it to them.

An event is placed by its envelope (``ENVELOPE``); everything else is content. A record whose envelope cannot be read is
rejected with one of ``REJECT_REASONS``; content that cannot be read is counted as invalid where it belongs and rejects
nothing.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Literal

SCHEMA_VERSION = "1"

EventType = Literal["inference", "label", "oversight"]
EVENT_TYPES: tuple[EventType, ...] = ("inference", "label", "oversight")

TimeFormat = Literal["iso", "s", "ms", "us", "ns"]
TIME_FORMATS: tuple[TimeFormat, ...] = ("iso", "s", "ms", "us", "ns")

MAX_ID_BYTES = 512
"""Longest id, name of a system, model or version, in UTF-8."""

OBJECT_FIELDS = ("features", "scores", "protected", "segment")
"""Fields that hold one value per name; ``features.income`` addresses one of them."""

INFERENCE_FIELDS = (
    "event_id",
    "occurred_at",
    "system_id",
    "model",
    "version",
    *OBJECT_FIELDS,
    "prediction",
    "score",
    "label",
    "latency_ms",
    "status",
    "subject_ref",
    "trace_id",
)
LABEL_FIELDS = (
    "event_id",
    "occurred_at",
    "ref_event_id",
    "ref_occurred_at",
    "label",
    "label_source",
    "system_id",
    "model",
    "version",
)
OVERSIGHT_FIELDS = (
    "event_id",
    "occurred_at",
    "ref_event_id",
    "action",
    "actor_ref",
    "reason",
    "system_id",
    "model",
    "version",
)

FIELDS: MappingProxyType[EventType, tuple[str, ...]] = MappingProxyType(
    {"inference": INFERENCE_FIELDS, "label": LABEL_FIELDS, "oversight": OVERSIGHT_FIELDS}
)
ENVELOPE: MappingProxyType[EventType, tuple[str, ...]] = MappingProxyType(
    {
        "inference": ("event_id", "occurred_at", "system_id", "model", "version"),
        "label": ("event_id", "occurred_at", "ref_event_id", "label"),
        "oversight": ("event_id", "occurred_at", "ref_event_id", "action", "actor_ref"),
    }
)
"""Fields without which an event cannot be placed."""

OVERSIGHT_ACTIONS = ("reviewed", "overridden", "stopped")

REJECT_REASONS: MappingProxyType[str, str] = MappingProxyType(
    {
        "empty": "The record has no value: a tombstone, or zero bytes.",
        "too_large": "The record is larger than limits.max_message_bytes.",
        "bad_encoding": "The bytes are not UTF-8.",
        "bad_json": "The bytes are not one JSON value.",
        "too_deep": "The JSON is nested too deeply to be read safely.",
        "not_an_object": "The JSON is not an object.",
        "bad_cloudevent": "The CloudEvents envelope cannot be read, or carries no JSON data.",
        "no_mapping": "The topic has mappings, and none of them matches the record.",
        "unknown_schema_version": "schema_version is missing or none that this version reads.",
        "unknown_event_type": "event_type is missing or none of inference, label, oversight.",
        "missing_field": "A field that places the event is missing or null.",
        "bad_field": "A field that places the event has the wrong type, or is empty or too long.",
        "bad_time": "A time cannot be read in the declared format, or lies outside the years 1000 to 8999.",
        "unknown_model": "The settings declare no such system and model.",
        "future": "The event lies further ahead of the agent's clock than source.max_ahead.",
        "max_open_panes": "The event lies so far ahead that it would open more panes than allowed.",
        "too_many_streams": "The event would begin a stream beyond limits.max_streams.",
    }
)
"""Every named reason for which a record is set aside."""
