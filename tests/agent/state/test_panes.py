"""Tables of panes: changed ones in memory, the others in the state."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from agent.state.panes import CACHED_PANES, CHANGED_PANES, PaneId, Panes
from agent.state.store import Store
from detectors.tables import Kind, Tables, TableSpec, make_tables

SPEC = TableSpec("t.count", Kind.COUNT, (2,))


def tables(*counts: int) -> Tables:
    return make_tables([(SPEC, np.array(counts, dtype=np.int64))])


def counts(found: Tables | None) -> list[int] | None:
    return None if found is None else found.ints("t.count").tolist()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path, durable=False) as store:
        yield store


def write(store: Store, panes: Panes) -> None:
    with store.transaction():
        panes.write()
    panes.written()


def test_what_is_added_adds_up_and_what_is_taken_back_is_gone(store: Store) -> None:
    panes = Panes(store)
    panes.add(PaneId(1, 0), tables(1, 2))
    panes.add(PaneId(1, 0), tables(3, 0), taken_back=tables(1, 1))
    assert counts(panes.get(PaneId(1, 0))) == [3, 1]


def test_only_what_was_written_is_there_after_a_restart(store: Store) -> None:
    panes = Panes(store)
    panes.add(PaneId(1, 0), tables(1, 2))
    write(store, panes)
    panes.add(PaneId(1, 0), tables(9, 9))
    panes.add(PaneId(1, 60), tables(9, 9))
    again = Panes(store)
    assert counts(again.get(PaneId(1, 0))) == [1, 2]
    assert PaneId(1, 60) not in again


def test_a_window_is_the_sum_of_its_panes(store: Store) -> None:
    panes = Panes(store)
    for start in (0, 60, 180):
        panes.add(PaneId(1, start), tables(1, start))
    panes.add(PaneId(2, 60), tables(100, 100))
    write(store, panes)
    assert counts(Panes(store).window(1, [0, 60, 120, 180])) == [3, 240]
    assert len(panes.window(1, [120])) == 0


def test_dropped_panes_are_gone_for_good(store: Store) -> None:
    panes = Panes(store)
    for start in (0, 60, 120):
        panes.add(PaneId(1, start), tables(1, 1))
    write(store, panes)
    panes.drop(1, before_us=120)
    write(store, panes)
    assert panes.starts(1) == Panes(store).starts(1) == [120]
    assert panes.get(PaneId(1, 0)) is None


def test_memory_holds_a_bounded_number_of_panes_that_did_not_change(store: Store) -> None:
    panes = Panes(store)
    for start in range(CACHED_PANES * 2):
        panes.add(PaneId(1, start), tables(start, 0))
    write(store, panes)
    assert len(panes._cached) == CACHED_PANES
    assert [counts(panes.get(PaneId(1, start))) for start in (0, 100)] == [[0, 0], [100, 0]]


def test_more_panes_than_memory_holds_may_change_in_a_step(store: Store) -> None:
    panes = Panes(store)
    starts = range(CHANGED_PANES * 2)
    for _ in range(2):
        for start in starts:
            panes.add(PaneId(1, start), tables(start, 1))
    assert len(panes._changed) == CHANGED_PANES
    assert counts(panes.window(1, starts)) == [2 * sum(starts), 2 * len(starts)]
    panes.drop(1, 10)
    write(store, panes)
    again = Panes(store)
    assert again.starts(1) == list(starts)[10:]
    assert all(counts(again.get(PaneId(1, start))) == [2 * start, 2] for start in again.starts(1))


def test_tables_lie_compressed_and_those_of_the_first_format_are_read(store: Store) -> None:
    sparse = make_tables([(TableSpec("t.count", Kind.COUNT, (10_000,)), np.arange(10_000) // 9_999)])
    panes = Panes(store)
    panes.add(PaneId(1, 0), sparse)
    write(store, panes)
    body = store.pane(1, 0)
    assert body is not None
    assert len(body) < 1_000
    with store.transaction():
        store.put_panes([(1, 60, sparse.to_bytes())])
    assert counts(Panes(store).window(1, (0, 60))) == [0] * 9_999 + [2]
