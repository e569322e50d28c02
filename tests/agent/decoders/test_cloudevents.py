from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from agent.decoders.formats import FORMATS
from agent.source import Headers
from tests.agent.decoders.events import decode, decoder, inference, label, reasons
from tests.agent.decoders.test_mapped import PREDICT, foreign, same

BINARY: Headers = [("ce_specversion", b"1.0"), ("ce_id", b"outer"), ("ce_time", b"2026-11-23T20:00:00.123Z")]
STRUCTURED: Headers = [("Content-Type", b"application/cloudevents+json; charset=utf-8")]


def envelope(data: Any, **changes: Any) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": "outer",
        "time": "2026-11-23T20:00:00.123Z",
        "source": "/scoring",
        "type": "org.example.scored",
        "data": data,
        **changes,
    }


def without(*names: str) -> dict[str, Any]:
    return {name: value for name, value in inference().items() if name not in names}


def test_the_table_lists_both_modes() -> None:
    assert set(FORMATS) == {"cloudevents-binary", "cloudevents-structured"}


@pytest.mark.parametrize("headers", [STRUCTURED, []])
def test_a_structured_event_is_the_event_inside(headers: Headers) -> None:
    decoded = decode([envelope(inference()), envelope(inference(event_id="e2"))], headers=[headers, headers])
    assert same(decoded.inferences, decode([inference(), inference(event_id="e2")]).inferences)


def test_a_binary_event_is_the_value() -> None:
    assert same(decode([inference()], headers=[BINARY]).inferences, decode([inference()]).inferences)


@pytest.mark.parametrize("wrap", ["binary", "structured"])
def test_id_and_time_come_from_the_envelope_where_the_event_has_none(wrap: str) -> None:
    inner = without("event_id", "occurred_at")
    decoded = decode([inner], headers=[BINARY]) if wrap == "binary" else decode([envelope(inner)])
    assert decoded.inferences is not None
    assert list(decoded.inferences.ids) == ["outer"]
    assert decoded.inferences.occurred_us.tolist() == [1_795_464_000_123_000]


def test_a_label_inside_an_envelope_is_a_label() -> None:
    inner = {name: value for name, value in label().items() if name != "event_id"}
    labels = decode([envelope(inner)]).labels
    assert labels is not None
    assert list(labels.ids) == ["outer"]


def test_the_time_of_an_envelope_is_iso_whatever_the_mapping_declares() -> None:
    record = foreign(at=[], request={})
    decoded = decode([envelope(record)], decoder(PREDICT))
    assert decoded.inferences is not None
    assert decoded.inferences.occurred_us.tolist() == [1_795_464_000_123_000]


def test_data_may_be_base64() -> None:
    data = base64.b64encode(json.dumps(inference()).encode()).decode()
    decoded = decode([envelope(None, data_base64=data)])
    assert same(decoded.inferences, decode([inference()]).inferences)


def test_a_mapping_may_read_the_envelope_itself() -> None:
    mapping = {
        "fields": {"event_id": "$.id", "occurred_at": "$.time", "features": "$.data"},
        "constants": {"system_id": "lending", "model": "credit", "version": "1"},
    }
    batch = decode([envelope({"income": 5})], decoder(mapping)).inferences
    assert batch is not None
    assert (list(batch.ids), list(batch.values["features.income"])) == (["outer"], [5.0])


@pytest.mark.parametrize(
    ("record", "headers", "reason"),
    [
        (envelope(inference(), specversion="0.3"), [], "bad_cloudevent"),
        (envelope(inference(), datacontenttype="text/xml"), [], "bad_cloudevent"),
        (envelope(None, data_base64="%"), [], "bad_cloudevent"),
        (envelope(None), STRUCTURED, "bad_cloudevent"),
        (inference(), STRUCTURED, "bad_cloudevent"),
        (inference(), [("ce_specversion", b"2.0")], "bad_cloudevent"),
        (inference(), [*BINARY, ("content-type", b"application/avro")], "bad_cloudevent"),
        (envelope([1]), [], "not_an_object"),
        (envelope(inference(event_type="x")), [], "unknown_event_type"),
        (envelope(envelope(inference())), [], "unknown_event_type"),
        (without("event_id"), [("ce_specversion", b"1.0")], "missing_field"),
        (envelope(without("occurred_at"), time="late"), [], "missing_field"),
    ],
)
def test_an_envelope_that_cannot_be_opened_is_rejected_by_name(record: object, headers: Headers, reason: str) -> None:
    decoded = decode([inference(), record], headers=[[], headers])
    assert reasons(decoded) == [reason]
    assert decoded.rejects[0].value == json.dumps(record).encode()
    assert decoded.inferences is not None
    assert len(decoded.inferences) == 1
