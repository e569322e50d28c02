from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.columns import NO_CODE
from detectors.texts import MAX_REMEMBERED, InvalidText, class_codes, text_of


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("car", "car"),
        (" ", " "),
        (True, "true"),
        (False, "false"),
        (3, "3"),
        (3.0, "3"),
        (-0.0, "0"),
        (2**63, str(2**63)),
    ],
)
def test_a_value_is_named_as_json_writes_it(value: object, text: str) -> None:
    assert text_of(value) == text


@pytest.mark.parametrize("value", [None, "", math.nan])
def test_nothing_has_no_name(value: object) -> None:
    assert text_of(value) is None


@pytest.mark.parametrize("value", [2.5, math.inf, [1], {"a": 1}, b"car", 2**64, 1e30, "\ud800"])
def test_what_cannot_be_a_name_is_refused(value: object) -> None:
    with pytest.raises(InvalidText):
        text_of(value)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.one_of(st.none(), st.booleans(), st.integers(-3, 3), st.floats(), st.text(max_size=2)), max_size=20))
def test_codes_do_not_depend_on_what_was_asked_before(values: list[object]) -> None:
    together = class_codes(("1", "true", "a")).encode(values)
    alone = [int(class_codes(("1", "true", "a")).encode([value])[0]) for value in values]
    assert together.tolist() == alone


def test_only_so_many_unknown_names_are_remembered() -> None:
    codes = class_codes(("a",))
    known = len(codes)
    codes.encode([f"name-{i}" for i in range(2 * MAX_REMEMBERED)])
    assert len(codes) == known + MAX_REMEMBERED


def test_classes_have_their_place_as_code_others_the_next_and_nothing_none() -> None:
    assert class_codes(("no", "yes")).encode(["yes", "no", "maybe", None, 2.5]).tolist() == [1, 0, 2, NO_CODE, NO_CODE]
