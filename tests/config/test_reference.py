"""The schema and the page of settings are made from the settings themselves."""

from __future__ import annotations

from pathlib import Path

from config.settings import Settings
from config.settings.reference import replace_reference
from config.settings.schema import json_schema

PAGE = Path(__file__).resolve().parents[2] / "docs" / "settings.md"


def test_the_page_of_settings_is_up_to_date() -> None:
    page = PAGE.read_text()
    assert page == replace_reference(page), "run: python -m config.settings.reference docs/settings.md"


def test_the_schema_shows_defaults_as_people_write_them() -> None:
    schema = json_schema(Settings)
    assert schema["properties"]["retire_after"]["default"] == "14d"
    assert schema["$defs"]["StateSettings"]["properties"]["max_join_bytes"]["default"] == "8GiB"


def test_the_schema_knows_the_short_forms() -> None:
    columns = json_schema(Settings)["$defs"]["Model"]["properties"]["columns"]
    (column,) = columns["patternProperties"].values()
    assert {"enum": ["number", "category"], "type": "string"} in column["anyOf"]


def test_every_key_has_a_description() -> None:
    schema = json_schema(Settings)
    for name, section in schema["$defs"].items():
        for key, value in section.get("properties", {}).items():
            assert key == "type" or "description" in value, f"{name}.{key}"
