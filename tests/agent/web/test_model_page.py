from __future__ import annotations

from dataclasses import replace

from agent.web.model_page import find_model, model_page
from agent.web.server import WebServer
from detectors.measurement import Status
from exporters.snapshot import Snapshot
from tests.agent.web_client import SETTINGS, ask
from tests.exporters.sample import AUC, SNAPSHOT


def page(snapshot: Snapshot = SNAPSHOT) -> str:
    found = find_model(SETTINGS, "credit-scoring", "credit")
    assert found is not None
    return model_page(snapshot, SETTINGS, *found)


def test_it_says_what_the_model_is_for_and_who_answers_for_it() -> None:
    facts = page().partition("<dl>")[2].partition("</dl>")[0]
    for told in ("Decide who gets a loan", "risk team", "high", "in-house", "binary: reject, approve"):
        assert f"<dd>{told}</dd>" in facts


def test_it_lists_the_versions_that_were_seen() -> None:
    assert "<td>3.1</td><td>100</td><td>2</td>" in page()


def test_objectives_come_with_their_state_the_worst_first() -> None:
    objectives = page().partition('id="objectives"')[2].partition("<h2")[0]
    assert (
        objectives.index("warning</span>")
        < objectives.index("insufficient data</span>")
        < objectives.index("ok</span>")
    )
    assert "<td>0.18 to 0.24</td>" in objectives


def test_it_says_how_many_windows_a_verdict_rests_on() -> None:
    of_run = replace(AUC, status=Status.CRITICAL, reason="above_tolerance", windows=3)
    streams = tuple(
        replace(
            stream,
            windows=tuple(
                replace(window, results=tuple(of_run if result == AUC else result for result in window.results))
                for window in stream.windows
            ),
        )
        for stream in SNAPSHOT.streams
    )
    assert "above tolerance, 3 windows judged as one" in page(replace(SNAPSHOT, streams=streams))


def test_what_is_not_watched_is_named_with_the_reason() -> None:
    watched = page().partition('id="watched"')[2]
    for reason in (
        "no reference is named",
        "no labels are declared",
        "bias is not measured",
        "the settings switch it off",
        "the settings leave it out",
    ):
        assert reason in watched
    assert "1 without a value: too few labels" in watched


def test_a_model_that_nothing_was_seen_of_is_shown_too() -> None:
    found = find_model(SETTINGS, "credit-scoring", "credit")
    assert found is not None
    empty = model_page(replace(SNAPSHOT, streams=(), models=(), incidents=()), SETTINGS, *found)
    assert "No window has been measured yet." in empty
    assert "No event has come yet." in empty


def test_a_model_that_the_settings_do_not_name_is_not_found(pages: WebServer) -> None:
    assert ask(pages, "/models/lending/credit").status == 200
    missing = ask(pages, "/models/lending/other")
    assert missing.status == 404
    assert "the settings name no such model" in missing.text
