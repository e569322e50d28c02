"""Forty weeks of real flights in which the model truly gets worse once: that is the one page, and there are few tickets.

Every second flight of 2013 from New York. A logistic regression is fitted on the first seven weeks, the next five are its
reference, the forty up to the end of December are watched. Time runs seven times as fast, so that a week of flights fills
the window of one day that is shipped; all other settings are the shipped ones too. Labels come two windows late. Weather and
delays drift all year. From the middle of October on few flights are late, those that are late left on time, and the model no
longer finds them: its ROC AUC stays low until December, with one good week among them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from agent.reference.build import build_reference
from agent.reference.sources import Files
from agent.replay.run import INCIDENTS, MEASUREMENTS, replay
from config.settings import Settings, from_mapping
from deploy.demo import data, events, flights, model

pytestmark = pytest.mark.slow

FIT, REFERENCE, LIVE, END = (
    pd.Timestamp(day, tz="UTC") for day in ("2012-12-31", "2013-02-18", "2013-03-25", "2013-12-30")
)
WEEK = pd.Timedelta(days=7)
DAY = pd.Timedelta(days=1)
SPEED = WEEK / DAY
TOLERANCE = 0.02
WORST = range(29, 37)
"""Weeks from 14 October to 2 December, counted from 0; that of 25 November (35) was good."""


class Story(NamedTuple):
    reference: pd.DataFrame
    live: pd.DataFrame
    incidents: list[dict[str, Any]]
    measurements: list[dict[str, Any]]

    def on(self, track: str) -> list[dict[str, Any]]:
        return [incident for incident in self.incidents if incident["track"] == track]


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Story:
    directory = tmp_path_factory.mktemp("story")
    reference, live = answered_flights()
    data.write(events.stream(reference), directory / "reference.jsonl")
    data.write(events.stream(live), directory / "events.jsonl")
    build(settings_in(directory, reference=None), directory)
    replay(settings_in(directory, reference="reference.wachter"), [directory / "events.jsonl"], directory / "out")
    return Story(
        reference, live, list(lines(directory / "out" / INCIDENTS)), list(lines(directory / "out" / MEASUREMENTS))
    )


def answered_flights() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Reference and live flights with the model's answers; what left in a week leaves in a day, reported two days later."""
    table = flights.load().iloc[::2].reset_index(drop=True)
    seen = flights.between(table, FIT, REFERENCE)
    fitted = model.fit(seen[seen["reported"].notna()])
    reference, live = (model.answer(fitted, flights.between(table, *span)) for span in ((REFERENCE, LIVE), (LIVE, END)))
    return faster(reference), faster(live)


def faster(table: pd.DataFrame) -> pd.DataFrame:
    left = FIT + ((table["left"] - FIT) / SPEED).dt.floor("us")
    reported = (left + 2 * DAY).where(table["reported"].notna())
    return table.assign(left=left, reported=reported)


def settings_in(directory: Path, reference: str | None) -> Settings:
    columns = {
        **dict.fromkeys(flights.NUMBERS, "number"),
        **dict.fromkeys(flights.CATEGORIES, "category"),
        "pressure_mb": {"type": "number", "required": False},  # the stations often leave it out
    }
    watched = {
        "name": "arrival-delay",
        "task": "binary",
        "classes": ["on_time", "late"],
        "positive": "late",
        "reference": reference,
        "labels": {},
        "columns": columns,
    }
    system = {"id": events.SYSTEM, "owner": "operations desk", "purpose": "warn passengers", "models": [watched]}
    return from_mapping({"source": {"type": "files", "paths": ["events.jsonl"]}, "systems": [system]}, directory)


def build(settings: Settings, directory: Path) -> None:
    system, watched = settings.systems[0], settings.systems[0].models[0]
    source = Files([directory / "reference.jsonl"], settings, system.id, watched, None)
    built = build_reference(settings, system, watched, None, source, lambda done: None)
    (directory / "reference.wachter").write_bytes(built.to_bytes())


def lines(path: Path) -> Iterator[dict[str, Any]]:
    with path.open("rb") as file:
        yield from map(json.loads, file)


def fall_of_each_week(story: Story) -> list[float]:
    """How far the AUC lies below that of the reference, by scikit-learn from the rows."""
    known = story.live[story.live["reported"].notna()]
    trusted = story.reference[story.reference["reported"].notna()]
    before = roc_auc_score(trusted["late"], trusted["score"])
    days = (known["left"] - known["left"].min().floor("D")) // DAY
    return [before - roc_auc_score(week["late"], week["score"]) for _, week in known.groupby(days)]


def week_of(story: Story, time: str) -> int:
    return int((pd.Timestamp(time) - story.live["left"].min().floor("D")) // DAY)


def test_by_the_rows_the_model_gets_worse_once(story: Story) -> None:
    fall = fall_of_each_week(story)
    bad = {week for week, value in enumerate(fall) if value > 1.5 * TOLERANCE}
    assert len(fall) == 40
    assert bad - {19} == set(WORST) - {35}
    assert np.mean([fall[week] for week in WORST]) > 2 * TOLERANCE
    assert max(np.mean(fall[week : week + 3]) for week in range(26)) < 1.5 * TOLERANCE


def test_that_drop_is_the_one_page(story: Story) -> None:
    [page] = story.on("harm")
    calls = [entry for entry in page["timeline"] if entry["kind"] in ("opened", "recurred")]
    assert len(calls) == 1
    assert {finding["metric"] for finding in page["findings"]} == {"roc_auc"}
    assert week_of(story, page["first_breach_start"]) in WORST
    assert week_of(story, page["last_breach_end"]) - 1 in WORST


def test_the_harmless_drift_of_many_columns_is_one_ticket(story: Story) -> None:
    [ticket] = story.on("health")
    drifted = {finding["subject"] for finding in ticket["findings"] if finding["metric"] == "js_distance"}
    assert len(drifted) >= 7
    assert [entry["kind"] for entry in ticket["timeline"]].count("opened") == 1


def test_every_week_is_judged_by_its_complete_labels(story: Story) -> None:
    judged = [m for m in story.measurements if m["metric"] == "roc_auc" and m["stage"] == "labels"]
    fall = fall_of_each_week(story)
    alone = {week_of(story, m["window_start"]): m["effect"] for m in judged if not m.get("judged_with")}
    assert len(judged) == 40
    assert alone
    assert all(effect == pytest.approx(fall[week], abs=0.002) for week, effect in alone.items())
