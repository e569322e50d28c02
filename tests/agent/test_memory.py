"""The limit of memory: what is given back, when nothing is fetched, and that reading never stops for good."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.clock import FixedClock
from agent.memory import ENOUGH, MEBIBYTE, RELEASE_SECONDS, STILL_SECONDS, MemoryGuard, release, resident_bytes
from agent.source import Partition
from tests.agent.conftest import OpenStage
from tests.agent.scripted_source import ScriptedSource
from tests.agent.stage import PART, Stage, events

LIMIT = 512 * MEBIBYTE
SECOND_US = 1_000_000
OTHER = Partition("t", 1)


class Memory:
    """What a process is said to hold; giving back leaves ``kept``."""

    def __init__(self, held: int | None = 0) -> None:
        self.held = held
        self.kept: int | None = None
        self.given_back = self.dropped = 0

    def read(self) -> int | None:
        return self.held

    def give_back(self) -> None:
        self.given_back += 1
        self.held = self.held if self.kept is None else self.kept

    def drop_caches(self) -> None:
        self.dropped += 1


class Watched:
    """A guard over such a process, by a clock that stands where it is put."""

    def __init__(self, held: int | None = 0) -> None:
        self.memory, self.clock = Memory(held), FixedClock()
        self.guard = MemoryGuard(LIMIT, self.clock, self.memory.read, self.memory.give_back)

    def look(self, held: int | None = None, *, moved: bool = True, after_seconds: float = 0.0) -> bool:
        self.clock.at_us += round(after_seconds * SECOND_US)
        self.memory.held = self.memory.held if held is None else held
        self.guard.look(self.memory.drop_caches, moved=moved)
        return self.guard.holds


def test_below_the_limit_nothing_is_held_nor_given_back() -> None:
    watched = Watched(LIMIT)
    assert not watched.look()
    assert watched.guard.trouble is None
    assert watched.memory.given_back == watched.memory.dropped == 0


def test_what_can_be_given_back_spares_a_pause() -> None:
    watched = Watched(LIMIT + 1)
    watched.memory.kept = LIMIT
    assert not watched.look()
    assert watched.guard.trouble is None
    assert watched.memory.given_back == watched.memory.dropped == 1


def test_above_the_limit_nothing_is_fetched_until_clearly_less_is_held() -> None:
    watched = Watched()
    assert watched.look(LIMIT + 1)
    assert watched.look(LIMIT)
    assert not watched.look(int(LIMIT * ENOUGH))
    assert watched.guard.trouble is None
    assert watched.guard.pauses == 1


def test_the_trouble_says_how_much_is_held_and_what_to_do() -> None:
    watched = Watched()
    watched.look(LIMIT + 88 * MEBIBYTE)
    assert watched.guard.trouble is not None
    assert watched.guard.trouble.kind == "memory"
    assert watched.guard.trouble.message == (
        "600 MiB are held, limits.memory_bytes is 512 MiB: little or nothing is fetched until it is less. "
        "Raise it, or watch less"
    )


def test_memory_is_given_back_now_and_then_and_not_with_every_step() -> None:
    watched = Watched(2 * LIMIT)
    watched.look()
    watched.look(after_seconds=RELEASE_SECONDS - 1)
    assert watched.memory.given_back == 1
    watched.look(after_seconds=1)
    assert watched.memory.given_back == 2


def test_where_nothing_moves_any_more_one_batch_is_fetched_and_then_nothing_until_it_stands_again() -> None:
    watched = Watched(2 * LIMIT)
    assert watched.look()
    assert watched.look(moved=False, after_seconds=STILL_SECONDS - 1)
    assert not watched.look(moved=False, after_seconds=1)
    assert watched.guard.trouble is not None
    assert watched.look(moved=True)
    assert watched.look(moved=False, after_seconds=STILL_SECONDS - 1)
    assert not watched.look(moved=False, after_seconds=1)


def test_a_system_that_does_not_say_what_is_held_limits_nothing(tmp_path: Path) -> None:
    assert resident_bytes(tmp_path / "missing") is None
    assert not Watched(None).look()


def test_the_process_is_measured_as_the_system_counts_it(tmp_path: Path) -> None:
    (tmp_path / "statm").write_text("5000 300 20 1 0 400 0\n")
    found = resident_bytes(tmp_path / "statm")
    assert found is not None
    assert found % 300 == 0
    release()


@pytest.fixture
def short(open_stage: OpenStage) -> tuple[Stage, Memory]:
    """A step over two partitions of which one is far ahead, in a process that holds too much for good."""
    source = ScriptedSource([PART, OTHER], batch=50)
    source.append(*events("ahead", 0, 600, 600), to=PART)
    source.append(*events("behind", 0, 600, 600), to=OTHER)
    stage = open_stage(source)
    memory = Memory(2 * LIMIT)
    stage.step.memory = MemoryGuard(LIMIT, stage.clock, memory.read, memory.give_back)
    return stage, memory


def test_a_step_that_holds_too_much_fetches_nothing_and_says_so(short: tuple[Stage, Memory]) -> None:
    stage, memory = short
    stage.turn(4)
    assert stage.source.held == {PART, OTHER}
    assert stage.step.owned.held == {PART, OTHER}
    assert stage.step.owned.trouble is not None
    assert stage.step.owned.trouble.kind == "memory"
    memory.held = LIMIT // 2
    stage.turn(2)
    assert stage.step.owned.trouble is None
    assert not stage.source.held


def test_reading_goes_on_slowly_where_memory_never_falls(short: tuple[Stage, Memory]) -> None:
    stage, _ = short
    for _ in range(200):
        stage.clock.at_us += round(STILL_SECONDS * SECOND_US / 2)
        stage.turn()
    assert stage.source.drained
    assert not stage.step.pipeline.buffer.waiting
    assert stage.count("accepted") == 1200


def test_caches_that_were_dropped_are_read_again(open_stage: OpenStage) -> None:
    stage = open_stage()
    stage.run(*events("a", 0, 50))
    stage.step.drop_caches()
    stage.run(*events("b", 50, 59), *events("c", 70, 80))
    stage.finish()
    assert next(line["value"] for line in stage.lines("volume")) == 120
