from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from config.errors import SettingsError
from config.settings import KafkaSource, Settings, load
from tests.config import sample


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "wachter.yaml"
    path.write_text(yaml.safe_dump(sample.settings()))
    return path


def kafka(settings: Settings) -> KafkaSource:
    assert isinstance(settings.source, KafkaSource)
    return settings.source


def test_a_variable_overrides_the_file(file: Path) -> None:
    assert load(file, {"WACHTER_LISTEN__PORT": "9999"}).listen.port == 9999


def test_a_list_of_texts_is_written_with_commas_or_as_json(file: Path) -> None:
    for text in ("a:1,b:2", '["a:1", "b:2"]'):
        assert kafka(load(file, {"WACHTER_SOURCE__BROKERS": text})).brokers == ("a:1", "b:2")


def test_a_number_addresses_an_element_of_a_list(file: Path) -> None:
    settings = load(file, {"WACHTER_SYSTEMS__0__MODELS__0__WINDOW__LENGTH": "1h"})
    assert settings.systems[0].models[0].window.length_us == 3_600_000_000


def test_an_element_that_the_file_lacks_is_a_mistake(file: Path) -> None:
    with pytest.raises(SettingsError, match="WACHTER_SYSTEMS__3__OWNER leads to '3'"):
        load(file, {"WACHTER_SYSTEMS__3__OWNER": "x"})


def test_a_mistake_in_a_variable_names_the_variable(file: Path) -> None:
    with pytest.raises(SettingsError) as caught:
        load(file, {"WACHTER_LISTEN__PORT": "high", "WACHTER_LISTEN__PROT": "1"})
    assert [problem.path for problem in caught.value.problems] == [
        "listen.port (from WACHTER_LISTEN__PORT)",
        "listen.prot (from WACHTER_LISTEN__PROT)",
    ]


def test_variables_that_are_no_settings_and_empty_ones_change_nothing(file: Path) -> None:
    environ = {"WACHTER_DEMO_BROKER": "x", "WACHTER_LISTEN__PORT": "", "HOME": "/", "WACHTERX": "1"}
    assert load(file, environ) == load(file, {})


def test_a_misspelt_section_is_a_mistake(file: Path) -> None:
    with pytest.raises(SettingsError, match=r"WACHTER_SORCE__GROUP\): unknown key\. Did you mean source"):
        load(file, {"WACHTER_SORCE__GROUP": "x"})


def test_names_of_columns_are_found_whatever_their_case(tmp_path: Path) -> None:
    path = tmp_path / "f.yaml"
    path.write_text(yaml.safe_dump(sample.settings(sample.model(columns={"Income": {"type": "number"}}))))
    settings = load(path, {"WACHTER_SYSTEMS__0__MODELS__0__COLUMNS__INCOME__MINIMUM": "3"})
    assert settings.systems[0].models[0].columns["Income"].minimum == 3.0


def test_a_directory_of_secrets_is_read_and_a_variable_wins_over_it(file: Path, tmp_path: Path) -> None:
    secrets = tmp_path / "secrets"
    secrets.mkdir()
    (secrets / "source__sasl__password").write_text("[from file]\n")
    (secrets / "source__sasl__username").write_text("agent")
    environ = {"WACHTER_SECRETS_DIR": str(secrets), "WACHTER_SOURCE__SASL__MECHANISM": "PLAIN"}
    sasl = kafka(load(file, environ)).sasl
    assert sasl is not None
    assert sasl.password is not None
    assert sasl.password.get_secret_value() == "[from file]"
    sasl = kafka(load(file, environ | {"WACHTER_SOURCE__SASL__USERNAME": "other"})).sasl
    assert sasl is not None
    assert sasl.username == "other"


def test_a_missing_directory_of_secrets_is_a_mistake(file: Path) -> None:
    with pytest.raises(SettingsError, match="WACHTER_SECRETS_DIR"):
        load(file, {"WACHTER_SECRETS_DIR": "/nowhere"})
