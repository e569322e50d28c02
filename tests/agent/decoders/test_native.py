from __future__ import annotations

import pytest

from agent.decoders.lenient import UNREADABLE
from config.contract import REJECT_REASONS
from detectors.columns import ModelKey
from tests.agent.decoders.events import decode, decoder, inference, label, oversight, reasons


def test_an_inference_becomes_one_row_of_every_column() -> None:
    batch = decode([inference()]).inferences
    assert batch is not None
    assert batch.ids == ("e1",)
    assert batch.occurred_us.tolist() == [1_795_464_000_123_000]
    assert batch.models == (ModelKey("lending", "credit", "3.1"),)
    assert (batch.model_of.tolist(), batch.partition.tolist(), batch.offset.tolist()) == ([0], [3], [100])
    assert {name: list(column) for name, column in batch.values.items()} == {
        "features.income": [41000.5],
        "features.age": [33.0],
        "features.purpose": ["car"],
        "protected.sex": ["F"],
        "segment.country": ["NL"],
        "prediction": ["approve"],
        "score": [0.83],
        "scores": [None],
        "label": [None],
        "latency_ms": [12.5],
        "status": ["ok"],
        "subject_ref": ["c1"],
    }


def test_a_bare_event_has_none_in_every_column() -> None:
    event = inference()
    for name in ("features", "prediction", "score", "protected", "segment", "latency_ms", "status", "subject_ref"):
        del event[name]
    batch = decode([event]).inferences
    assert batch is not None
    assert all(list(column) == [None] for column in batch.values.values())


def test_a_label_becomes_one_row() -> None:
    labels = decode([label(ref_occurred_at="1970-01-01T00:00:01Z", system_id="lending", label=3)]).labels
    assert labels is not None
    assert (list(labels.ids), list(labels.ref_ids), list(labels.labels)) == (["l1"], ["e1"], [3])
    assert labels.ref_occurred_us.tolist() == [1_000_000]
    assert labels.addressed == [("lending", None, None)]


def test_a_label_that_says_nothing_more_is_addressed_to_all() -> None:
    labels = decode([label()]).labels
    assert labels is not None
    assert labels.ref_occurred_us.tolist() == [-1]
    assert labels.addressed == [(None, None, None)]


def test_the_three_types_are_told_apart_in_one_batch() -> None:
    decoded = decode([oversight(), inference(), label(), inference(event_id="e2"), label(event_id="l2")])
    assert decoded.inferences is not None
    assert decoded.labels is not None
    assert decoded.inferences.offset.tolist() == [101, 103]
    assert decoded.labels.offset.tolist() == [102, 104]
    assert decoded.oversights is not None
    assert list(decoded.oversights.ids) == ["o1"]
    assert decoded.rejects == ()


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (None, "empty"),
        (b"", "empty"),
        (b"{", "bad_json"),
        (b"{} {}", "bad_json"),
        (b"\xff\xfe", "bad_encoding"),
        (b"\xef\xbb\xbf{}", "bad_json"),
        (b'{"a":' * 100_000, "too_deep"),
        (b" " * 1_048_577, "too_large"),
        ([1], "not_an_object"),
        (3, "not_an_object"),
        ("text", "not_an_object"),
        ({}, "unknown_event_type"),
        (inference(event_type="prediction"), "unknown_event_type"),
        (inference(event_type=None), "unknown_event_type"),
        (inference(event_type=["inference"]), "unknown_event_type"),
        (inference(schema_version="2"), "unknown_schema_version"),
        (inference(schema_version=None), "unknown_schema_version"),
        (inference(schema_version=1), "unknown_schema_version"),
        (inference(event_id=None), "missing_field"),
        (inference(event_id=""), "bad_field"),
        (inference(event_id="x" * 513), "bad_field"),
        (inference(event_id="\N{EURO SIGN}" * 171), "bad_field"),
        (inference(event_id=True), "bad_field"),
        (inference(event_id=1.5), "bad_field"),
        (inference(event_id={"a": 1}), "bad_field"),
        (inference(event_id="\ud800"), "bad_field"),
        (inference(occurred_at=None), "missing_field"),
        (inference(occurred_at="yesterday"), "bad_time"),
        (inference(occurred_at="2026-02-30T00:00:00Z"), "bad_time"),
        (inference(occurred_at=1_795_464_000), "bad_time"),
        (inference(system_id=None), "missing_field"),
        (inference(system_id="other"), "unknown_model"),
        (inference(model=None), "missing_field"),
        (inference(model="credit"), "bad_field"),
        (inference(model={"name": "credit"}), "missing_field"),
        (inference(model={"name": "other", "version": "1"}), "unknown_model"),
        (inference(model={"name": "credit", "version": 3.1}), "bad_field"),
        (inference(model={"name": "credit", "version": "x" * 513}), "bad_field"),
        (label(ref_event_id=None), "missing_field"),
        (label(label=None), "missing_field"),
        (label(label=[1]), "bad_field"),
        (label(system_id="other"), "unknown_model"),
        (oversight(action="ignored"), "bad_field"),
        (oversight(action=None), "missing_field"),
        (oversight(actor_ref=None), "missing_field"),
    ],
)
def test_a_record_that_cannot_be_placed_is_rejected_by_name(record: object, reason: str) -> None:
    decoded = decode([inference(event_id="before"), record, inference(event_id="after")])
    assert reasons(decoded) == [reason]
    assert reason in REJECT_REASONS
    assert decoded.inferences is not None
    assert list(decoded.inferences.ids) == ["before", "after"]
    assert decoded.inferences.models == (ModelKey("lending", "credit", "3.1"),)
    (reject,) = decoded.rejects
    assert (reject.topic, reject.partition, reject.offset) == ("scoring", 0, 101)
    assert reject.detail
    assert reject.detail.isprintable()


@pytest.mark.parametrize("literal", [b"NaN", b"Infinity", b"-Infinity"])
def test_the_literals_that_python_writes_are_named(literal: bytes) -> None:
    decoded = decode([b'{"features": {"income": ' + literal + b"}}"])
    assert reasons(decoded) == ["bad_json"]
    assert decoded.rejects[0].detail == f"{literal.decode()} is no JSON; send null for a value that is missing"


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("null", None),
        ("1", 1.0),
        ("true", True),
        ('"12"', "12"),
        ("[1]", UNREADABLE),
        ("{}", UNREADABLE),
        ("1e400", UNREADABLE),
        ("-" + "9" * 400, -UNREADABLE),
        ("9" * 30, 1e30),
        ("9" * 5000, UNREADABLE),
        (r'"\ud800"', UNREADABLE),
    ],
)
def test_a_number_that_cannot_be_read_rejects_nothing(written: str, read: object) -> None:
    record = b'{"schema_version":"1","event_type":"inference","event_id":"e","occurred_at":"2026-11-23T20:00:00Z",'
    record += (
        b'"system_id":"lending","model":{"name":"credit","version":"1"},"features":{"income":%s}}' % written.encode()
    )
    decoded = decode([record])
    assert decoded.inferences is not None
    assert decoded.inferences.values["features.income"][0] == read


def test_one_bad_value_leaves_the_others_of_its_event_as_they_are() -> None:
    batch = decode([inference(features={"income": "much", "age": 33, "purpose": ["car"]})]).inferences
    assert batch is not None
    assert [batch.values[f"features.{name}"][0] for name in ("income", "age", "purpose")] == ["much", 33, UNREADABLE]
    assert batch.values["score"][0] == 0.83


def test_features_that_are_no_object_are_all_unreadable_and_null_is_missing() -> None:
    batch = decode([inference(features="none"), inference(features=None)]).inferences
    assert batch is not None
    assert list(batch.values["features.income"]) == [UNREADABLE, None]


def test_scores_that_are_no_object_are_unreadable_and_one_bad_score_is_alone() -> None:
    batch = decode([inference(scores=[0.1]), inference(scores={"approve": "x", "reject": 0.5})]).inferences
    assert batch is not None
    assert list(batch.values["scores"]) == [UNREADABLE, {"approve": "x", "reject": 0.5}]


def test_whole_numbers_are_ids() -> None:
    batch = decode([inference(event_id=17), inference(event_id=1 << 70)]).inferences
    assert batch is not None
    assert list(batch.ids) == ["17", str(1 << 70)]


def test_the_last_of_a_key_written_twice_counts_on_both_ways_of_reading() -> None:
    plain = b'{"schema_version":"1","event_type":"inference","event_id":"a","event_id":"b","occurred_at":'
    plain += b'"2026-11-23T20:00:00Z","system_id":"lending","model":{"name":"credit","version":"1"}'
    batch = decode([plain + b"}", plain + b',"score":"x"}']).inferences
    assert batch is not None
    assert list(batch.ids) == ["b", "b"]


def test_undeclared_fields_are_counted_by_name() -> None:
    decoded = decode([inference(colour="red", features={"income": 1, "height": 2, "trace\n": 3})])
    assert decoded.extra_fields == {"colour": 1, "features.height": 1, r"features.trace\n": 1}


def test_undeclared_fields_have_a_bounded_number_of_names() -> None:
    decoded = decode([inference(features={f"x{i}": 1 for i in range(1000)})])
    assert len(decoded.extra_fields) == 51
    assert decoded.extra_fields["(others)"] == 950


def test_a_rejected_record_is_kept_up_to_a_bound() -> None:
    (reject,) = decode([b"x" * 20_000]).rejects
    assert (len(reject.value), reject.size) == (16_384, 20_000)


def test_the_largest_message_is_a_setting() -> None:
    assert reasons(decode([inference()], decoder(limits={"max_message_bytes": "64B"}))) == ["too_large"]


def test_no_records_are_no_events() -> None:
    decoded = decode([])
    assert (decoded.received, decoded.inferences, decoded.labels) == (0, None, None)
