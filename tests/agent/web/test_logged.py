from __future__ import annotations

from pathlib import Path

import pytest

from agent.evidence.begin import log_directory
from agent.web import logged
from agent.web.dossiers import dossier_of
from agent.web.logged import entries_of, examples_of
from exporters.evidence.reader import LogReader
from tests.agent.stage import HOUR_US, MINUTE_US, START_US, Stage, event, events, settings_of
from tests.agent.web.responder import Responder
from tests.exporters.evidence.payload_edits import edit_payloads, replaced

STREAM = ("lending", "credit", "1")
LAST_HOUR = (START_US + 9 * HOUR_US, START_US + 10 * HOUR_US)


@pytest.fixture
def reader(tmp_path: Path) -> LogReader:
    """Ten hours of three events a minute, one of them outside its range, and a rejected one."""
    column = {"x": {"type": "number", "minimum": 0, "maximum": 2}}
    stage = Stage(settings_of(tmp_path, columns=column))
    odd = event("odd", 599.5, features={"x": 9.0})
    stage.run(*events("e", 0, 600, 1800), odd, event("odd", 599.6), event("other", 599.7, version="2"))
    stage.close()
    return LogReader(log_directory(stage.settings))


def test_examples_are_accepted_events_of_the_window_and_the_odd_ones_come_first(reader: LogReader) -> None:
    found = examples_of(reader, STREAM, LAST_HOUR, 3, ())
    assert [example.event_id for example in found] == ["odd", "e1620", "e1621"]
    assert (found[0].envelope, found[1].at_us) == ("outside", LAST_HOUR[0])
    assert ("features.x", "a number") in found[0].fields


def test_a_window_is_found_without_reading_what_lies_before_it(
    reader: LogReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"LOOK_AHEAD": 60, "LOOK_BACK": 60, "MOST_READ": 400}.items():
        monkeypatch.setattr(logged, name, value)
    assert examples_of(reader, STREAM, LAST_HOUR, 1, ())[0].event_id == "odd"
    early = (START_US + MINUTE_US, START_US + 2 * MINUTE_US)
    assert [one.event_id for one in examples_of(reader, STREAM, early, 9, ())] == ["e3", "e4", "e5"]


def test_a_window_that_the_log_does_not_have_has_no_examples(reader: LogReader) -> None:
    assert examples_of(reader, STREAM, (0, 1), 3, ()) == ()
    assert examples_of(reader, ("lending", "credit", "9"), LAST_HOUR, 3, ()) == ()


def test_entries_are_those_of_the_incident_in_their_order(responder: Responder) -> None:
    settings = responder.stage.settings
    record = responder.incident("health")
    found = entries_of(LogReader(log_directory(settings)), record["id"])
    assert [entry.kind for entry in found] == [line["kind"] for line in record["timeline"] if line["kind"] != "pending"]
    assert all(entry.shard == "2026-01" for entry in found)


def test_a_log_that_cannot_be_read_costs_its_part_of_the_page_only(responder: Responder, tmp_path: Path) -> None:
    dossier = dossier_of(responder.stage.settings, tmp_path / "gone", responder.incident("health"))
    assert dict(dossier.missing).keys() == {"entries", "examples"}
    assert dossier.trends
    assert dossier.pictures is not None


def test_where_nothing_is_logged_that_is_said(responder: Responder, tmp_path: Path) -> None:
    settings = responder.stage.settings
    silent = settings.model_copy(update={"log": settings.log.model_copy(update={"enabled": False})})
    missing = dict(dossier_of(silent, tmp_path, responder.incident("health")).missing)
    assert missing == {"entries": "the settings keep no event log", "examples": "the settings keep no event log"}


def test_an_example_whose_payload_was_changed_is_named_and_not_shown(reader: LogReader) -> None:
    edit_payloads(reader.path(reader.shards()[0]), replaced(b"9.0", b"1.0"))
    odd, other = examples_of(reader, STREAM, LAST_HOUR, 2, ())
    assert (odd.fields, odd.unreadable) == ((), "its payload is not what its entry commits to; run wachter log verify")
    assert other.fields
