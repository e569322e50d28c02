"""Differences say where the first one is, and how many there are."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from agent.replay import differences
from agent.replay.differences import Differences, first_difference, rests_on_runs


def lines(*records: dict[str, object]) -> bytes:
    return b"".join(json.dumps(record).encode() + b"\n" for record in records)


def test_the_first_field_that_differs_is_named_with_both_values() -> None:
    recorded = lines({"metric": "a", "value": 1}, {"metric": "b", "value": 2, "n": 7}, {"metric": "c", "value": 3})
    computed = lines({"metric": "a", "value": 1}, {"metric": "b", "value": 2, "n": 8}, {"metric": "c", "value": 4})
    assert first_difference(recorded, computed) == {
        "lines": 2,
        "metric": "b",
        "subject": None,
        "field": "n",
        "recorded": 7,
        "computed": 8,
    }


@pytest.mark.parametrize(("one", "other", "missing"), [(2, 1, "computed"), (1, 2, "recorded")])
def test_a_line_that_only_one_side_has_is_named(one: int, other: int, missing: str) -> None:
    measured: list[dict[str, object]] = [{"metric": "a", "subject": "x"}, {"metric": "a", "subject": "y"}]
    found = first_difference(lines(*measured[:one]), lines(*measured[:other]))
    assert found == {"lines": 1, "metric": "a", "subject": "y", "missing": missing}


def test_an_incident_has_fields_and_no_metric() -> None:
    found = first_difference(lines({"state": "open"}), lines({"state": "resolved"}))
    assert found == {"lines": 1, "field": "state", "recorded": "open", "computed": "resolved"}


def test_a_field_that_only_one_side_has_differs() -> None:
    found = first_difference(lines({"metric": "a"}), lines({"metric": "a", "reason": "no_reference"}))
    assert (found["field"], found["recorded"], found["computed"]) == ("reason", None, "no_reference")


def test_what_was_judged_with_others_rests_on_them() -> None:
    alone, together = {"metric": "a", "n": 1}, {"metric": "a", "n": 2, "judged_with": ["2026-01-01T00:00:00Z"]}
    assert rests_on_runs(lines(alone), lines(together))
    assert rests_on_runs(lines(together), lines(alone))
    assert not rests_on_runs(lines(alone), lines({"metric": "a", "n": 3}))
    assert not rests_on_runs(lines(alone, together), lines(together, {"metric": "b"}))


def test_all_are_counted_and_so_many_are_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(differences, "MAX_NAMED", 2)
    with Differences(tmp_path / "found") as found:
        for number in range(3):
            found.add("event", "cannot be read", source=["t", 0, number], entry=None)
    assert found.counts == {"event": 3}
    assert (tmp_path / "found").read_text().splitlines() == [
        '{"kind":"event","what":"cannot be read","source":["t",0,0]}',
        '{"kind":"event","what":"cannot be read","source":["t",0,1]}',
    ]
