"""Building a reference from files."""

from __future__ import annotations

import random
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from agent.reference.build import NoReference
from agent.reference.report import performance_of
from detectors.layout import FIRST_LEVEL, FIRST_VALUE
from tests.agent.reference.credit import (
    START,
    credit_events,
    credit_settings,
    label_of,
    reference_of,
    stamp,
    write_lines,
)

pytestmark = pytest.mark.slow

EVENTS = credit_events()


def test_every_value_is_counted_in_its_cell(tmp_path: Path) -> None:
    reference = reference_of(write_lines(tmp_path / "events.jsonl", EVENTS))
    income = np.array([event["features"]["income"] for event in EVENTS])
    column = reference.layout.numeric[0]
    counts = reference.tables.ints("cells.numeric")[: column.cells]
    expected, _ = np.histogram(income, np.array(column.edges))
    np.testing.assert_array_equal(counts[FIRST_VALUE : FIRST_VALUE + len(column.edges) - 1], expected)
    assert counts.sum() == len(EVENTS)


def test_levels_are_counted_by_name(tmp_path: Path) -> None:
    reference = reference_of(write_lines(tmp_path / "events.jsonl", EVENTS))
    purpose = reference.layout.categorical[0]
    counts = reference.tables.ints("cells.categorical")[FIRST_LEVEL : FIRST_LEVEL + 3].tolist()
    names = [event["features"]["purpose"] for event in EVENTS]
    assert dict(zip(purpose.levels, counts, strict=True)) == {name: names.count(name) for name in purpose.levels}


def test_the_performance_of_the_reference_is_scikit_learns(tmp_path: Path) -> None:
    events = write_lines(tmp_path / "events.jsonl", EVENTS)
    labels = write_lines(tmp_path / "labels.jsonl", map(label_of, EVENTS))
    found = {m.metric: m.value for m in performance_of(reference_of(events, labels)) if not m.subject}
    truth = [event["truth"] == "grant" for event in EVENTS]
    assert found["accuracy"] == pytest.approx(np.mean([e["truth"] == e["prediction"] for e in EVENTS]), rel=1e-9)
    assert found["roc_auc"] == pytest.approx(roc_auc_score(truth, [e["score"] for e in EVENTS]), abs=4e-3)


def test_labels_in_the_events_do_as_well_as_label_events(tmp_path: Path) -> None:
    beside = [event | {"label": event["truth"]} for event in EVENTS]
    within = reference_of(write_lines(tmp_path / "within.jsonl", beside))
    events = write_lines(tmp_path / "events.jsonl", EVENTS)
    later = reference_of(events, write_lines(tmp_path / "labels.jsonl", map(label_of, EVENTS)))
    assert within.tables.to_bytes() == later.tables.to_bytes()


def test_the_order_of_rows_and_files_does_not_matter(tmp_path: Path) -> None:
    labels = [label_of(event) for event in EVENTS]
    mixed = [*EVENTS, *labels]
    random.Random(3).shuffle(mixed)
    apart = reference_of(write_lines(tmp_path / "a.jsonl", EVENTS), write_lines(tmp_path / "b.jsonl", labels))
    together = reference_of(write_lines(tmp_path / "c.jsonl", mixed))
    assert together.layout.digest == apart.layout.digest
    assert together.tables.to_bytes() == apart.tables.to_bytes()
    assert (together.phi, together.auto) == (apart.phi, apart.auto)


def test_copies_count_once(tmp_path: Path) -> None:
    once = reference_of(write_lines(tmp_path / "once.jsonl", EVENTS))
    twice = reference_of(write_lines(tmp_path / "twice.jsonl", [*EVENTS, *EVENTS[:100]]))
    assert twice.tables.to_bytes() == once.tables.to_bytes()
    assert twice.provenance["rows_duplicate"] == "100"


def test_a_version_can_be_chosen(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "events.jsonl", [*EVENTS, *credit_events(seed=2, version="2")])
    one = reference_of(path, version="1")
    assert one.provenance["rows_used"] == str(len(EVENTS))
    assert one.provenance["rows_other_model"] == "600"
    assert reference_of(path).provenance["rows_used"] == "1200"


def test_bad_records_are_counted_and_change_nothing(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "events.jsonl", EVENTS)
    clean = reference_of(path)
    with path.open("ab") as file:
        file.write(b'{"broken": \n\xff\xfe\n[1, 2]\n')
    poisoned = reference_of(path)
    assert poisoned.tables.to_bytes() == clean.tables.to_bytes()
    assert poisoned.provenance["rows_rejected_bad_json"] == "1"
    assert poisoned.provenance["rows_rejected_bad_encoding"] == "1"
    assert poisoned.provenance["rows_rejected_not_an_object"] == "1"


def test_a_label_beyond_the_horizon_does_not_count(tmp_path: Path) -> None:
    events = write_lines(tmp_path / "events.jsonl", EVENTS)
    labels = [label_of(event) for event in EVENTS[:-1]]
    late = label_of(EVENTS[0], timedelta(days=5), event_id="late", label="never")
    reference = reference_of(events, write_lines(tmp_path / "labels.jsonl", [*labels, late]))
    assert reference.provenance["labelled"] == str(len(EVENTS) - 1)
    assert reference.provenance["rows_labels_late"] == "1"


def test_the_latest_label_within_the_horizon_counts(tmp_path: Path) -> None:
    events = write_lines(tmp_path / "events.jsonl", EVENTS)
    wrong = [label_of(e, event_id=f"w{e['event_id']}", label="deny") for e in EVENTS]
    right = [label_of(e, timedelta(days=2)) for e in EVENTS]
    only = reference_of(events, write_lines(tmp_path / "right.jsonl", right))
    both = reference_of(events, write_lines(tmp_path / "both.jsonl", [*right, *wrong]))
    assert both.tables.to_bytes() == only.tables.to_bytes()
    assert both.provenance["rows_labels_replaced"] == str(len(EVENTS))


def test_quick_labels_of_young_predictions_are_left_out(tmp_path: Path) -> None:
    """Early labels are a biased sample: on the last days only some have come."""
    events = write_lines(tmp_path / "events.jsonl", EVENTS)
    young = stamp(START + timedelta(days=10))
    labels = [label_of(e) for i, e in enumerate(EVENTS) if e["occurred_at"] < young or i % 2]
    reference = reference_of(events, write_lines(tmp_path / "labels.jsonl", labels))
    mature = sum(event["occurred_at"] < young for event in EVENTS)
    assert reference.provenance["labelled"] == str(mature)
    assert reference.provenance["rows_labels_immature"] == str(len(labels) - mature)


def test_chunks_follow_the_windows_of_the_model(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "events.jsonl", EVENTS)
    assert reference_of(path).chunks == 12
    halves = credit_settings("        window: {length: 12h}\n")
    assert reference_of(path, settings=halves).chunks == 24


def test_the_times_and_the_longest_gap_are_kept(tmp_path: Path) -> None:
    gap = [event for i, event in enumerate(EVENTS) if not 100 <= i < 150]
    reference = reference_of(write_lines(tmp_path / "events.jsonl", gap))
    assert reference.first_us == int(START.timestamp() * 1e6)
    assert reference.longest_gap_us == 51 * 12 * 86_400_000_000 // 600


def test_fewer_than_ten_chunks_leave_the_spread_unknown(tmp_path: Path) -> None:
    reference = reference_of(write_lines(tmp_path / "events.jsonl", credit_events(days=9)))
    assert (reference.phi, reference.auto) == ({}, {})
    assert reference.provenance["spread"] == "unknown: fewer than 10 chunks"


@pytest.mark.slow
def test_events_that_come_in_bursts_of_one_kind_are_seen_as_clustered(tmp_path: Path) -> None:
    """A hundred days of 40 events, ten times the same applicant each: X^2 / df is ten."""
    events = credit_events(rows=4000, days=100)
    for i, event in enumerate(events):
        event["features"] = events[i - i % 10]["features"]
    phi = reference_of(write_lines(tmp_path / "events.jsonl", events)).phi
    assert phi["js_distance", "age"] == pytest.approx(10.0, rel=0.15)
    assert phi.get(("js_distance", "score"), 1.0) == pytest.approx(1.0, abs=0.05)


def test_more_chunks_than_are_kept_lose_no_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_lines(tmp_path / "events.jsonl", EVENTS)
    whole = reference_of(path)
    monkeypatch.setattr("detectors.chunks.MAX_CHUNKS", 10)
    thinned = reference_of(path)
    assert thinned.tables.to_bytes() == whole.tables.to_bytes()
    assert thinned.chunks == 12


def test_families_that_are_switched_off_are_counted_all_the_same(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "events.jsonl", EVENTS)
    off = reference_of(path, settings=credit_settings("        detectors: {bias: false, drift: false}\n"))
    assert off.tables.to_bytes() == reference_of(path).tables.to_bytes()


def test_events_of_another_model_make_no_reference(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "labels.jsonl", map(label_of, EVENTS))
    with pytest.raises(
        NoReference, match=r"no inference event of credit/scoring was found in 600 records \(labels: 600"
    ):
        reference_of(path)


def test_the_sources_are_named_with_their_digest(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "events.jsonl", EVENTS)
    provenance = reference_of(path).provenance
    assert provenance["source events.jsonl"].startswith("sha256 ")
    assert provenance["held_out"] == "yes"
    assert provenance["rows_records"] == provenance["rows_used"] == "600"
