"""Labels of a reference."""

from __future__ import annotations

import numpy as np

from agent.join.labels import seed_of
from agent.reference.labels import NO_LABEL, Joined, LabelBook
from detectors.columns import Labels
from detectors.encode import text_hashes
from detectors.windows import WindowPlan

HOUR = 3_600_000_000
PLAN = WindowPlan(length_us=24 * HOUR, slide_us=24 * HOUR)
SEED = seed_of("s", "m")


def book_of(
    *labels: tuple[str, str, int], addressed: tuple[str | None, str | None, str | None] | None = None
) -> LabelBook:
    """Labels as (own id, id of the prediction, hour)."""
    book = LabelBook()
    rows = len(labels)
    book.add(
        Labels(
            ids=[own for own, _, _ in labels],
            ref_ids=[ref for _, ref, _ in labels],
            occurred_us=np.array([hour * HOUR for _, _, hour in labels], dtype=np.int64),
            ref_occurred_us=np.full(rows, -1, dtype=np.int64),
            labels=[f"value of {own}" for own, _, _ in labels],
            addressed=[addressed or (None, None, None)] * rows,
            partition=np.zeros(rows, dtype=np.int32),
            offset=np.arange(rows, dtype=np.int64),
        ),
        "s",
        "m",
        SEED,
    )
    return book


def joined(book: LabelBook, *predictions: tuple[str, int], horizon_hours: int = 10) -> Joined:
    """Predictions as (id, hour)."""
    hashes = text_hashes([name for name, _ in predictions], SEED)
    times = np.array([hour * HOUR for _, hour in predictions], dtype=np.int64)
    return book.join(hashes, times, PLAN, horizon_hours * HOUR)


def values(book: LabelBook, found: Joined) -> list[object]:
    return [None if number == NO_LABEL else book.values[number] for number in found.label.tolist()]


def test_a_label_meets_its_prediction() -> None:
    book = book_of(("l1", "b", 3), ("l2", "a", 4))
    found = joined(book, ("a", 1), ("b", 1), ("c", 1))
    assert values(book, found) == ["value of l2", "value of l1", None]


def test_a_label_without_a_prediction_is_an_orphan() -> None:
    assert joined(book_of(("l1", "z", 3)), ("a", 1)).orphans == 1
    assert joined(book_of(("l1", "z", 3))).orphans == 1


def test_the_horizon_runs_from_the_end_of_the_pane() -> None:
    book = book_of(("last", "a", 11), ("late", "b", 12))
    found = joined(book, ("a", 1), ("b", 1))  # their pane ends at hour 2
    assert values(book, found) == ["value of last", None]
    assert found.late == 1


def test_the_latest_label_counts_and_ties_are_broken_by_hash() -> None:
    book = book_of(("old", "a", 2), ("new", "a", 5), ("x", "b", 4), ("y", "b", 4))
    backwards = book_of(("y", "b", 4), ("x", "b", 4), ("new", "a", 5), ("old", "a", 2))
    found, other = joined(book, ("a", 1), ("b", 1)), joined(backwards, ("a", 1), ("b", 1))
    assert values(book, found) == values(backwards, other)
    assert values(book, found)[0] == "value of new"
    assert found.replaced == 2


def test_labels_of_other_models_are_left_out() -> None:
    assert len(book_of(("l1", "a", 3), addressed=("s", "other", None))) == 0
    assert len(book_of(("l1", "a", 3), addressed=("other", None, None))) == 0
    assert len(book_of(("l1", "a", 3), addressed=("s", "m", "2"))) == 1
