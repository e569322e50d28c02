"""What is logged, and in which order."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import pytest

from agent.source import Partition
from agent.state import acts
from tests.agent.conftest import OpenStage
from tests.agent.evidence.spy import SpiedLog, commits_to, documents, entries, leaves, spy_on
from tests.agent.scripted_source import ScriptedSource
from tests.agent.stage import PART, START_US, Stage, event, events, label, settings_of, us

OTHER = Partition("t", 1)


@pytest.fixture
def spied(stage: Stage) -> SpiedLog:
    return spy_on(stage)


def oversight(name: str, of: str, minute: float, action: str = "overridden") -> bytes:
    record = json.loads(label(of, minute))
    changed = {"event_type": "oversight", "event_id": name, "action": action, "actor_ref": "reviewer-7"}
    return json.dumps({key: value for key, value in record.items() if key != "label"} | changed).encode()


def test_every_record_is_one_leaf_in_the_order_of_offsets(stage: Stage, spied: SpiedLog) -> None:
    stage.run(event("a", 1), b"poison", label("a", 2), oversight("o", "a", 3), None, event("b", 4))
    told = leaves(spied, "inference", "record", "label", "oversight")
    assert [(leaf["type"], leaf["source"]) for leaf in told] == [
        ("inference", ["t", 0, 0]),
        ("record", ["t", 0, 1]),
        ("label", ["t", 0, 2]),
        ("oversight", ["t", 0, 3]),
        ("record", ["t", 0, 4]),
        ("inference", ["t", 0, 5]),
    ]


def test_a_leaf_says_what_became_of_the_event_and_what_was_decided(stage: Stage, spied: SpiedLog) -> None:
    stage.run(event("a", 1, prediction="no"))
    (leaf,) = leaves(spied, "inference")
    commitment = leaf.pop("payload")
    assert len(commitment) == 44
    assert leaf == {
        "type": "inference",
        "id": "a",
        "at": us(1),
        "logged": START_US,
        "stream": ["lending", "credit", "1"],
        "source": ["t", 0, 0],
        "class": "accepted",
        "output": "no",
        "envelope": "undeclared",
    }


def test_late_duplicate_and_rejected_events_are_logged_as_such(open_stage: OpenStage) -> None:
    stage = open_stage(kafka={"clock": "wall", "max_ahead": "1h"})
    spied = spy_on(stage)
    stage.clock.at_us = us(200)
    stage.run(event("a", 1), event("a", 1), *events("b", 2, 190, 100), event("c", 5), event("d", 900))
    by_class = [(leaf["id"], leaf["class"], leaf.get("reason")) for leaf in leaves(spied, "inference")]
    assert [one for one in by_class if one[0] in "acd"] == [
        ("a", "accepted", None),
        ("a", "duplicate", None),
        ("c", "late", None),
        ("d", "rejected", "future"),
    ]


@pytest.mark.parametrize(("value", "envelope"), [(1.0, "inside"), (0, "inside"), (2.5, "outside"), (None, "inside")])
def test_an_event_outside_of_its_declared_range_is_marked(open_stage: OpenStage, value: Any, envelope: str) -> None:
    stage = open_stage(columns={"x": {"type": "number", "minimum": 0, "maximum": 2}, "y": "number"})
    spied = spy_on(stage)
    stage.run(event("a", 1, features={"x": value, "y": 99}))
    assert [leaf["envelope"] for leaf in leaves(spied, "inference")] == [envelope]


def test_an_output_that_no_class_declares_is_none(stage: Stage, spied: SpiedLog) -> None:
    stage.run(event("a", 1, prediction="perhaps"), event("b", 1, prediction=None), event("c", 1))
    assert [leaf["output"] for leaf in leaves(spied, "inference")] == [None, None, "yes"]


def test_what_a_person_is_stands_in_no_leaf(open_stage: OpenStage) -> None:
    stage = open_stage(protected={"sex": {"groups": ["secret-f", "secret-m"]}})
    spied = spy_on(stage)
    one = event("a", 1, protected={"sex": "secret-f"}, subject_ref="secret-kim", features={"x": 123454321.0})
    stage.run(one, oversight("o", "a", 2))
    written = b"".join(leaf for leaf, *_ in entries(spied) if b'"settings"' not in leaf)
    for hidden in (b"secret", b"123454321", b"reviewer-7"):
        assert hidden not in written


def test_leaves_commit_to_the_bytes_of_the_record(stage: Stage, spied: SpiedLog) -> None:
    record = event("a", 1)
    stage.run(record, b"poison")
    told = [(json.loads(leaf), payload, salt) for leaf, payload, salt in entries(spied)]
    records = [one for one in told if one[0]["type"] in ("inference", "record")]
    assert [payload for _, payload, _ in records] == [b"\0" + record, b"\0poison"]
    assert all(payload and commits_to(leaf, payload, salt) for leaf, payload, salt in records)


def test_a_long_record_that_cannot_be_read_is_kept_in_part(stage: Stage, spied: SpiedLog) -> None:
    stage.run(b"x" * 20_000)
    (leaf,) = leaves(spied, "record")
    (payload,) = (payload for one, payload, _ in entries(spied) if b'"record"' in one)
    assert (leaf["reason"], leaf["size"]) == ("bad_json", 20_000)
    assert payload == b"\0" + b"x" * 16_384


def test_a_window_is_one_leaf_with_its_lines_behind_it(stage: Stage, spied: SpiedLog) -> None:
    stage.run(*events("a", 0, 60), *events("b", 60, 130))
    windows = leaves(spied, "window")
    assert [(leaf["start"], leaf["end"], leaf["n"], leaf["partial"]) for leaf in windows[:1]] == [
        (us(0), us(60), 60, False)
    ]
    lines = [line for document in documents(spied, "window") for line in document.splitlines()]
    assert sum(leaf["lines"] for leaf in windows) == len(lines)
    assert sorted(lines) == sorted(stage_line for stage_line in all_lines(stage))


def all_lines(stage: Stage) -> list[bytes]:
    return [row[0] for row in stage.store.connection.execute("SELECT line FROM measurement")]


def test_a_clock_stands_before_the_events_and_closes_that_follow_it(stage: Stage, spied: SpiedLog) -> None:
    stage.run(*events("a", 0, 60), *events("b", 60, 130))
    told = leaves(spied, "clock", "window")
    for before, leaf in pairwise(told):
        if leaf["type"] == "window" and before["type"] == "clock":
            assert before["label_watermark"] >= leaf["due"]
    assert "window" in [leaf["type"] for leaf in told]
    watermarks = [leaf["watermark"] for leaf in told if leaf["type"] == "clock"]
    assert watermarks == sorted(set(watermarks))


def test_a_clock_that_has_not_moved_is_told_once(stage: Stage, spied: SpiedLog) -> None:
    stage.run(*events("a", 0, 60))
    told = len(leaves(spied, "clock"))
    stage.run(event("late", 1))
    stage.run(event("later", 1))
    assert len(leaves(spied, "clock")) <= told + 1


def test_partitions_are_told_one_after_the_other_each_by_offset(open_stage: OpenStage) -> None:
    source = ScriptedSource([PART, OTHER], batch=10)
    stage = open_stage(source)
    spied = spy_on(stage)
    for n in range(40):
        source.append(event(n, n), to=[PART, OTHER][n % 2])
    stage.settle().finish()
    offsets: dict[int, list[int]] = {}
    for leaf in leaves(spied, "inference"):
        offsets.setdefault(leaf["source"][1], []).append(leaf["source"][2])
    assert offsets == {0: list(range(20)), 1: list(range(20))}


def test_the_first_entries_say_that_the_agent_starts_and_by_which_settings(stage: Stage, spied: SpiedLog) -> None:
    stage.run(event("a", 1))
    assert [leaf["type"] for leaf in leaves(spied)[:2]] == ["start", "settings"]
    (settings,) = leaves(spied, "settings")
    assert (settings["old"], len(settings["new"])) == (None, 64)
    assert json.loads(documents(spied, "settings")[0])["systems"][0]["id"] == "lending"


def test_settings_that_stay_are_not_told_again_and_others_are(open_stage: OpenStage) -> None:
    stage = open_stage()
    spied = spy_on(stage)
    stage.run(event("a", 1))
    (first,) = leaves(spied, "settings")
    stage.restart()
    spied = spy_on(stage)
    stage.run(event("b", 2))
    assert leaves(spied, "settings") == []
    assert leaves(spied, "start")[0]["positions"] == [["t", 0, 1]]
    directory = stage.settings.state.directory.parent
    stage.restart(settings_of(directory, root={"severities": {"harm": "info"}}))
    spied = spy_on(stage)
    stage.run(event("c", 3))
    assert [leaf["old"] for leaf in leaves(spied, "settings")] == [first["new"]]


def test_no_secret_of_the_settings_is_logged(open_stage: OpenStage) -> None:
    hook = {"type": "webhook", "name": "a", "url": "http://127.0.0.1:9/", "secret": "hunter2"}
    stage = open_stage(root={"receivers": [hook]})
    spied = spy_on(stage)
    stage.run(event("a", 1))
    assert b"hunter2" not in documents(spied, "settings")[0]


def test_records_that_are_gone_are_a_gap_with_its_range(open_stage: OpenStage) -> None:
    source = ScriptedSource()
    stage = open_stage(source)
    spied = spy_on(stage)
    stage.run(*events("a", 0, 10, 10))
    source.append(*events("b", 10, 20, 10))
    source.delete_before(PART, 15)
    stage.settle()
    stage.run(*events("c", 20, 30, 10))
    (gap,) = leaves(spied, "gap")
    assert (gap["source"], gap["from"], gap["to"], gap["cause"]) == (["t", 0], 10, 15, "retention")
    after = [leaf["source"][2] for leaf in leaves(spied, "inference")]
    assert after == [*range(10), *range(15, 30)]


def test_an_act_stands_before_what_it_brought_about(open_stage: OpenStage) -> None:
    stage = open_stage(
        columns={"x": {"type": "number", "minimum": 0, "maximum": 2}},
        thresholds={"envelope_share": {"tolerance": 0.05, "open_after": 1, "clear_after": 1}},
    )
    spied = spy_on(stage)
    stage.run(*events("a", 0, 120, 800, features={"x": 9.0}))
    opened = leaves(spied, "incident")[-1]
    assert opened["kind"] == "opened"
    assert json.loads(documents(spied, "incident")[-1])["id"] == opened["incident"]
    acts.request(stage.store.connection, "ack", opened["incident"], "kim", "on it", 1)
    stage.turn()
    act, acknowledged = leaves(spied, "act", "incident")[-2:]
    assert (act["type"], act["kind"], act["actor"], act["outcome"]) == ("act", "ack", "kim", "done")
    assert documents(spied, "act") == [b"on it"]
    assert acknowledged["kind"] == "acknowledged"


def test_a_partition_that_is_idle_is_named_before_the_clock_that_passes_it(open_stage: OpenStage) -> None:
    source = ScriptedSource([PART, OTHER])
    stage = open_stage(source, kafka={"clock": "wall"})
    spied = spy_on(stage)
    stage.clock.at_us = us(70)
    stage.run(*events("a", 0, 65, 100)).idle(90)
    stage.run(*events("b", 150, 151, 10))
    told = [leaf["type"] for leaf in leaves(spied, "idle", "clock")]
    assert told[told.index("idle") :][:3] == ["idle", "idle", "clock"]


def test_a_member_that_takes_over_says_where_it_begins(open_stage: OpenStage) -> None:
    first = open_stage(ScriptedSource())
    first.run(*events("a", 0, 100))
    source = ScriptedSource()
    source.append(*first.source.logs[PART])
    source.committed = dict(first.source.committed)
    second = open_stage(source)
    spied = spy_on(second)
    second.settle()
    second.run(event("z", 101))
    (takeover,) = leaves(spied, "takeover")
    assert takeover["positions"][0][:2] == ["t", 0]
    assert leaves(spied, "inference")[0]["source"] == takeover["positions"][0]


def test_a_takeover_keeps_the_notes_by_which_windows_were_rebuilt(open_stage: OpenStage) -> None:
    first = open_stage(ScriptedSource())
    first.run(*events("a", 0, 100))
    source = ScriptedSource()
    source.append(*first.source.logs[PART])
    source.committed = dict(first.source.committed)
    second = open_stage(source)
    spied = spy_on(second)
    second.settle()
    (document,) = documents(spied, "takeover")
    assert json.loads(document) == [["t", 0, 60, first.source.committed[PART].note]]


def test_payloads_can_be_left_out(open_stage: OpenStage) -> None:
    stage = open_stage(root={"log": {"payloads": "none"}})
    spied = spy_on(stage)
    stage.run(event("a", 1), b"poison", label("a", 2))
    told = [leaf for leaf in leaves(spied) if "source" in leaf]
    assert [leaf["payload"] for leaf in told] == [None, None, None]
    assert documents(spied, "settings")


def test_sealed_payloads_are_told_apart_by_person(open_stage: OpenStage) -> None:
    stage = open_stage(root={"log": {"payloads": "sealed"}})
    spied = spy_on(stage)
    stage.run(*(event(n, n, subject_ref=who) for n, who in enumerate(["kim", "sam", "kim", None])))
    tags = [tag for part in spied.parts for tag in part.subjects or [] if tag]
    assert len(tags) == 3
    assert tags[0] == tags[2] != tags[1]
    keys = stage.store.connection.execute("SELECT count(*) FROM subject_key").fetchone()
    assert keys == (3,)
    assert not any(b"subject_ref" in payload for _, payload, _ in entries(spied) if payload and payload[:1] != b"\2")
