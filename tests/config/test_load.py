from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest

from config.errors import SettingsError
from config.settings import KafkaSource, from_mapping, from_text, load
from config.settings.model import OWN_COLUMNS
from detectors.layouts import PREDICTION, SCORE
from tests.config import sample

HERE = Path(__file__).parent
EXAMPLES = sorted((HERE.parents[1] / "config" / "examples").glob("*.yaml"))


def mistakes(data: dict[str, object]) -> dict[str, str]:
    with pytest.raises(SettingsError) as caught:
        from_mapping(data)
    return {problem.path: problem.what for problem in caught.value.problems}


def test_every_mistake_of_a_broken_file_is_told_at_once_in_file_order() -> None:
    with pytest.raises(SettingsError) as caught:
        load(HERE / "golden" / "broken.yaml", {})
    assert f"{caught.value}\n" == (HERE / "golden" / "broken.txt").read_text()


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_each_example_is_usable_and_short(example: Path) -> None:
    load(example, {})
    lines = [line for line in example.read_text().splitlines() if not line.startswith("#")]
    assert len(lines) <= 30


def test_no_duration_leaves_the_calendar() -> None:
    longest = sample.settings(sample.model(labels={"horizon": "36500d"}))
    assert from_mapping(longest).systems[0].models[0].labels.horizon_us == 36_500 * 86_400_000_000
    data = sample.settings(sample.model(labels={"horizon": "3000000d"}), retire_after="36501d")
    assert mistakes(data) == {
        "systems[0].models[0].labels.horizon": "'3000000d' is more than a century",
        "retire_after": "'36501d' is more than a century",
    }


def test_there_is_an_example_for_every_task() -> None:
    tasks = {model.task for example in EXAMPLES for system in load(example, {}).systems for model in system.models}
    assert tasks == {"binary", "multiclass", "regression"}


def test_durations_and_sizes_are_numbers_with_their_unit_in_the_name() -> None:
    settings = from_mapping(sample.settings(retire_after="2d", limits={"max_message_bytes": "2KiB"}))
    assert settings.retire_after_us == 172_800_000_000
    assert settings.limits.max_message_bytes == 2048


def test_a_file_round_trips_through_the_effective_settings() -> None:
    settings = from_mapping(sample.settings(sample.model(protected={"sex": ["F", "M"]}, labels={})))
    assert from_mapping(settings.model_dump(mode="json", by_alias=True)) == settings


def test_settings_are_frozen() -> None:
    settings = from_mapping(sample.settings())
    with pytest.raises(ValueError, match="frozen"):
        settings.listen.port = 1  # type: ignore[misc]


def test_attribute_names_are_not_keys() -> None:
    assert mistakes(sample.settings(retire_after_us=1)) == {"retire_after_us": "unknown key"}


def test_slide_is_the_length_where_it_is_not_written() -> None:
    settings = from_mapping(sample.settings(sample.model(window={"length": "6h"})))
    assert settings.systems[0].models[0].window.slide_us == 6 * 3_600_000_000


def test_lateness_must_be_below_the_window() -> None:
    data = sample.settings(sample.model(window={"length": "10m"}))
    assert "lateness 10m is not below the window of 'credit', 10m" in mistakes(data)["systems[0].models"]


def test_ids_are_given_once() -> None:
    data = sample.settings(receivers=[{"type": "webhook", "name": "a", "url": "http://x"}] * 2)
    data["systems"] *= 2
    assert set(mistakes(data)) == {"systems[1].id", "receivers[1].name"}


def test_a_mistake_in_one_model_does_not_hide_one_in_another() -> None:
    data = sample.settings(sample.model(positive="x"), sample.model(name="b", classes=["a"]))
    assert set(mistakes(data)) == {
        "systems[0].models[0].positive",
        "systems[0].models[1].classes",
        "systems[0].models[1].positive",
    }


def test_attributes_that_metrics_may_show_are_declared_by_some_model() -> None:
    data = sample.settings(
        sample.model(protected={"sex": ["F", "M"]}), exposition={"protected_labels": ["sex", "age", 3]}
    )
    assert mistakes(data) == {
        "exposition.protected_labels[1]": "'age' is not declared under protected of any model",
        "exposition.protected_labels[2]": "3 is not a text",
    }


def test_a_threshold_that_states_a_tolerance_leaves_open_whether_it_is_enabled() -> None:
    settings = from_mapping(
        sample.settings(
            sample.model(thresholds={"js_distance": {"tolerance": 0.2}}), thresholds={"js_distance": {"enabled": False}}
        )
    )
    assert settings.systems[0].models[0].thresholds["js_distance"].enabled is None
    assert settings.thresholds["js_distance"].enabled is False


def test_a_start_in_time_needs_its_zone() -> None:
    text = "source: {type: kafka, brokers: a:1, topics: t, start: 2026-01-31T00:00:00}"
    with pytest.raises(SettingsError, match=r"source.start \(line 1\)"):
        from_text(text)
    data = sample.settings()
    data["source"]["start"] = "2026-01-31T00:00:00+01:00"
    source = from_mapping(data).source
    assert isinstance(source, KafkaSource)
    assert str(source.start) == "2026-01-31 00:00:00+01:00"


def test_classes_and_groups_are_compared_as_json_text() -> None:
    settings = from_mapping(sample.settings(sample.model(classes=[False, True], positive=True)))
    assert settings.systems[0].models[0].classes == ("false", "true")


def test_a_reference_is_found_beside_the_settings(tmp_path: Path) -> None:
    (tmp_path / "credit.ref").touch()
    settings = from_mapping(sample.settings(sample.model(reference="credit.ref")), tmp_path)
    assert settings.systems[0].models[0].reference == tmp_path / "credit.ref"


@pytest.mark.parametrize("section", ["source", "systems", "receivers", "listen", "thresholds"])
@pytest.mark.parametrize("value", [None, 3, "text", [], {}, [None], [[]], {"a": None}])
def test_any_shape_of_a_section_is_read_or_refused_by_name(section: str, value: object) -> None:
    with suppress(SettingsError):
        from_mapping(sample.settings(**{section: value}))


@pytest.mark.parametrize("name", OWN_COLUMNS)
def test_no_feature_bears_the_name_of_the_models_own_answer(name: str) -> None:
    path = f"systems[0].models[0].columns.{name}"
    found = mistakes(sample.settings(sample.model(columns={name: "number", "income": "text"})))
    assert found[path] == f"'{name}' is what the model's own {name} is watched as"
    assert "systems[0].models[0].columns.income.type" in found


def test_the_names_of_the_models_answer_are_those_of_its_layout() -> None:
    assert OWN_COLUMNS == (PREDICTION, SCORE)


def test_wrong_classes_hide_no_class_that_is_none_of_them() -> None:
    found = mistakes(sample.settings(sample.model(classes=["a", "b", "c"], positive="z", favourable="y")))
    assert found["systems[0].models[0].positive"] == "'z' is not one of the classes"
    assert found["systems[0].models[0].favourable"] == "'y' is not one of the classes"
    assert found["systems[0].models[0].classes"] == "a binary model has 2 classes, not 3"


def test_the_positive_class_may_be_written_as_the_value_that_events_carry() -> None:
    from_mapping(sample.settings(sample.model(classes=[False, True], positive=True)))
    from_mapping(sample.settings(sample.model(classes="0, 1", positive=1)))


def test_every_wrong_combination_is_told_also_beside_a_wrong_attribute() -> None:
    model = sample.model(
        protected={"sex": ["F"], "age": ["young", "old"]},
        intersections=[["sex", "age"], ["sex", "region"], ["age", "age"], ["age"], ["sex", "income"]],
        segments="sex",
    )
    found = mistakes(sample.settings(model))
    at = "systems[0].models[0]"
    assert found == {
        f"{at}.protected.sex.groups": "the list needs at least 2 entries",
        f"{at}.intersections[1]": "'region' is not declared under protected",
        f"{at}.intersections[2]": "['age', 'age'] does not combine different attributes",
        f"{at}.intersections[3]": "['age'] does not combine different attributes",
        f"{at}.intersections[4]": "'income' is not declared under protected",
        f"{at}.segments": "'sex' is a protected attribute",
    }
