"""Secrets never print: not whole, not in part, not in mistakes."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.errors import SettingsError
from config.settings import KafkaSource, Settings, from_mapping
from config.settings.schema import json_schema
from tests.config import sample

SECRET = "hunter2-correct-horse"


def with_secrets(tmp_path: Path) -> Settings:
    (tmp_path / "password").write_text(f"{SECRET}\n")
    data = sample.settings(
        receivers=[
            {"type": "webhook", "name": "a", "url": "http://x", "secret": SECRET, "headers": {"Authorization": SECRET}}
        ]
    )
    data["source"]["sasl"] = {"mechanism": "PLAIN", "username": "agent", "password_file": "password"}
    return from_mapping(data, tmp_path)


def test_a_secret_is_read_from_its_file_without_the_line_break(tmp_path: Path) -> None:
    source = with_secrets(tmp_path).source
    assert isinstance(source, KafkaSource)
    assert source.sasl is not None
    assert source.sasl.password is not None
    assert source.sasl.password.get_secret_value() == SECRET


def test_no_way_of_printing_settings_shows_a_secret(tmp_path: Path) -> None:
    settings = with_secrets(tmp_path)
    for text in (
        repr(settings),
        str(settings),
        f"{settings!r:>5}",
        str(settings.model_dump()),
        settings.model_dump_json(),
        settings.model_dump_json(by_alias=True),
        str(json_schema(Settings)),
        repr(settings.source),
        repr(settings.receivers),
    ):
        assert SECRET not in text


@pytest.mark.parametrize(
    "sasl",
    [
        {"mechanism": "PLAIN", "username": "a", "password": [SECRET]},
        {"mechanism": SECRET, "username": "a", "password": SECRET},
        {"mechanism": "PLAIN", "username": "a", "pasword": SECRET},
        {"mechanism": "PLAIN", "username": "a", "password": SECRET, "password_file": "nowhere"},
        {"mechanism": "PLAIN", "username": {"x": SECRET}, "password": SECRET},
        SECRET,
        [SECRET],
    ],
)
def test_no_mistake_repeats_a_secret(sasl: object) -> None:
    data = sample.settings()
    data["source"]["sasl"] = sasl
    with pytest.raises(SettingsError) as caught:
        from_mapping(data)
    assert SECRET not in f"{caught.value} {caught.value!r} {caught.value.problems}"
    assert caught.value.__context__ is None or SECRET not in str(caught.value.__context__)


def test_a_password_inside_an_address_is_refused_and_not_repeated() -> None:
    data = sample.settings(receivers=[{"type": "webhook", "name": "a", "url": f"http://me:{SECRET}@x"}])
    with pytest.raises(SettingsError, match="carries a user or a password") as caught:
        from_mapping(data)
    assert SECRET not in str(caught.value)


def test_a_secret_is_given_in_one_way_only(tmp_path: Path) -> None:
    (tmp_path / "s").write_text("x")
    hook = {"type": "webhook", "name": "a", "url": "http://x", "secret": "y", "secret_file": "s"}
    with pytest.raises(SettingsError, match="secret and secret_file are both given"):
        from_mapping(sample.settings(receivers=[hook]), tmp_path)
