"""What a column of a sample seems to be."""

from __future__ import annotations

import pytest

from detectors.profile import Kind, profile_column

CASES: list[tuple[str, list[object], Kind]] = [
    ("income", [1.5, 2, 3e4, None], "number"),
    ("rooms", [1, 2, 3, 4, 2, 1], "number"),
    ("flag", [0, 1, 1, 0], "category"),
    ("owner", [True, False, True], "category"),
    ("purpose", ["car", "house", "", "car"], "category"),
    ("zip", ["01234", "99999", "01234"], "category"),
    ("mixed", [1.0, 2.0, "N/A", 4.0], "number"),
    ("created_at", ["2026-01-01T00:00:00Z", "2026-01-02T10:00:00+01:00"], "left_out"),
    ("birthday", ["1990-01-01", "1980-05-03"], "left_out"),
    ("ts", [1767225600, 1767225660], "left_out"),
    ("ts_ms", [1767225600000, 1767225660000], "left_out"),
    ("amount", [1767225600, 1767225660], "number"),
    ("user_id", list(range(100)), "left_out"),
    ("hash", [f"x{i}" for i in range(100)], "left_out"),
    ("tags", [["a"], ["b"]], "left_out"),
    ("empty", [None, None, float("nan")], "left_out"),
]


@pytest.mark.parametrize(("name", "values", "kind"), CASES, ids=[case[0] for case in CASES])
def test_a_column_is_proposed_by_its_values(name: str, values: list[object], kind: Kind) -> None:
    assert profile_column(name, values).kind == kind


def test_what_is_left_out_has_a_reason() -> None:
    assert all(profile_column(name, values).note for name, values, kind in CASES if kind == "left_out")


def test_a_constant_is_kept_and_flagged() -> None:
    profile = profile_column("currency", ["EUR"] * 10)
    assert (profile.kind, profile.note) == ("category", "constant in the sample")


def test_missing_values_make_a_column_optional() -> None:
    profile = profile_column("income", [1.0, None, float("nan"), ""])
    assert (profile.missing, profile.rows, profile.distinct, profile.required) == (3, 4, 1, False)


def test_many_levels_are_flagged() -> None:
    assert profile_column("city", [f"c{i % 300}" for i in range(3000)]).note == "300 levels"
