"""Rows of a report: window and reference from the log, with labels that came later."""

from __future__ import annotations

import pytest

from agent.evidence.span import Span
from agent.reports.baseline import earliest_window
from agent.reports.rows_of import Read, Where, add_labels, read_rows
from config.errors import EvidenceError, ReportError
from detectors.columns import StreamKey
from exporters.evidence.reader import LogReader
from tests.agent.conftest import OpenStage
from tests.agent.stage import HOUR_US, MODEL, SYSTEM, Stage, event, events, label, us
from tests.exporters.evidence.payload_edits import edit_payloads, replaced

STREAM = StreamKey(SYSTEM, MODEL, "1")


def where_of(stage: Stage) -> Where:
    stage.step.end("stopped")
    reader = LogReader(stage.settings.state.directory / "log")
    return Where(reader, stage.settings, stage.settings.systems[0].models[0], lambda key_id: None)


def hour(number: int, stream: StreamKey = STREAM) -> Span:
    return Span(stream, us(60 * number), us(60 * number + 60))


def read(where: Where, span: Span, most: int = 1000) -> Read:
    found = read_rows(where, span, most, lambda detail: None)
    add_labels(where, span, found)
    return found


def labels_of(found: Read) -> dict[str, object]:
    return dict(zip(found.table["event_id"], found.table["label"], strict=True))


def test_all_events_of_a_window_are_rows_where_there_are_few(open_stage: OpenStage) -> None:
    stage = open_stage().run(*events("a", 0, 60), *events("b", 60, 120), *events("c", 120, 200))
    found = read(where_of(stage), hour(1))
    assert sorted(found.table["event_id"]) == sorted(f"b{number}" for number in range(60))
    assert (found.events, found.is_whole) == (60, True)


def test_of_many_events_a_part_is_read_and_all_are_counted(open_stage: OpenStage) -> None:
    stage = open_stage().run(*events("a", 0, 60, count=500), *events("c", 60, 200))
    found = read(where_of(stage), hour(0), most=50)
    assert (len(found), found.events, found.is_whole) == (50, 500, False)


def test_labels_that_came_later_stand_beside_their_events(open_stage: OpenStage) -> None:
    stage = open_stage(labels={"horizon": "2h"})
    stage.run(*events("a", 0, 60, count=3), label("a1", 5, "no"), *events("b", 60, 90), label("a2", 80, "yes"))
    assert labels_of(read(where_of(stage), hour(0))) == {"a0": None, "a1": "no", "a2": "yes"}


def test_of_several_labels_the_latest_by_its_own_time_counts(open_stage: OpenStage) -> None:
    stage = open_stage(labels={"horizon": "2h"})
    stage.run(
        event("e", 1), label("e", 50, "no", name="late"), label("e", 20, "yes", name="early"), *events("b", 60, 90)
    )
    assert labels_of(read(where_of(stage), hour(0))) == {"e": "no"}


def test_labels_of_another_model_are_not_taken(open_stage: OpenStage) -> None:
    stage = open_stage(labels={"horizon": "2h"})
    stage.run(event("e", 1), label("e", 5, "no", model={"name": "other"}), *events("b", 60, 90))
    assert labels_of(read(where_of(stage), hour(0))) == {"e": None}


def test_labels_behind_the_horizon_are_not_looked_for(open_stage: OpenStage) -> None:
    stage = open_stage(labels={"horizon": "1h"})
    stage.run(event("e", 1))
    for number in range(1, 6):
        stage.run(*events(f"h{number}-", 60 * number, 60 * number + 59), label(f"h{number}-0", 60 * number + 58))
    stage.run(label("e", 358, "no"))
    assert labels_of(read(where_of(stage), hour(0))) == {"e": None}


def test_a_model_without_labels_has_none(open_stage: OpenStage) -> None:
    stage = open_stage().run(event("e", 1), *events("b", 60, 90))
    assert labels_of(read(where_of(stage), hour(0))) == {"e": None}


def test_the_reference_is_the_earliest_whole_window_of_the_log(open_stage: OpenStage) -> None:
    stage = open_stage().run(*events("a", 20, 300, count=300))
    where = where_of(stage)
    assert earliest_window(where.reader, hour(4)) == (us(60), us(120))


def test_where_there_is_no_whole_window_before_it_is_the_one_right_before(open_stage: OpenStage) -> None:
    stage = open_stage().run(*events("a", 20, 200, count=300))
    where = where_of(stage)
    assert earliest_window(where.reader, hour(1)) == (us(0), us(60))


def test_without_anything_before_it_says_how_to_name_a_reference(open_stage: OpenStage) -> None:
    stage = open_stage().run(*events("a", 60, 200, count=300))
    with pytest.raises(ReportError, match="--reference-window START/END"):
        earliest_window(where_of(stage).reader, hour(1))


def test_the_reference_is_of_the_same_version(open_stage: OpenStage) -> None:
    stage = open_stage().run(*events("a", 0, 120, count=100), *events("b", 120, 300, count=300, version="2"))
    where = where_of(stage)
    assert earliest_window(where.reader, hour(4, STREAM._replace(version="2")))[0] == us(120)
    assert earliest_window(where.reader, hour(4))[1] - earliest_window(where.reader, hour(4))[0] == HOUR_US


def test_rows_without_payloads_are_counted_and_left_out(open_stage: OpenStage) -> None:
    stage = open_stage(root={"log": {"payloads": "none"}}).run(*events("a", 0, 90))
    found = read(where_of(stage), hour(0))
    assert (len(found), found.events, dict(found.unread)) == (0, 40, {"absent": 40})


def test_a_changed_label_is_refused(open_stage: OpenStage) -> None:
    stage = open_stage(labels={"horizon": "2h"}).run(event("e", 1), label("e", 5, "no"), *events("b", 60, 90))
    where = where_of(stage)
    edit_payloads(where.reader.path(where.reader.shards()[0]), replaced(b'"label": "no"', b'"label": "ja"'))
    with pytest.raises(EvidenceError, match=r"the label of event 'e' .* is not what its leaf commits to"):
        read(where, hour(0))
