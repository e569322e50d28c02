from __future__ import annotations

from pathlib import Path

import pytest

from agent.reference.report import warnings_of
from tests.agent.reference.credit import Event, credit_events, label_of, reference_of, write_lines


def notes(directory: Path, events: list[Event]) -> list[str]:
    """What is said about classes of a reference of these events and their labels."""
    lines = write_lines(directory / "events.jsonl", [*events, *map(label_of, events)])
    return [told for told in warnings_of(reference_of(lines)) if "none of the classes" in told]


def test_answers_that_are_none_of_the_classes_are_told(tmp_path: Path) -> None:
    events = [event | {"prediction": "1.0", "truth": "0.0"} for event in credit_events()]
    predictions, labels = notes(tmp_path, events)
    assert predictions.startswith("600 of 600 predictions are none of the classes (deny, grant)")
    assert " labels are none of the classes (deny, grant)" in labels


@pytest.mark.parametrize(("odd", "told"), [(6, 0), (7, 1)])
def test_one_in_a_hundred_of_them_may_be_odd(tmp_path: Path, odd: int, told: int) -> None:
    events = [event | ({"prediction": "else"} if n < odd else {}) for n, event in enumerate(credit_events())]
    assert len(notes(tmp_path, events)) == told
