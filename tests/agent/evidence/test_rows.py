"""Rows of a window read back from the log are the events that the window counted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from agent.evidence.rows import RowReader, Rows, read_batches
from agent.evidence.settings_in_log import decoding_settings
from agent.evidence.span import Span
from agent.source import Partition
from config.errors import EvidenceError
from detectors.columns import StreamKey
from exporters.evidence.reader import LogReader
from tests.agent.conftest import OpenStage
from tests.agent.stage import HOUR_US, MODEL, PART, SYSTEM, Stage, event, events, label, model_of, us
from tests.exporters.evidence.payload_edits import edit_payloads, replaced, sealed_as

OTHER = Partition("t", 1)
STREAM = StreamKey(SYSTEM, MODEL, "1")


def log_of(stage: Stage) -> Path:
    stage.step.end("stopped")
    return stage.settings.state.directory / "log"


def read(stage: Stage, start_us: int, end_us: int, stream: StreamKey = STREAM, **options: Any) -> list[Rows]:
    return list(read_batches(log_of(stage), stage.settings, stream, start_us, end_us, **options))


def ids(batches: list[Rows]) -> list[str]:
    return [event_id for batch in batches for event_id in batch.events.ids]


def test_the_rows_of_a_window_are_the_events_that_it_counted(open_stage: OpenStage) -> None:
    stage = open_stage().run(*events("a", 0, 60), *events("b", 60, 120), *events("c", 120, 200)).finish()
    found = read(stage, us(60), us(120))
    assert ids(found) == [f"b{number}" for number in range(60)]
    assert stage.volumes()["01:00"] == len(ids(found))


def test_rows_carry_what_the_events_carried(open_stage: OpenStage) -> None:
    stage = open_stage().run(event("one", 1, features={"x": 2.5}, prediction="no"), *events("a", 2, 90))
    (rows, *_) = read(stage, us(0), us(60))
    assert rows.events.values["features.x"][0] == 2.5
    assert rows.events.values["prediction"][0] == "no"
    assert rows.events.occurred_us[0] == us(1)
    assert rows.partitions == (PART,)


def test_copies_and_late_events_are_rows_only_where_asked_for(open_stage: OpenStage) -> None:
    stage = open_stage()
    stage.run(event("twice", 1), event("twice", 1), *events("a", 2, 200), event("late", 3), *events("b", 200, 210))
    assert ids(read(stage, us(0), us(60))).count("twice") == 1
    found = read(stage, us(0), us(60), classes=("duplicate", "late"))
    assert ids(found) == ["twice", "late"]
    assert [one for batch in found for one in batch.classes] == ["duplicate", "late"]


def test_rows_of_one_segment_are_those_of_its_events(open_stage: OpenStage) -> None:
    stage = open_stage(segments="country")
    stage.run(*(event(n, n, segment={"country": "NL" if n % 3 == 0 else "DE"}) for n in range(90)))
    stream = StreamKey(SYSTEM, MODEL, "1", "country=NL")
    assert ids(read(stage, us(0), us(60), stream)) == [str(n) for n in range(0, 60, 3)]


def test_a_star_stands_for_every_version(open_stage: OpenStage) -> None:
    stage = open_stage()
    stage.run(*(event(n, n, version=str(1 + n % 2)) for n in range(90)))
    assert len(ids(read(stage, us(0), us(60), StreamKey(SYSTEM, MODEL, "*")))) == 60
    assert len(ids(read(stage, us(0), us(60), StreamKey(SYSTEM, MODEL, "2")))) == 30


def test_records_that_a_take_over_reads_again_are_rows_once(open_stage: OpenStage) -> None:
    stage = open_stage().run(*events("a", 0, 50))
    stage.source.assign(stage.source.logs)
    stage.run(*events("b", 50, 70))
    found = ids(read(stage, us(0), us(60)))
    assert len(found) == len(set(found))


def test_labels_and_unreadable_records_are_no_rows(open_stage: OpenStage) -> None:
    stage = open_stage(labels={"horizon": "2h"})
    stage.run(event("one", 1), label("one", 2), b"{no json", *events("a", 61, 90))
    assert ids(read(stage, us(0), us(60))) == ["one"]


def test_a_wall_clock_lets_reading_begin_where_the_window_was_logged(open_stage: OpenStage) -> None:
    stage = open_stage(kafka={"clock": "wall"})
    for hour in range(30):
        stage.clock.at_us = us(60 * hour + 60)
        stage.run(*events(f"h{hour}-", 60 * hour, 60 * hour + 59, count=300))
    found = read(stage, us(60 * 20), us(60 * 21))
    assert ids(found) == [f"h20-{number}" for number in range(300)]


def test_sealed_payloads_are_rows_only_with_their_keys(open_stage: OpenStage) -> None:
    stage = open_stage(root={"log": {"payloads": "sealed"}}).run(*events("a", 0, 90, subject_ref="kim"))
    reader = RowReader(LogReader(log_of(stage)), stage.settings, Span(STREAM, us(0), us(60)), lambda key_id: None)
    assert list(reader) == []
    assert reader.unread["sealed"] == 40


def test_without_payloads_there_are_no_rows_and_it_is_said(open_stage: OpenStage) -> None:
    stage = open_stage(root={"log": {"payloads": "none"}}).run(*events("a", 0, 90))
    reader = RowReader(LogReader(log_of(stage)), stage.settings, Span(STREAM, us(0), us(60)), lambda key_id: None)
    assert list(reader) == []
    assert reader.unread == {"absent": 40}


def test_the_settings_of_the_log_decode_its_payloads(open_stage: OpenStage) -> None:
    stage = open_stage().run(*events("a", 0, 90))
    log = log_of(stage)
    found = read_batches(log, decoding_settings(LogReader(log)), STREAM, us(0), us(60))
    assert len(ids(list(found))) == 40


@pytest.mark.parametrize("model", [model_of(name="other")])
def test_events_of_another_model_are_no_rows(open_stage: OpenStage, model: dict[str, object]) -> None:
    stage = open_stage(models=[model_of(), model])
    stage.run(event("mine", 1), event("theirs", 2, model="other"), *events("a", 70, 90))
    assert ids(read(stage, us(0), us(0) + HOUR_US)) == ["mine"]


def test_an_event_whose_payload_was_changed_is_no_row_and_is_counted(open_stage: OpenStage) -> None:
    stage = open_stage().run(event("one", 1, features={"x": 2.5}), event("two", 2), *events("b", 60, 90))
    log = log_of(stage)
    edit_payloads(log / LogReader(log).shards()[0], replaced(b"2.5", b"9.5"))
    reader = RowReader(LogReader(log), stage.settings, Span(STREAM, us(0), us(60)), lambda key_id: None)
    assert ids(list(reader)) == ["two"]
    assert reader.unread["changed"] == 1


def test_a_sealed_payload_that_its_key_does_not_open_was_changed(open_stage: OpenStage) -> None:
    stage = open_stage(root={"log": {"payloads": "sealed"}}).run(*events("a", 0, 90, subject_ref="kim"))
    log = log_of(stage)
    edit_payloads(log / LogReader(log).shards()[0], sealed_as(bytes(100)))
    reader = RowReader(LogReader(log), stage.settings, Span(STREAM, us(0), us(60)), lambda key_id: bytes(32))
    assert list(reader) == []
    assert (reader.unread["changed"], reader.unread["sealed"]) == (40, 0)


def test_settings_that_were_changed_decode_nothing(open_stage: OpenStage) -> None:
    log = log_of(open_stage().run(*events("a", 0, 90)))
    edit_payloads(log / LogReader(log).shards()[0], replaced(b'"lending"', b'"landing"'))
    with pytest.raises(EvidenceError, match="these settings are not what their leaf commits to"):
        decoding_settings(LogReader(log))
