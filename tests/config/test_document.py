from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.errors import SettingsError
from config.settings.document import format_location, parse_document, read_document


def test_the_country_norway_is_a_text_and_times_are_not_numbers() -> None:
    document = parse_document("levels: [NO, 10:30, 1_000, 0o17, 2026-01-01]\n", "f")
    assert document.data["levels"] == ["NO", "10:30", "1_000", "0o17", "2026-01-01"]


def test_only_true_and_false_are_truth_values() -> None:
    document = parse_document("a: true\nb: False\nc: yes\nd: off\n", "f")
    assert document.data == {"a": True, "b": False, "c": "yes", "d": "off"}


def test_numbers_are_decimal() -> None:
    assert parse_document("a: [1, -2, 1.5, 1e3, .5, ~, ]\n", "f").data["a"] == [1, -2, 1.5, 1000.0, 0.5, None]


def test_a_key_is_the_text_that_was_written() -> None:
    assert list(parse_document('versions: {3.10: a, "3.1": b}\n', "f").data["versions"]) == ["3.10", "3.1"]


def test_every_key_and_element_knows_its_line() -> None:
    lines = parse_document("a:\n  - b: 1\n  - c: 2\n", "f").lines
    assert (lines["a",], lines["a", 0], lines["a", 1, "c"]) == (1, 2, 3)


def test_every_duplicate_key_is_reported_with_its_line() -> None:
    problems = parse_document("a: 1\na: 2\nb: {c: 1, c: 2}\n", "f").problems
    assert [(p.path, p.line) for p in problems] == [("a", 2), ("b.c", 3)]


def test_a_merge_key_takes_what_is_not_written_beside_it() -> None:
    document = parse_document("x: &base {a: 1, b: 2}\ny: {<<: *base, b: 3}\n", "f")
    assert document.data["y"] == {"a": 1, "b": 3}
    assert document.problems == []


def test_a_syntax_error_names_line_and_column() -> None:
    with pytest.raises(SettingsError) as caught:
        parse_document("a: 1\nb: c: d\n", "wachter.yaml")
    assert caught.value.problems[0].path == "wachter.yaml:2:5"


def test_a_tab_is_called_a_tab() -> None:
    with pytest.raises(SettingsError, match="a tab where YAML allows only spaces"):
        parse_document("a:\n\tb: 1\n", "f")


@pytest.mark.parametrize("text", ["", "# nothing\n", "[1, 2]\n", "text\n"])
def test_a_file_that_is_no_mapping_is_refused(text: str) -> None:
    with pytest.raises(SettingsError, match="the file is"):
        parse_document(text, "f")


def test_a_value_that_contains_itself_is_a_mistake() -> None:
    assert parse_document("a: &x [*x]\n", "f").problems[0].what == "the value contains itself"


def test_a_tag_is_a_mistake_and_runs_nothing() -> None:
    document = parse_document('a: !!python/object/apply:os.system ["true"]\nb: !x 1\n', "f")
    assert [problem.path for problem in document.problems][-1] == "b"


def test_a_missing_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot be read: No such file"):
        read_document(tmp_path / "none.yaml")


def test_bytes_that_are_no_text_are_said(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"a: \xff\n")
    with pytest.raises(SettingsError, match="byte 3 is not UTF-8"):
        read_document(tmp_path / "f")


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused_by_name(text: str) -> None:
    with suppress(SettingsError):
        parse_document(text, "f")


def test_a_location_is_written_as_in_the_file() -> None:
    assert format_location(("systems", 0, "columns", "a.b")) == "systems[0].columns['a.b']"
