from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.errors import SettingsError
from config.mapping import JsonPath, parse_path
from config.settings import from_mapping
from tests.config import sample

steps = st.one_of(st.integers(0, 999), st.text(min_size=1, max_size=10))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("$", ()),
        ("$.request.id", ("request", "id")),
        ("$.a[0].b", ("a", 0, "b")),
        ("$['a.b']", ("a.b",)),
        ('$["it\'s"]', ("it's",)),
        (r"$['it\'s']", ("it's",)),
        ("$.größe.a-b", ("größe", "a-b")),
    ],
)
def test_a_path_names_one_place(text: str, expected: tuple[object, ...]) -> None:
    assert parse_path(text).steps == expected


@pytest.mark.parametrize(
    "text", ["", "a", "$.", "$a", "$..a", "$.a[", "$.a[-1]", "$.*", "$['']", "$.a[1000]", "$" + ".a" * 33]
)
def test_what_is_no_path_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        parse_path(text)


@given(st.lists(steps, max_size=6))
def test_a_path_survives_writing_and_reading(path: list[int | str]) -> None:
    assert parse_path(str(JsonPath(tuple(path)))).steps == tuple(path)


def mapping_mistake(**mapping: object) -> str:
    with pytest.raises(SettingsError) as caught:
        from_mapping(sample.settings(mappings=[mapping]))
    return str(caught.value)


FIELDS = {"event_id": "$.id", "occurred_at": "$.ts", "system_id": "$.s", "model": "$.m", "version": "$.v"}


def test_a_mapping_names_all_that_places_an_event() -> None:
    assert "no path for version" in mapping_mistake(fields={k: v for k, v in FIELDS.items() if k != "version"})


def test_constants_stand_in_for_fields() -> None:
    fields = {"event_id": "$.id", "occurred_at": "$.ts"}
    constants = {"system_id": "lending", "model": "credit", "version": "1"}
    from_mapping(sample.settings(mappings=[{"fields": fields, "constants": constants}]))


def test_a_field_that_the_event_type_does_not_have_is_refused() -> None:
    assert "'colour' is not a field of inference events" in mapping_mistake(fields=FIELDS | {"colour": "$.c"})


def test_one_place_is_not_a_value_and_an_object() -> None:
    assert "score lies inside prediction" in mapping_mistake(fields=FIELDS | {"prediction": "$.p", "score": "$.p.q"})


def test_a_version_that_yaml_reads_as_a_number_is_refused() -> None:
    assert 'Put it in quotes: version: "3.1"' in mapping_mistake(fields=FIELDS, constants={"version": 3.1})
