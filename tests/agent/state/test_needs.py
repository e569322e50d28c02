"""How far back records are kept in mind for a successor."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.source import Partition
from agent.state.needs import Needs
from agent.state.store import Position

PART, OTHER = Partition("t"), Partition("t", 1)
ADDED = st.lists(st.tuples(st.sampled_from([PART, OTHER]), st.integers(0, 20), st.integers(0, 100)), max_size=40)


def needs_of(added: list[tuple[Partition, int, int]]) -> Needs:
    needs = Needs({})
    for partition, pane, offset in added:
        needs.add(partition, "s", pane, offset)
    return needs


@given(ADDED, st.integers(0, 20), st.lists(st.integers(0, 20)))
def test_whatever_is_kept_can_be_read_again(
    added: list[tuple[Partition, int, int]], opened: int, runs: list[int]
) -> None:
    needs = needs_of(added)
    kept = needs.keep("s", opened, runs)
    assert kept == min([opened, *runs])
    for partition in (PART, OTHER):
        asked_for = [offset for of, pane, offset in added if of == partition and pane >= kept]
        assert needs.lowest(partition) == min(asked_for, default=None)


@given(ADDED, st.sets(st.integers(0, 9), min_size=1))
def test_when_a_run_ends_the_next_one_can_still_be_read_again(
    added: list[tuple[Partition, int, int]], runs: set[int]
) -> None:
    needs, rest = needs_of(added), sorted(runs)
    while rest:
        assert needs.keep("s", 10, rest) == rest[0]
        for partition in (PART, OTHER):
            asked_for = [offset for of, pane, offset in added if of == partition and pane >= rest[0]]
            assert needs.lowest(partition) == min(asked_for, default=None)
        rest.pop(0)


def test_runs_leave_one_entry_each_and_open_windows_one_for_each_pane() -> None:
    needs = needs_of([(PART, pane, 10 * pane) for pane in range(10)])
    needs.keep("s", 7, [2, 5])
    assert needs.of(PART) == (("s", 2, 20), ("s", 5, 50), ("s", 7, 70), ("s", 8, 80), ("s", 9, 90))
    assert Needs({PART: Position(100, needed=needs.of(PART))}).of(PART) == needs.of(PART)


@pytest.mark.parametrize(("most", "kept"), [(1000, 2), (99, 2), (98, 5), (39, 7)])
def test_runs_are_given_up_where_reading_them_again_would_take_too_long(
    monkeypatch: pytest.MonkeyPatch, most: int, kept: int
) -> None:
    monkeypatch.setattr("agent.state.needs.MAX_RUN_RECORDS", most)
    needs = needs_of([(PART, pane, 10 * pane) for pane in range(10)] + [(OTHER, 2, 1), (OTHER, 5, 30), (OTHER, 8, 50)])
    assert needs.keep("s", 7, [2, 5]) == kept
    assert needs.lowest(PART) == 10 * kept


def test_other_systems_keep_theirs() -> None:
    needs = needs_of([(PART, 1, 5)])
    needs.add(PART, "other", 0, 3)
    needs.keep("s", 9, [])
    assert needs.of(PART) == (("other", 0, 3),)
