from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from agent.decoders.lenient import UNREADABLE
from agent.source import Partition
from config.errors import SettingsError
from detectors.columns import Inferences
from tests.agent.decoders.events import decode, decoder, inference, label, reasons

PREDICT: dict[str, Any] = {
    "topic": "scoring",
    "when": {"path": "$.kind", "equals": "predict"},
    "time": "ms",
    "constants": {"system_id": "lending"},
    "fields": {
        "event_id": "$.request.id",
        "occurred_at": "$.at[0]",
        "model": "$.model[0].name",
        "version": "$.model[0].version",
        "features": "$.input",
        "features.age": "$.context['applicant.age']",
        "protected.sex": "$.context.sex",
        "segment": "$.where",
        "prediction": "$.output.class",
        "score": "$.output.p[1]",
        "latency_ms": "$.took",
        "status": "$.status",
        "subject_ref": "$.who",
    },
}
TRUTH: dict[str, Any] = {
    "topic": "scoring",
    "when": {"path": "$.kind", "equals": "truth"},
    "type": "label",
    "time": "s",
    "fields": {"event_id": "$.id", "occurred_at": "$.at", "ref_event_id": "$.of", "label": "$.is"},
}


def foreign(**changes: Any) -> dict[str, Any]:
    """The event of ``inference()`` in another shape."""
    return {
        "kind": "predict",
        "request": {"id": "e1", "noise": [1, {"a": None}]},
        "at": [1_795_464_000_123, "ms"],
        "model": [{"name": "credit", "version": "3.1"}, "spare"],
        "input": {"income": 41000.5, "purpose": "car", "age": "not this one"},
        "context": {"applicant.age": 33, "sex": "F"},
        "where": {"country": "NL"},
        "output": {"class": "approve", "p": [0.17, 0.83]},
        "took": 12.5,
        "status": "ok",
        "who": "c1",
        **changes,
    }


def same(a: Inferences | None, b: Inferences | None) -> bool:
    assert a is not None
    assert b is not None
    return (
        list(a.ids) == list(b.ids)
        and a.models == b.models
        and all(
            np.array_equal(getattr(a, name), getattr(b, name))
            for name in ("occurred_us", "model_of", "partition", "offset")
        )
        and {name: list(column) for name, column in a.values.items()}
        == {name: list(column) for name, column in b.values.items()}
    )


def test_a_mapped_event_is_the_native_event() -> None:
    native = decode([inference(), inference(event_id="e2", prediction=None, features={"age": 33})])
    mapped = decode(
        [foreign(), foreign(request={"id": "e2"}, input=None, output={"p": [None, 0.83]})], decoder(PREDICT, TRUTH)
    )
    assert same(native.inferences, mapped.inferences)


def test_a_mapped_event_is_read_by_the_typed_decoder_alone() -> None:
    (shape,) = decoder(PREDICT)._lanes.of("scoring").shapes
    (struct,) = [shape.decoder.decode(json.dumps(foreign()))]
    assert list(shape.columns([struct])["score"]) == [0.83]


def test_a_mapped_label_is_the_native_label() -> None:
    labels = decode(
        [{"kind": "truth", "id": "l1", "at": "1795550400", "of": 7, "is": True}], decoder(PREDICT, TRUTH)
    ).labels
    assert labels is not None
    assert (list(labels.ids), list(labels.ref_ids), list(labels.labels)) == (["l1"], ["7"], [True])
    assert labels.occurred_us.tolist() == [1_795_550_400_000_000]


@pytest.mark.parametrize("kind", ["other", None, 1, ["predict"]])
def test_a_record_that_no_mapping_takes_is_rejected(kind: object) -> None:
    assert reasons(decode([foreign(kind=kind), label()], decoder(PREDICT, TRUTH))) == ["no_mapping", "no_mapping"]


def test_one_true_and_their_texts_are_different_conditions() -> None:
    for equals, values in ((1, [True, "1", 1]), (True, [1, "true", True]), ("1", [1, True, "1"])):
        mapping = PREDICT | {"when": {"path": "$.kind", "equals": equals}}
        decoded = decode([foreign(kind=value) for value in values], decoder(mapping))
        assert reasons(decoded) == ["no_mapping", "no_mapping"]
        assert decoded.inferences is not None
        assert decoded.inferences.offset.tolist() == [102]


def test_the_first_mapping_that_holds_is_used() -> None:
    first = PREDICT | {"when": None, "constants": {"system_id": "lending", "status": "first"}}
    first["fields"] = {name: path for name, path in PREDICT["fields"].items() if name != "status"}
    batch = decode([foreign()], decoder(first, PREDICT)).inferences
    assert batch is not None
    assert batch.values["status"] == ["first"]


def test_two_shapes_of_inferences_in_one_partition_stay_in_the_order_of_reading() -> None:
    second = PREDICT | {"when": {"path": "$.kind", "equals": "predict2"}}
    records = [foreign(kind="predict2", request={"id": "b"}), foreign(request={"id": "a"}), foreign(kind="predict2")]
    batch = decode(records, decoder(PREDICT, second)).inferences
    assert batch is not None
    assert list(batch.ids) == ["b", "a", "e1"]
    assert batch.offset.tolist() == [100, 101, 102]


def test_another_topic_still_carries_native_events() -> None:
    settings = {"source": {"type": "kafka", "brokers": "a:1", "topics": ["scoring", "plain"]}}
    decoded = decode([inference()], decoder(PREDICT, **settings), topic=Partition("plain", 0))
    assert decoded.rejects == ()


@pytest.mark.parametrize("name", ["scoring.jsonl.zst", "/data/scoring.jsonl", "anything.jsonl"])
def test_a_file_is_read_as_the_topic_of_its_name_or_by_all_mappings(name: str) -> None:
    assert decode([foreign()], decoder(PREDICT), topic=Partition(name, 0)).rejects == ()


def test_a_mistyped_place_makes_what_lies_below_unreadable() -> None:
    records = [foreign(input=[1]), foreign(output="approve"), foreign(where=7), foreign(context=None)]
    batch = decode(records, decoder(PREDICT)).inferences
    assert batch is not None
    assert list(batch.values["features.income"]) == [UNREADABLE, 41000.5, 41000.5, 41000.5]
    assert list(batch.values["prediction"]) == ["approve", UNREADABLE, "approve", "approve"]
    assert list(batch.values["segment.country"]) == ["NL", "NL", UNREADABLE, "NL"]
    assert list(batch.values["features.age"]) == [33, 33, 33, None]


def test_a_list_that_is_too_short_has_nothing_there() -> None:
    batch = decode([foreign(output={"class": "approve", "p": [0.2]})], decoder(PREDICT)).inferences
    assert batch is not None
    assert list(batch.values["score"]) == [None]


def test_scores_of_classes_are_gathered_from_a_list() -> None:
    fields = {name: path for name, path in PREDICT["fields"].items() if name != "score"}
    fields |= {"scores.reject": "$.output.p[0]", "scores.approve": "$.output.p[1]"}
    batch = decode([foreign(), foreign(output={})], decoder(PREDICT | {"fields": fields})).inferences
    assert batch is not None
    assert list(batch.values["scores"]) == [{"reject": 0.17, "approve": 0.83}, None]


def test_one_place_may_serve_two_fields() -> None:
    fields = PREDICT["fields"] | {"subject_ref": "$.request.id", "features.purpose": "$.context.sex"}
    batch = decode([foreign()], decoder(PREDICT | {"fields": fields})).inferences
    assert batch is not None
    assert (list(batch.ids), list(batch.values["subject_ref"])) == (["e1"], ["e1"])
    assert list(batch.values["features.purpose"]) == list(batch.values["protected.sex"]) == ["F"]


def test_the_whole_record_may_be_the_features() -> None:
    fields = PREDICT["fields"] | {"features": "$"}
    batch = decode([foreign(income=5)], decoder(PREDICT | {"fields": fields})).inferences
    assert batch is not None
    assert list(batch.values["features.income"]) == [5.0]


def test_a_place_that_is_a_value_and_an_object_is_a_mistake_of_the_settings() -> None:
    fields = PREDICT["fields"] | {"features.purpose": "$.input.income.currency"}
    with pytest.raises(SettingsError, match=r"mappings\[0\].fields"):
        decoder(PREDICT | {"fields": fields})


@pytest.mark.parametrize("at", ["soon", None, 1.5e300, True, [1], 10**30])
def test_a_time_in_another_form_than_declared_is_rejected(at: object) -> None:
    assert reasons(decode([foreign(at=[at])], decoder(PREDICT))) == ["missing_field" if at is None else "bad_time"]


def test_undeclared_members_of_a_mapped_object_are_counted() -> None:
    decoded = decode([foreign(input={"income": 1, "height": 2, "age": 3})], decoder(PREDICT))
    assert decoded.extra_fields == {"features.height": 1, "features.age": 1}


def test_one_place_that_is_a_number_and_a_name_is_held_as_it_was_sent() -> None:
    fields = {**PREDICT["fields"], "prediction": "$.output.p[1]"}
    decoded = decode([foreign()], decoder({**PREDICT, "fields": fields}))
    assert decoded.inferences is not None
    assert list(decoded.inferences.values["prediction"]) == list(decoded.inferences.values["score"]) == [0.83]
