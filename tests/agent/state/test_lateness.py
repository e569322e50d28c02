"""What was late when it was read first."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from agent.source import Partition
from agent.state.lateness import Lateness, Mark
from agent.state.store import Position

PART, OTHER = Partition("t"), Partition("t", 1)
MARKS = st.lists(st.builds(Mark, st.integers(0, 30), st.integers(0, 30)))


def lateness_of(marks: list[Mark]) -> Lateness:
    lateness = Lateness({})
    for mark in marks:
        lateness.add(PART, "s", mark)
    return lateness


@given(MARKS)
def test_at_each_offset_the_watermark_is_the_greatest_of_the_marks_before(marks: list[Mark]) -> None:
    lateness, offsets = lateness_of(marks), np.arange(32)
    expected = [max((m.watermark_us for m in marks if m.offset <= at), default=-(1 << 62)) for at in offsets]
    assert lateness.watermark(PART, "s", offsets).tolist() == expected


@given(MARKS)
def test_no_mark_is_kept_that_another_implies(marks: list[Mark]) -> None:
    kept = [mark for _, _, mark in lateness_of(marks)]
    assert kept == sorted(kept)
    assert len({mark.watermark_us for mark in kept}) == len({mark.offset for mark in kept}) == len(kept)


@given(MARKS, st.integers(0, 30))
def test_forgetting_changes_nothing_for_panes_that_are_kept(marks: list[Mark], before: int) -> None:
    lateness, offsets = lateness_of(marks), np.arange(32)
    known = lateness.watermark(PART, "s", offsets)
    lateness.forget("s", before)
    after = lateness.watermark(PART, "s", offsets)
    assert np.array_equal(np.maximum(known, before), np.maximum(after, before))
    assert lateness.knows("s") == bool((known > before).any())


def test_partitions_and_systems_have_marks_of_their_own_and_positions_keep_them() -> None:
    lateness = lateness_of([Mark(5, 60)])
    lateness.add(PART, "other", Mark(4, 10))
    assert lateness.of(PART) == (("other", 4, 10), ("s", 5, 60))
    assert lateness.of(OTHER) == ()
    assert Lateness({PART: Position(9, late=lateness.of(PART))}).of(PART) == lateness.of(PART)
    lateness.forget("s", 100)
    assert lateness.of(PART) == (("other", 4, 10),)
