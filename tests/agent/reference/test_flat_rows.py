"""Rows of tables as native events."""

from __future__ import annotations

import csv
import json
import math
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from agent.reference.flat_rows import mapped_rows, native_rows, plain, unused_columns
from config.settings import Model, from_text
from tests.agent.reference.credit import SETTINGS, credit_events, credit_settings, reference_of, write_lines


def model_of(extra: str = "") -> Model:
    return from_text(SETTINGS + extra).systems[0].models[0]


def test_column_names_say_where_a_value_goes() -> None:
    columns = ["event_id", "occurred_at", "income", "purpose", "sex", "prediction", "score", "label", "comment"]
    to_event = native_rows("credit", model_of(), "3", columns)
    cells = ["e1", "2026-01-01T00:00:00Z", "41000.5", "car", "F", "grant", "0.7", "deny", "hi"]
    assert to_event(dict(zip(columns, cells, strict=True)), "row") == {
        "schema_version": "1",
        "event_type": "inference",
        "event_id": "e1",
        "occurred_at": "2026-01-01T00:00:00Z",
        "system_id": "credit",
        "model": {"name": "scoring", "version": "3"},
        "features": {"income": 41000.5, "purpose": "car"},
        "protected": {"sex": "F"},
        "prediction": "grant",
        "score": 0.7,
        "label": "deny",
    }
    assert unused_columns(model_of(), columns) == ("comment",)


def test_a_row_without_an_id_is_named_by_its_place() -> None:
    to_event = native_rows("credit", model_of(), None, ["income"])
    assert to_event({"income": 1.0}, "rows.csv:7")["event_id"] == "rows.csv:7"


def test_names_with_their_room_are_read_too() -> None:
    columns = ["features.income", "protected.sex", "version"]
    event = native_rows("credit", model_of(), None, columns)(
        {"features.income": 2, "protected.sex": "M", "version": "9"}, "r"
    )
    assert (event["features"], event["protected"]) == ({"income": 2}, {"sex": "M"})
    assert event["model"] == {"name": "scoring", "version": "9"}


def test_a_column_may_be_a_feature_and_protected() -> None:
    model = model_of("        segments: sex\n".replace("sex", "age"))
    event = native_rows("credit", model, None, ["age"])({"age": 30}, "r")
    assert (event["features"], event["segment"]) == ({"age": 30}, {"age": 30})


def test_empty_cells_are_absent() -> None:
    event = native_rows("credit", model_of(), None, ["income", "purpose"])({"income": "", "purpose": None}, "r")
    assert "features" not in event


@pytest.mark.parametrize(
    ("cell", "number", "expected"),
    [
        ("1e3", True, 1000.0),
        ("1e3", False, "1e3"),
        ("n/a", True, "n/a"),
        ("1_000", True, "1_000"),
        ("nan", True, None),
        ("inf", True, "inf"),
        (math.nan, True, None),
        (math.inf, True, "inf"),
        (True, True, True),
        (datetime(2026, 1, 2, 3, 4, 5, 600), False, "2026-01-02T03:04:05.000600Z"),
        (datetime(2026, 1, 2, tzinfo=UTC), False, "2026-01-02T00:00:00+00:00"),
        (date(2026, 1, 2), False, "2026-01-02T00:00:00Z"),
    ],
)
def test_a_cell_has_one_meaning(cell: object, number: bool, expected: object) -> None:
    assert plain(cell, number=number) == expected


def test_for_mappings_text_that_json_reads_as_a_number_is_one() -> None:
    row = {"a": "12", "b": "-1.5e3", "c": "007", "d": "", "e": "1e999", "f": "x"}
    assert mapped_rows(row, "r") == {"a": 12, "b": -1500.0, "c": "007", "d": None, "e": "inf", "f": "x"}


def test_csv_rows_and_native_events_make_the_same_reference(tmp_path: Path) -> None:
    events = credit_events(rows=200)
    table = tmp_path / "rows.csv"
    with table.open("w", newline="") as file:
        names = ["event_id", "occurred_at", "income", "age", "purpose", "sex", "prediction", "score"]
        writer = csv.DictWriter(file, names, extrasaction="ignore")
        writer.writeheader()
        writer.writerows(event | event["features"] | event["protected"] for event in events)
    lines = write_lines(tmp_path / "events.jsonl", events)
    assert reference_of(table).tables.to_bytes() == reference_of(lines).tables.to_bytes()


def test_mapped_csv_rows_make_the_same_reference(tmp_path: Path) -> None:
    mapping = """
mappings:
  - constants: {system_id: credit, model: scoring, version: "1"}
    fields:
      {event_id: $.id, occurred_at: $.time, features.income: $.salary, prediction: $.said, score: $.p}
"""
    events = credit_events(rows=100)
    for event in events:
        event["features"] = {"income": event["features"]["income"]}
        del event["protected"]
    table = tmp_path / "rows.csv"
    with table.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "time", "salary", "said", "p"])
        writer.writerows(
            [e["event_id"], e["occurred_at"], e["features"]["income"], e["prediction"], e["score"]] for e in events
        )
    mapped = reference_of(table, settings=credit_settings(mapping))
    assert mapped.tables.to_bytes() == reference_of(write_lines(tmp_path / "e.jsonl", events)).tables.to_bytes()


def test_scores_of_classes_are_columns_of_their_own() -> None:
    settings = json.loads(json.dumps({"name": "m", "task": "multiclass", "classes": ["a", "b", "c"]}))
    event = native_rows("s", Model.model_validate(settings), None, ["score_a", "score_b", "score_z"])(
        {"score_a": "0.25", "score_b": "0.75", "score_z": "1"}, "r"
    )
    assert event["scores"] == {"a": 0.25, "b": 0.75}
