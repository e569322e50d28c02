"""From a sample to a settings file that passes its check."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from agent.commands.init import propose
from agent.proposal.document import Origin, quoted, to_yaml
from agent.proposal.foreign import choose_fields, map_features, propose_foreign, time_format
from agent.proposal.native import NothingToPropose, Proposal, outcome_of, propose_native
from agent.proposal.sample import Sample, columns_of, sample_files
from config.settings import Model, Settings, from_text
from tests.agent.reference.credit import credit_events, label_of, sent

ORIGIN = Origin(["localhost:9092"], ["scoring"])
EVENTS = [sent(event) for event in credit_events(rows=300)]
LABELS = [label_of(event) for event in credit_events(rows=300)]


def settings_of(proposal: Proposal) -> Settings:
    return from_text(to_yaml(proposal, ORIGIN))


def model_of(proposal: Proposal) -> Model:
    return settings_of(proposal).systems[0].models[0]


def foreign_events(rows: int = 300) -> list[dict[str, Any]]:
    rng = np.random.default_rng(4)
    events = []
    for i in range(rows):
        score = float(rng.random())
        events.append(
            {
                "request": {"id": f"r{i}", "user_id": f"u{i % 40}", "ts": 1767225600000 + 1000 * i},
                "input": {"age": int(rng.integers(18, 90)), "pay-rate": float(rng.random()), "plan": f"p{i % 3}"},
                "answer": {"decision": "yes" if score > 0.6 else "no", "prob": score},
                "truth": str(rng.choice(["yes", "no"])),
            }
        )
    return events


def test_native_events_give_their_model_its_columns_and_its_groups() -> None:
    model = model_of(propose_native(EVENTS + LABELS))
    assert {name: column.type for name, column in model.columns.items()} == {
        "income": "number",
        "age": "number",
        "purpose": "category",
    }
    assert (model.name, model.task, model.classes, model.scored) == ("scoring", "binary", ("deny", "grant"), True)
    assert set(model.protected["sex"].groups) == {"F", "M"}
    assert model.labels is not None
    assert not model.labels.in_event


def test_a_first_file_for_a_usual_model_has_at_most_30_lines() -> None:
    assert to_yaml(propose_native(EVENTS + LABELS), ORIGIN).count("\n") <= 30


def test_the_positive_class_is_the_one_with_the_higher_scores() -> None:
    assert model_of(propose_native(EVENTS)).positive == "grant"
    turned = [event | {"score": 1 - event["score"]} for event in EVENTS]
    assert model_of(propose_native(turned)).positive == "deny"


def test_what_was_guessed_says_so() -> None:
    text = to_yaml(propose_native(EVENTS), ORIGIN)
    assert "positive: grant  # guessed: its events have the higher scores" in text


def test_labels_within_the_events_are_seen() -> None:
    labels = model_of(propose_native([event | {"label": "deny"} for event in EVENTS])).labels
    assert labels is not None
    assert labels.in_event


def test_without_labels_none_are_declared() -> None:
    assert model_of(propose_native(EVENTS)).labels is None


def test_of_several_models_the_one_with_most_events_is_proposed() -> None:
    other = [event | {"model": {"name": "other", "version": "1"}} for event in EVENTS[:10]]
    assert propose_native(other + EVENTS).model == "scoring"


def test_missing_values_make_a_column_optional_and_say_how_often() -> None:
    events = json.loads(json.dumps(EVENTS))
    for event in events[:30]:
        event["features"]["income"] = None
    text = to_yaml(propose_native(events), ORIGIN)
    assert "income: {type: number, required: false}  # missing in 10.0 %" in text


def test_identifiers_are_left_out_with_a_reason() -> None:
    events = json.loads(json.dumps(EVENTS))
    for i, event in enumerate(events):
        event["features"]["session"] = f"session-{i}"
    text = to_yaml(propose_native(events), ORIGIN)
    assert "# session: left out, an identifier" in text
    assert "session" not in from_text(text).systems[0].models[0].columns


@pytest.mark.parametrize(
    "name", ["yes", "NO", "null", "true", "1", "3.10", "a: b", "a #b", "- x", "", "ü", 'say "x"', "a\nb"]
)
def test_any_name_is_read_back_as_the_same_text(name: str) -> None:
    from config.settings.document import parse_document

    assert parse_document(f"key: {quoted(name)}\n{quoted(name + '_')}: 1", "test").data == {"key": name, name + "_": 1}


@pytest.mark.parametrize(
    ("predictions", "task", "classes"),
    [
        ([0.5, 1.5, 2.5], "regression", ()),
        (list(range(100)), "regression", ()),
        ([0, 1, 1, 0], "binary", ("0", "1")),
        ([True, False], "binary", ("false", "true")),
        (["a", "b", "c"], "multiclass", ("a", "b", "c")),
        (["a", "a"], "binary", ("a", "other")),
    ],
)
def test_the_task_follows_from_the_answers(predictions: list[object], task: str, classes: tuple[str, ...]) -> None:
    outcome = outcome_of(predictions, [], [], {})
    assert (outcome.task, outcome.classes) == (task, classes)


def test_a_class_that_only_labels_name_is_a_class() -> None:
    assert outcome_of(["a", "b"], ["c"], [], {}).classes == ("a", "b", "c")


def test_answers_of_endless_names_are_no_classes() -> None:
    with pytest.raises(NothingToPropose, match="is this the model's answer"):
        outcome_of([f"text {i}" for i in range(200)], [], [], {})


def test_a_foreign_shape_is_mapped_by_names_and_values() -> None:
    settings = settings_of(propose_foreign(foreign_events(), "churn"))
    (mapping,) = settings.mappings
    assert {field: str(path) for field, path in mapping.fields.items()} == {
        "event_id": "$.request.id",
        "occurred_at": "$.request.ts",
        "score": "$.answer.prob",
        "label": "$.truth",
        "prediction": "$.answer.decision",
        "subject_ref": "$.request.user_id",
        "features": "$.input",
    }
    assert mapping.time == "ms"
    assert set(settings.systems[0].models[0].columns) == {"age", "pay-rate", "plan"}


def test_features_without_a_room_of_their_own_are_mapped_one_by_one() -> None:
    events = [
        {"id": str(i), "time": "2026-01-01T00:00:00Z", "pred": i % 2, "x1": 0.5 * i, "x2": "a"} for i in range(60)
    ]
    settings = settings_of(propose_foreign(events, "m"))
    assert {name for name in settings.mappings[0].fields if name.startswith("features")} == {
        "features.x1",
        "features.x2",
    }


def test_a_needed_field_that_no_path_fits_is_named() -> None:
    with pytest.raises(NothingToPropose, match="no path looks like occurred_at among"):
        choose_fields({"$.id": ["a", "b"], "$.pred": [1, 0], "$.time": ["soon", "later"]})


@pytest.mark.parametrize(
    ("values", "unit"),
    [
        (["2026-01-01"], "iso"),
        ([1767225600], "s"),
        ([1767225600000], "ms"),
        ([1767225600000000], "us"),
        ([1767225600 * 10**9], "ns"),
    ],
)
def test_the_unit_of_times_follows_from_their_size(values: list[object], unit: str) -> None:
    assert time_format(values) == unit


def test_a_room_is_mapped_as_a_whole_only_where_all_features_are_its_members() -> None:
    assert map_features({"a": "$.input.a", "b": "$.input['b']"}) == {"features": "$.input"}
    assert map_features({"a": "$.input.a", "n": "$.n"}) == {"features.a": "$.input.a", "features.n": "$.n"}
    assert map_features({"a": "$.input.a", "deep.b": "$.input.deep.b"}) == {
        "features.a": "$.input.a",
        "features.deep.b": "$.input.deep.b",
    }


def test_the_columns_of_objects_that_differ_have_gaps() -> None:
    assert columns_of([{"a": 1}, {"b": {"c": 2}}, {"a": 3}]) == {"$.a": [1, None, 3], "$.b.c": [None, 2, None]}


def test_a_cloud_event_is_opened(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(json.dumps({"specversion": "1.0", "data": {"x": 1}}) + "\nnot json\n[1]\n")
    assert sample_files([path]) == Sample([{"x": 1}], 2, table=False)


def test_a_sample_without_objects_proposes_nothing() -> None:
    with pytest.raises(NothingToPropose, match="2 records are something else"):
        propose(Sample([], 2, table=False), "m")


def test_a_native_feature_named_as_the_models_answer_is_left_out_and_said() -> None:
    events = [event | {"features": {**event["features"], "score": 1.0 * n}} for n, event in enumerate(EVENTS)]
    proposal = propose_native(events)
    assert "score" not in model_of(proposal).columns
    assert "# score: left out, the model's own score is watched by this name" in to_yaml(proposal, ORIGIN)


def test_a_foreign_feature_named_as_the_models_answer_gets_another_name() -> None:
    events = [event | {"input": {**event["input"], "score": 300.0 + n}} for n, event in enumerate(foreign_events())]
    proposal = propose_foreign(events, "scoring")
    assert proposal.mapping["features.input_score"] == "$.input.score"
    assert {"input_score", "age"} <= set(model_of(proposal).columns)


@pytest.mark.parametrize("depth", [200, 2_000, 100_000])
@pytest.mark.parametrize("nested", [("[", "]"), ('{"a":', "}")])
def test_records_that_are_nested_too_deep_are_unreadable_and_disturb_no_other(
    tmp_path: Path, depth: int, nested: tuple[str, str]
) -> None:
    opened, closed = nested
    deep = '{"a":' + opened * depth + "1" + closed * depth + "}"
    (tmp_path / "events.jsonl").write_text(deep + "\n" + json.dumps({"a": 1}) + "\n")
    assert sample_files([tmp_path / "events.jsonl"]) == Sample([{"a": 1}], 1, False)
