"""Measurements and incidents computed again from the log alone are those that it recorded, byte for byte."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest

from agent.flow.contexts import Contexts
from agent.replay.comparison import Span
from agent.replay.from_log import LogSummary, replay_log
from agent.replay.log_entries import keys_of
from agent.source import Partition
from agent.state import acts
from agent.state.store import incident_lines
from config.errors import EvidenceError
from exporters.evidence.bundle import export_bundle
from exporters.evidence.files import DiskFiles
from exporters.evidence.reader import LogReader
from exporters.evidence.retention import remove_shard
from tests.agent.conftest import OpenStage
from tests.agent.replay.tampering import change_payload, erase_payloads
from tests.agent.scripted_source import ScriptedSource
from tests.agent.stage import PART, Stage, event, events, label, model_of, settings_of, us
from tests.agent.world import World, make_reference, mapping_of

pytestmark = pytest.mark.slow
MONTH_US = 31 * 86_400_000_000
OTHER = Partition("t", 1)
THRESHOLDS = {"envelope_share": {"tolerance": 0.05, "open_after": 1, "clear_after": 1}}
LABELLED = model_of(
    labels={"horizon": "2h"},
    segments="country",
    columns={"x": {"type": "number", "minimum": -10, "maximum": 10}},
    thresholds=THRESHOLDS,
)


def log_of(stage: Stage) -> Path:
    """The stage's log, all of it signed."""
    stage.step.end("stopped")
    return stage.settings.state.directory / "log"


def replayed(stage: Stage, out: Path, **options: Any) -> LogSummary:
    return replay_log(log_of(stage), out, **options)


def differences(out: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (out / "differences.jsonl").read_text().splitlines()]


def assert_repeats(stage: Stage, out: Path, **options: Any) -> LogSummary:
    summary = replayed(stage, out, **options)
    assert differences(out) == []
    assert summary.equal
    results = b"".join((out / name).read_bytes() for name in ("measurements.jsonl", "incidents.jsonl"))
    assert results == b"\n".join([*stage.written(), b""])
    return summary


def traffic(seed: int, hours: int, *, shift_from: int = 10**6) -> list[tuple[Partition, bytes]]:
    """Two partitions, out of order within minutes, with copies, late and unreadable records, and labels early and late."""
    chance = random.Random(seed)
    records: list[tuple[float, Partition, bytes]] = []
    for number in range(hours * 60):
        minute = float(number)
        part = chance.choice((PART, OTHER))
        x = chance.gauss(20.0 if number >= shift_from * 60 else 1.0, 1.0)
        one = event(
            number, minute, features={"x": x}, version=chance.choice("12"), segment={"country": chance.choice("abc")},
            prediction=chance.choice(("yes", "no")), subject_ref=f"subject-{number % 7}",
        )  # fmt: skip
        records.append((minute + chance.uniform(0, 8), part, one))
        if chance.random() < 0.1:
            records.append((minute + chance.uniform(8, 9), chance.choice((PART, OTHER)), one))
        if chance.random() < 0.02:
            records.append((minute + 300, part, event(f"late-{number}", minute)))
        if chance.random() < 0.02:
            records.append((minute, part, b"poison"))
        if chance.random() < 0.9:
            when = minute + chance.choice((-5, 10, 60, 110, 200))
            records.append((max(when, 0), part, label(number, max(when, 0), chance.choice(("yes", "no")))))
    return [(part, record) for _, part, record in sorted(records, key=lambda r: r[0])]


def play(stage: Stage, records: list[tuple[Partition, bytes]], step: int = 120) -> None:
    for start in range(0, len(records), step):
        for part, record in records[start : start + step]:
            stage.source.append(record, to=part)
        stage.turn(2)
    stage.settle()


@pytest.fixture
def busy(open_stage: OpenStage) -> Stage:
    """A stage of two partitions and a labelled, segmented model, that has not run."""
    return open_stage(ScriptedSource((PART, OTHER)), models=[LABELLED])


def test_a_log_repeats_its_windows(stage: Stage, tmp_path: Path) -> None:
    stage.run(*events("a", 0, 200, 300))
    summary = assert_repeats(stage, tmp_path / "out")
    assert summary.compared.windows == 4  # two hours, each of the version and of the whole model
    assert summary.measurements > 0


def test_a_log_repeats_what_the_state_has_forgotten(open_stage: OpenStage, tmp_path: Path) -> None:
    stage = open_stage(state={"history_days": 1}).run(*events("a", 0, 72 * 60, 144))
    assert stage.lines()[0]["window_start"] > "2026-01-02"
    replayed(stage, tmp_path / "out")
    assert differences(tmp_path / "out") == []
    first = json.loads((tmp_path / "out" / "measurements.jsonl").read_bytes().splitlines()[0])
    assert first["window_start"] == "2026-01-01T00:00:00Z"


@pytest.mark.parametrize("seed", range(3))
def test_a_log_repeats_disorder_copies_late_events_and_labels(busy: Stage, tmp_path: Path, seed: int) -> None:
    play(busy, traffic(seed, 8))
    summary = assert_repeats(busy, tmp_path / "out")
    received, accepted, rejected, duplicate, late = busy.classes()
    assert min(received, accepted, rejected, duplicate, late) > 0
    assert summary.compared.windows > 30


def test_a_log_repeats_incidents_and_what_people_did_to_them(busy: Stage, tmp_path: Path) -> None:
    records = traffic(4, 12, shift_from=3)
    third = len(records) // 3
    play(busy, records[: 2 * third])
    (incident, *_) = [json.loads(line)["id"] for line in incident_lines(busy.store.connection, agent=False)]
    acted: list[tuple[acts.ActKind, str]] = [
        ("ack", ""),
        ("comment", "looked at it"),
        ("ack", ""),
        ("resolve", "fixed"),
    ]
    for kind, comment in acted:
        acts.request(busy.store.connection, kind, incident, "kim", comment, 0)
        busy.turn()
    play(busy, records[2 * third :])
    summary = assert_repeats(busy, tmp_path / "out")
    assert summary.compared.incidents > 2
    assert summary.incidents > 0


def test_a_log_repeats_through_restarts_and_idleness(busy: Stage, tmp_path: Path) -> None:
    records = traffic(5, 8)
    half = len(records) // 2
    play(busy, records[:half])
    busy.restart()
    busy.settle()
    busy.idle(90)
    play(busy, records[half:])
    busy.restart()
    busy.settle()
    assert_repeats(busy, tmp_path / "out")


def test_a_log_repeats_through_a_reload(busy: Stage, tmp_path: Path) -> None:
    records = traffic(6, 10, shift_from=3)
    half = len(records) // 2
    play(busy, records[:half])
    directory = busy.settings.state.directory.parent
    strict = settings_of(directory, models=[LABELLED | {"thresholds": {"envelope_share": {"tolerance": 0.9}}}])
    busy.step.use(strict, Contexts(strict))
    play(busy, records[half:])
    assert_repeats(busy, tmp_path / "out")


@pytest.mark.slow
def test_a_log_repeats_through_a_change_of_the_layout(busy: Stage, tmp_path: Path) -> None:
    records = traffic(7, 8)
    half = len(records) // 2
    play(busy, records[:half])
    directory = busy.settings.state.directory.parent
    busy.restart(settings_of(directory, models=[LABELLED | {"columns": {"x": "number", "y": "number"}}]))
    busy.settle()
    play(busy, records[half:])
    assert_repeats(busy, tmp_path / "out")


def test_a_log_repeats_around_records_that_were_gone(stage: Stage, tmp_path: Path) -> None:
    stage.run(*events("a", 0, 130, 130))
    stage.source.append(*events("b", 130, 200, 70))
    stage.source.delete_before(PART, 150)
    stage.settle()
    stage.run(*events("c", 200, 400, 200))
    assert stage.count("gap_records") == 20
    assert any(line.get("partial") for line in stage.lines())
    assert_repeats(stage, tmp_path / "out")


def test_a_log_repeats_what_a_successor_went_on_with(open_stage: OpenStage, tmp_path: Path) -> None:
    first = open_stage(ScriptedSource((PART, OTHER)), models=[LABELLED])
    records = traffic(8, 8)
    half = len(records) // 2
    play(first, records[:half])
    source = ScriptedSource((PART, OTHER))
    for part, record in records[:half]:
        source.append(record, to=part)
    source.committed = dict(first.source.committed)
    second = open_stage(source, models=[LABELLED])
    second.settle()
    play(second, records[half:])
    assert_repeats(second, tmp_path / "out")


def test_a_log_repeats_what_began_in_the_middle_of_a_topic(open_stage: OpenStage, tmp_path: Path) -> None:
    stage = open_stage()
    stage.source.append(*events("a", 0, 100, 100))
    stage.source.starts[PART] = 30
    stage.settle()
    stage.run(*events("b", 100, 300, 200))
    assert any(line.get("partial") for line in stage.lines())
    assert_repeats(stage, tmp_path / "out")


def test_a_changed_value_is_named(busy: Stage, tmp_path: Path) -> None:
    play(busy, traffic(9, 6))
    log = log_of(busy)
    changed = change_payload(log, b'"x": ', b'"x": 9')
    out = tmp_path / "out"
    summary = replay_log(log, out)
    found = differences(out)
    assert not summary.equal
    assert [one["entry"] for one in found if one["kind"] == "payload"] == [changed]
    window = next(one for one in found if one["kind"] == "window")
    assert window["what"] == "the window was computed otherwise than it was recorded"
    assert window["start"] == "2026-01-01T00:00:00Z"
    assert window["recorded"] != window["computed"]


def test_erased_payloads_are_listed_with_the_windows_that_miss_them(busy: Stage, tmp_path: Path) -> None:
    play(busy, traffic(10, 6))
    log = log_of(busy)
    gone = erase_payloads(log, b'"event_id": "7"')
    out = tmp_path / "out"
    replay_log(log, out)
    found = differences(out)
    assert [(one["events"], one["first"]) for one in found if one["kind"] == "erased"] == [(1, gone)]
    first = next(one for one in found if one["kind"] == "window")
    assert (first["start"], first["erased"]) == ("2026-01-01T00:00:00Z", 1)


def test_a_range_compares_only_the_windows_inside(stage: Stage, tmp_path: Path) -> None:
    stage.run(*events("a", 0, 300, 300))
    log = log_of(stage)
    change_payload(log, b'"x": ', b'"x": 9')
    out = tmp_path / "out"
    summary = replay_log(log, out, Span(us(120), us(240)))
    assert [one["kind"] for one in differences(out)] == ["payload"]
    assert summary.compared.outside > 0
    starts = {json.loads(line)["window_start"] for line in (out / "measurements.jsonl").read_text().splitlines()}
    assert starts == {"2026-01-01T02:00:00Z", "2026-01-01T03:00:00Z"}


def test_an_export_with_payloads_repeats_too(busy: Stage, tmp_path: Path) -> None:
    play(busy, traffic(12, 6))
    reader = LogReader(log_of(busy))
    bundle = tmp_path / "bundle"
    export_bundle(reader, reader.verifiers(), reader.shards(), bundle, "packs", payloads=True)
    summary = replay_log(bundle, tmp_path / "out")
    assert summary.equal
    assert summary.compared.windows > 20


def test_a_log_over_two_months_repeats(busy: Stage, tmp_path: Path) -> None:
    records = traffic(13, 8)
    play(busy, records[:200])
    busy.clock.at_us += MONTH_US
    play(busy, records[200:])
    assert_repeats(busy, tmp_path / "out")
    assert len(LogReader(log_of(busy)).shards()) == 2


def test_a_log_whose_beginning_is_gone_repeats_what_does_not_rest_on_it(busy: Stage, tmp_path: Path) -> None:
    records = traffic(14, 16)
    play(busy, records[:300])
    busy.clock.at_us += MONTH_US
    play(busy, records[300:])
    log = log_of(busy)
    remove_shard(DiskFiles(durable=False), log, "2026-01")
    summary = replay_log(log, tmp_path / "out", settings=busy.settings)
    assert summary.compared.outside > 0
    assert summary.compared.windows > 0
    assert differences(tmp_path / "out") == []


def test_a_log_whose_beginning_is_gone_asks_for_settings(busy: Stage, tmp_path: Path) -> None:
    busy.run(event("a", 1))
    busy.clock.at_us += MONTH_US
    busy.run(event("b", 2))
    log = log_of(busy)
    remove_shard(DiskFiles(durable=False), log, "2026-01")
    with pytest.raises(EvidenceError, match="Give --settings FILE"):
        replay_log(log, tmp_path / "out")


@pytest.mark.slow
def test_references_come_from_the_log(open_stage: OpenStage, tmp_path: Path) -> None:
    reference = make_reference(tmp_path, days=2)
    (model,) = mapping_of(reference=str(reference))["systems"][0]["models"]  # type: ignore[index]
    stage = open_stage(models=[model])
    reference.unlink()
    world = World(seed=4, days=4, per_day=600, drift_from=1)
    stage.run(*[record for _, record in sorted([*world.events, *world.labels])])
    summary = assert_repeats(stage, tmp_path / "out")
    assert b"no_reference" not in (tmp_path / "out" / "measurements.jsonl").read_bytes()
    assert summary.compared.windows > 0


def test_sealed_payloads_are_opened_with_the_keys_of_the_state(open_stage: OpenStage, tmp_path: Path) -> None:
    stage = open_stage(root={"log": {"payloads": "sealed"}})
    stage.run(*events("a", 0, 200, 300, subject_ref="somebody"))
    assert_repeats(stage, tmp_path / "out", find_key=keys_of(stage.store.connection))


def test_sealed_payloads_without_keys_are_differences(open_stage: OpenStage, tmp_path: Path) -> None:
    stage = open_stage(root={"log": {"payloads": "sealed"}})
    stage.run(*events("a", 0, 200, 30, subject_ref="somebody"))
    summary = replayed(stage, tmp_path / "out")
    assert summary.differences["payload"] == 30


def test_a_log_without_payloads_cannot_be_repeated(open_stage: OpenStage, tmp_path: Path) -> None:
    stage = open_stage(root={"log": {"payloads": "none"}})
    stage.run(*events("a", 0, 200, 300))
    with pytest.raises(EvidenceError, match="without payloads cannot be computed again"):
        replayed(stage, tmp_path / "out")


def test_a_log_of_which_nothing_is_signed_is_refused(stage: Stage, tmp_path: Path) -> None:
    with pytest.raises(EvidenceError, match="nothing of this log is signed yet"):
        replay_log(stage.settings.state.directory / "log", tmp_path / "out")


def test_what_is_not_signed_yet_is_left_out_and_said(stage: Stage, tmp_path: Path) -> None:
    stage.run(*events("a", 0, 200, 300))
    log = log_of(stage)
    stage.run(*events("b", 200, 210, 10))
    summary = replay_log(log, tmp_path / "out")
    assert summary.equal
    assert summary.unsigned > 9
