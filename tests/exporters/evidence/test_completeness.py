"""Offsets of a partition are in the log once and without holes, or the log says why not."""

from __future__ import annotations

from exporters.evidence.completeness import Missing, Offsets
from exporters.evidence.leaf import Gap, Label, Leaf, Record, Start, Takeover


def record(offset: int, partition: int = 0) -> Leaf:
    return Record(1, ("t", partition, offset), "rejected", "bad_json", 3, None)


def label(offset: int) -> Leaf:
    return Label(1, "l", "e", 2, ("t", 0, offset), None)


def gap(first: int, end: int, cause: str = "retention") -> Leaf:
    return Gap(1, ("t", 0), first, end, cause)  # type: ignore[arg-type]


def wrong(*leaves: Leaf) -> list[tuple[int, str]]:
    return list(Offsets().follow(leaves))


def test_offsets_that_rise_by_one_are_complete_whatever_their_leaves() -> None:
    assert wrong(record(5), label(6), record(7), record(0, partition=1), record(8)) == []


def test_a_hole_is_named_by_its_range() -> None:
    assert wrong(record(5), record(9)) == [
        (1, "t/0 offsets 6 to 8 are missing, and no gap, takeover or retention explains it")
    ]


def test_what_comes_again_is_named() -> None:
    assert wrong(record(5), record(6), record(6)) == [(2, "t/0 offset 6 comes again or too late; 7 was next")]


def test_a_gap_explains_its_range_and_no_more() -> None:
    assert wrong(record(5), gap(6, 9), record(9)) == []
    assert [place for place, _ in wrong(record(5), gap(6, 9), record(10))] == [2]
    assert wrong(record(5), gap(7, 9), record(9)) == [(1, "the gap of t/0 begins at 7, but 6 was next")]


def test_a_log_that_was_cut_back_begins_again_where_the_gap_says() -> None:
    offsets = Offsets()
    assert list(offsets.follow([record(5), gap(6, 2, "cut_back"), record(2), record(3)])) == []
    assert offsets.missing == [Missing("t", 0, 2, 6, "cut_back")]


def test_a_start_is_no_excuse_for_a_hole() -> None:
    start = Start(1, "0.1", [("t", 0, 9)])
    assert [place for place, _ in wrong(record(5), start, record(9))] == [2]
    assert wrong(start, record(9)) == []
    assert [place for place, _ in wrong(start, record(11))] == [1]


def test_after_a_take_over_offsets_may_come_again_or_be_left_out() -> None:
    offsets = Offsets()
    back, on = Takeover(1, [("t", 0, 4)], None), Takeover(1, [("t", 0, 20)], None)
    assert list(offsets.follow([record(5), back, record(4), record(5), on, record(20)])) == []
    assert offsets.missing == [Missing("t", 0, 6, 20, "takeover")]
    assert offsets.positions == {("t", 0): 21}


def test_leaves_that_cannot_be_read_are_passed_over() -> None:
    assert list(Offsets().follow([record(1), None, record(2)])) == []
