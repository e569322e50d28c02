"""Counters, needs and lanes live in the step's transaction."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from agent.source import Partition
from agent.state.ledger import Ledger, StreamState
from agent.state.store import Position, Store
from detectors.columns import StreamKey
from detectors.incidents import StreamIncidents
from detectors.thresholds import Carry

PART, OTHER = Partition("t"), Partition("t", 1)
STREAM = StreamKey("s", "m", "1", "country=NL")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path, durable=False) as store:
        yield store


def write(store: Store, ledger: Ledger) -> None:
    with store.transaction():
        ledger.write()
    ledger.written()


def test_counters_survive_only_when_written(store: Store) -> None:
    ledger = Ledger(store)
    ledger.count("received", 3, system="s")
    ledger.raise_to("last", 7)
    ledger.raise_to("last", 5)
    write(store, ledger)
    ledger.count("received", 10, system="s")
    again = Ledger(store)
    assert again.value("received", system="s") == 3
    assert again.value("last") == 7
    assert again.value("never", system="s") == 0


def test_the_lowest_offset_of_each_pane_is_needed_until_its_windows_are_closed(store: Store) -> None:
    ledger = Ledger(store)
    ledger.positions = {PART: Position(50), OTHER: Position(9)}
    ledger.partitions = [PART, OTHER]
    for number, pane, offset in ((0, 60, 41), (0, 60, 40), (0, 120, 45), (1, 60, 8)):
        ledger.need(number, "s", pane, offset)
    assert ledger.needs.of(PART) == (("s", 60, 40), ("s", 120, 45))
    write(store, ledger)
    again = Ledger(store)
    assert again.needs.of(PART) == ledger.needs.of(PART)
    again.keep_needed("other", 1_000, [])
    again.keep_needed("s", 120, [])
    assert again.needs.of(PART) == (("s", 120, 45),)
    assert again.needs.of(OTHER) == ()


def test_a_partition_keeps_its_number(store: Store) -> None:
    ledger = Ledger(store)
    assert [ledger.number_of(part) for part in (PART, OTHER, PART)] == [0, 1, 0]


def test_a_lane_is_one_stream_under_one_context(store: Store) -> None:
    ledger = Ledger(store)
    old = ledger.new_lane(STREAM, "old", 60)
    new = ledger.new_lane(STREAM, "new", 120)
    write(store, ledger)
    again = Ledger(store)
    assert again.lane(STREAM, "old") == msgspec.structs.replace(old, cut_us=120)
    assert again.lane(STREAM, "new") == new
    assert again.lane(STREAM, "other") is None
    assert again.live_lanes == 2


def test_a_stream_remembers_its_undecided_runs_and_nothing_of_decided_ones(store: Store) -> None:
    ledger = Ledger(store)
    state = StreamState(StreamIncidents(STREAM)).with_carry({("psi", "x"): Carry(run=(0, 60)), ("psi", "y"): Carry()})
    ledger.put_stream(STREAM, state)
    write(store, ledger)
    again = Ledger(store)
    assert again.stream(STREAM) == state
    assert again.stream(STREAM).carry() == {("psi", "x"): Carry(run=(0, 60))}
    again.forget_runs()
    assert again.stream(STREAM).carry() == {}
