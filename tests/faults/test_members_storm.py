"""Members that come and go all the time: each event is once in the windows, whoever owns the partitions."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest

from tests.faults.check import measured
from tests.faults.conftest import Note
from tests.faults.generator import Story, iso, micros, part_of
from tests.faults.oracle import Key, Value, expected
from tests.faults.report import SEED, scaled
from tests.faults.scene import Scene
from tests.parts.kafka import KafkaBroker
from tests.parts.live_agent import LiveAgent
from tests.parts.members import Member, settings_for

JOINS = scaled(5, 20)
TURNS = scaled(3, 12)
pytestmark = [pytest.mark.parts, pytest.mark.slow, pytest.mark.timeout(300 + 40 * JOINS)]
BY_LABELS = {"accuracy", "brier", "label_coverage"}
"""What rests on labels stays with the member that has seen them."""


def storm(scene: Scene, joins: int, chance: np.random.Generator) -> Iterator[int]:
    """Members, static and dynamic ones, join and leave; yields after each."""
    for number in range(joins):
        name = f"passer-{number}" if number % 2 else None
        settings = settings_for(scene.broker.bootstrap, scene.topic, group=scene.topic, instance_id=name)
        with Member(settings.model_copy(update={"session_timeout_seconds": 6})) as member:
            member.until(lambda member=member: member.assignments, 30)
            assert not member.owns, "a passer-by was given partitions while the owner lives"
            moment = time.monotonic() + chance.uniform(0.0, 0.5)
            member.until(lambda moment=moment: time.monotonic() >= moment)
        yield number


def test_members_that_pass_by_do_not_disturb_the_owner(tmp_path: Path, broker: KafkaBroker, note: Note) -> None:
    scene = Scene(Story(seed=44, events=200 * JOINS), broker).create()
    chance, began = np.random.default_rng(SEED), time.monotonic()
    with scene.read_by(tmp_path, batch_records=50) as agent:
        agent.until(agent.ready)
        for number in storm(scene, JOINS, chance):
            scene.write(part_of(scene.hands, number / JOINS, (number + 1) / JOINS))
        took = time.monotonic() - began
        scene.write(scene.story.sentinels(scene.partitions))
        agent.until(lambda: scene.is_told(agent), 60)
        scene.holds(agent)
        assert agent.metric("wachter_steps_dropped_total") == 0
    note(joins_and_leaves=JOINS, seconds=took, seed=SEED)


def test_ownership_that_moves_all_the_time_loses_and_doubles_nothing(
    tmp_path: Path, broker: KafkaBroker, note: Note
) -> None:
    """Three members with directories of their own; the owner is killed, stopped or frozen in turn, and comes back later."""
    scene = Scene(Story(seed=45, events=600 * TURNS, windows=2 * TURNS), broker).create()
    names = ["one", "two", "three"]
    with ExitStack() as stack:
        members = [stack.enter_context(LiveAgent(tmp_path / name, scene.settings(batch_records=100))) for name in names]
        for number in range(TURNS):
            owner = owner_of(members)
            scene.write(part_of(scene.hands, number / TURNS, (number + 0.5) / TURNS))
            owner.until(lambda owner=owner: read_at_least(owner, scene, 0.5))
            loss = ("kill", "stop", "freeze")[number % 3]
            getattr(owner, loss)()
            scene.write(part_of(scene.hands, (number + 0.5) / TURNS, (number + 1) / TURNS))
            successor = owner_of([member for member in members if member is not owner])
            successor.until(lambda: scene.is_read(successor))  # noqa: B023
            owner.thaw() if loss == "freeze" else owner.start()
            owner.until(owner.ready)
        scene.write(scene.story.sentinels(scene.partitions))
        last = owner_of(members)
        last.until(lambda: scene.is_told(last), 60)
        found = [windows(member, scene.story) for member in members]
    wanted = {key: value for key, value in expected(scene.story).items() if key.metric not in BY_LABELS}
    together: dict[Key, set[Value | None]] = {}
    for one in found:
        for key, value in one.items():
            together.setdefault(key, set()).add(value)
    assert {key: together.get(key) for key in wanted} == {key: {value} for key, value in wanted.items()}
    note(take_overs=TURNS)


def owner_of(members: list[LiveAgent]) -> LiveAgent:
    """The one that has partitions, once there is one."""
    found: list[LiveAgent] = []

    def look() -> bool:
        found[:] = [one for one in members if 'wachter_source_state{state="reading"} 1.0' in one.get("/metrics").text]
        return len(found) == 1

    members[0].until(look)
    return found[0]


def read_at_least(agent: LiveAgent, scene: Scene, share: float) -> bool:
    return agent.records() >= share * sum(scene.produced.values())


def windows(member: LiveAgent, story: Story) -> dict[Key, Value | None]:
    """What a member has measured of whole windows; each at most once."""
    lines = member.command("measurements", "--jsonl").splitlines()
    whole = [line for line in lines if not json.loads(line).get("partial")]
    return measured(whole, iso(micros(story.end)))
