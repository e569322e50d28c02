from __future__ import annotations

import json

import msgspec
import pytest

from agent.web.masking import MOST_FIELDS, masked_fields


def fields(record: object, *reveal: str) -> dict[str, str]:
    return dict(masked_fields(json.dumps(record).encode(), reveal))


def test_values_are_masked_to_their_kind() -> None:
    record = {"a": 41.5, "b": "Ada", "c": "", "d": True, "e": None, "f": [1], "g": {}}
    assert fields(record) == {
        "a": "a number",
        "b": "a text",
        "c": "an empty text",
        "d": "true or false",
        "e": "nothing",
        "f": "a list or an object",
        "g": "a list or an object",
    }


def test_a_field_is_revealed_by_its_name_or_its_path() -> None:
    record = {"features": {"income": 41000, "sex": "F"}, "protected": {"sex": "F"}}
    assert fields(record, "income") == {
        "features.income": "41000",
        "features.sex": "a text",
        "protected.sex": "a text",
    }
    assert fields(record, "features.sex")["features.sex"] == "F"
    assert fields(record, "features.sex")["protected.sex"] == "a text"


def test_what_says_nothing_about_a_person_needs_no_mask() -> None:
    assert fields({"system_id": "lending", "occurred_at": "2026-01-01"}) == {
        "system_id": "lending",
        "occurred_at": "2026-01-01",
    }


def test_a_record_with_very_many_fields_or_long_values_is_cut() -> None:
    assert len(fields({f"f{n}": n for n in range(500)})) == MOST_FIELDS + 1
    assert len(fields({"a": "x" * 9000}, "a")["a"]) < 250


def test_what_is_no_json_is_not_guessed_at() -> None:
    with pytest.raises(msgspec.DecodeError):
        masked_fields(b"no", ())
