"""The whole agent on a real Apache Kafka: what it finds is what a replay of the same events finds, byte for byte."""

from __future__ import annotations

import json
import os
import random
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from tests.agent.world import World, dealt, disordered, iso, make_reference
from tests.faults.log_check import log_is_whole
from tests.parts.journey import Hands, Journey, Results, hands_of, part_of, poisoned, with_copies
from tests.parts.kafka import KafkaBroker
from tests.parts.live_agent import LiveAgent

pytestmark = pytest.mark.parts

KILLS = int(os.environ.get("WACHTER_TEST_KILLS", "12"))
"""How often the agent is killed; releases are proven with 200."""
SEED = int(os.environ.get("WACHTER_TEST_SEED", "23"))
"""Of the moments, the copies and the poison."""
STARTING_SECONDS = 2.0
MIDDLE = 0.55
"""In the middle of the fourth of six days."""

TOO_LATE = [record for _, record in World(seed=3, days=1, per_day=20, prefix="late-").events]
"""Events of the first day, to be sent after the last."""


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_reference(tmp_path_factory.mktemp("reference"))


@pytest.fixture(scope="module")
def world() -> World:
    return World(seed=5, drift_from=3, bad_day=2)


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory, reference: Path, world: World) -> Results:
    return Journey(world, reference).expected(tmp_path_factory.mktemp("expected"))


@pytest.mark.parametrize("partitions", [1, 8])
def test_a_live_agent_finds_what_a_replay_finds(
    tmp_path: Path, broker: KafkaBroker, reference: Path, world: World, expected: Results, partitions: int
) -> None:
    journey = Journey(world, reference, partitions)
    journey.create_topics(broker)
    journey.produce(broker, *hands_of(world, partitions, seed=11))
    journey.produce(broker, journey.sentinels(), [])
    with LiveAgent(tmp_path, journey.settings(broker)) as agent:
        agent.until(lambda: journey.done(agent))
        assert journey.found(agent) == expected


@pytest.mark.timeout(300 + 20 * KILLS)
def test_kills_at_random_moments_lose_and_double_nothing(
    tmp_path: Path, broker: KafkaBroker, reference: Path, world: World, expected: Results
) -> None:
    chance = random.Random(SEED)
    journey = Journey(world, reference)
    journey.create_topics(broker)
    copied = disordered(with_copies(world.events, 0.10, chance), seed=29)
    mixed, poison = poisoned(copied, 0.05, chance)
    both = (dealt(mixed, journey.partitions, seed=31), dealt(disordered(world.labels, seed=37), 2, seed=41))
    parts = KILLS + 1
    agent = LiveAgent(tmp_path, journey.settings(broker, instance_id="pod-0", batch_records=20))
    in_the_middle = 0
    with agent:
        for number in range(KILLS):
            journey.produce(broker, *(part_of(hands, number / parts, (number + 1) / parts) for hands in both))
            kill_at_random(agent, journey, chance)
            in_the_middle += not journey.read_by(agent)
            agent.start()
        journey.produce(broker, *(part_of(hands, KILLS / parts, 1.0) for hands in both))
        journey.produce(broker, [TOO_LATE], [])
        journey.produce(broker, journey.sentinels(), [])
        agent.until(lambda: journey.done(agent))
        assert journey.found(agent) == expected
        kept = agent.command("rejects", "list", "--json", "--limit", "100000").splitlines()
        counters = agent.counters()
        log_is_whole(agent)
    assert in_the_middle >= KILLS // 2, "the agent had mostly nothing to lose"
    classes = [counters[name] for name in ("accepted", "rejected", "duplicate", "late")]
    assert counters["received"] == sum(classes) == len(copied) + poison + len(TOO_LATE) + journey.sentinel_count
    assert counters["late"] == len(TOO_LATE)
    assert counters["accepted"] == len(world.events) + journey.sentinel_count
    assert counters["rejected"] == len(kept) == poison
    assert len({(one["topic"], one["partition"], one["offset"]) for one in map(json.loads, kept)}) == poison


def kill_at_random(agent: LiveAgent, journey: Journey, chance: random.Random) -> None:
    """At any progress through what there is to read, or at any time after the start of the process."""
    if chance.random() < 0.3:
        moment = time.monotonic() + chance.uniform(0.0, STARTING_SECONDS)
        agent.until(lambda: time.monotonic() >= moment)
    else:
        read, all_ = agent.records(), sum(journey.produced.values())
        target = read + chance.random() * 0.9 * (all_ - read)
        agent.until(lambda: agent.records() >= target)
    agent.kill()


@pytest.mark.parametrize("loss", ["killed", "stopped", "frozen"])
def test_a_standby_without_the_state_goes_on_in_the_middle_of_a_window(
    tmp_path: Path, broker: KafkaBroker, reference: Path, world: World, expected: Results, loss: str
) -> None:
    journey = Journey(world, reference)
    both = hands_of(world, journey.partitions, seed=43)
    parts = [[part_of(hands, begin, end) for hands in both] for begin, end in ((0.0, MIDDLE), (MIDDLE, 1.0))]
    before, after = windows_of_two(tmp_path, broker, journey, parts, loss)
    assert_they_are(before, after, expected.windows)


@pytest.mark.parametrize("partitions", [1, 8])
def test_a_standby_without_the_state_goes_on_in_the_middle_of_a_run_of_undecided_windows(
    tmp_path: Path, broker: KafkaBroker, reference: Path, partitions: int
) -> None:
    journey = Journey(World(seed=61, days=16, per_day=64), reference, partitions)
    expected = journey.expected(tmp_path).windows
    both = hands_of(journey.world, partitions, seed=43)
    lost_at = journey.world.start + timedelta(days=13.4)
    parts = [[told(hands, lost_at, before=before) for hands in both] for before in (True, False)]
    before, after = windows_of_two(tmp_path, broker, journey, parts, "killed")
    assert_they_are(before, after, expected)
    begun = json.loads(after[0])["window_start"]
    runs = [run for line in after if (run := json.loads(line).get("judged_with"))]
    assert any(run[0] < begun <= run[-1] for run in runs), "no run was under way"


def told(hands: Hands, moment: datetime, *, before: bool) -> Hands:
    """The records of events that happened before a moment, or after it."""
    return [
        [record for record in hand if (json.loads(record)["occurred_at"] < iso(moment)) is before] for hand in hands
    ]


def windows_of_two(
    tmp_path: Path, broker: KafkaBroker, journey: Journey, parts: list[list[Hands]], loss: str
) -> tuple[list[str], list[str]]:
    """What an owner measured of the first part, and a standby that went on when it was lost.

    Args:
        parts: twice events and labels.
    """
    journey.create_topics(broker)
    journey.produce(broker, *parts[0])
    owner, standby = (LiveAgent(tmp_path / name, journey.settings(broker)) for name in ("owner", "standby"))
    with owner:
        owner.until(lambda: journey.read_by(owner))
        with standby:
            standby.until(standby.ready)
            assert not standby.records()
            lose(owner, loss)
            journey.produce(broker, *parts[1])
            journey.produce(broker, journey.sentinels(), [])
            standby.until(lambda: journey.done(standby))
            if loss == "frozen":
                come_back(owner)
            return journey.found(owner).windows, journey.found(standby).windows


def assert_they_are(before: list[str], after: list[str], wanted: list[str]) -> None:
    """Both have a part, byte for byte, and nothing lies between them."""
    assert 0 < len(before) < len(wanted)
    assert 0 < len(after) < len(wanted)
    assert before == wanted[: len(before)]
    assert after == wanted[-len(after) :]
    assert len(before) + len(after) >= len(wanted)


def lose(owner: LiveAgent, loss: str) -> None:
    if loss == "killed":
        owner.kill()
    elif loss == "stopped":
        assert owner.stop() == 0
    else:
        owner.freeze()


def come_back(owner: LiveAgent) -> None:
    """A zombie finds out that it is none any more: it writes nothing and stands by."""
    had = owner.records()
    owner.thaw()
    owner.until(lambda: 'wachter_source_state{state="standby"} 1.0' in owner.get("/metrics").text)
    assert owner.records() == had
    assert "Traceback" not in owner.output


def test_an_owner_that_comes_back_with_an_old_state_goes_on_where_the_other_stopped(
    tmp_path: Path, broker: KafkaBroker, reference: Path, world: World, expected: Results
) -> None:
    journey = Journey(world, reference)
    journey.create_topics(broker)
    events, labels = hands_of(world, journey.partitions, seed=47)
    first, second = (LiveAgent(tmp_path / name, journey.settings(broker)) for name in ("first", "second"))
    turns = [(first, 0.0, 0.4), (second, 0.4, 0.75), (first, 0.75, 1.0)]
    for agent, begin, end in turns:
        journey.produce(broker, part_of(events, begin, end), part_of(labels, begin, end))
        read_and_leave(agent, journey.read_by)
    journey.produce(broker, journey.sentinels(), [])
    read_and_leave(first, journey.done)
    before, after = journey.found(first).windows, journey.found(second).windows
    assert after
    assert sorted({*before, *after}) == sorted(expected.windows)


def read_and_leave(agent: LiveAgent, done: Callable[[LiveAgent], bool]) -> None:
    with agent:
        agent.until(lambda: done(agent))
        assert agent.stop() == 0
