"""Copies, disorder, late events and wrong clocks: exact windows, and one bad clock closes none of them."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from tests.faults.generator import LATENESS, Story, iso, micros
from tests.faults.report import SEED
from tests.faults.scene import Scene
from tests.parts.kafka import KafkaBroker

pytestmark = [pytest.mark.parts, pytest.mark.slow]


def test_copies_shuffled_and_an_hour_late_are_each_in_their_class(tmp_path: Path, broker: KafkaBroker) -> None:
    """A tenth of the events is sent twice, within the lateness; some come when their window is long closed."""
    story = Story(seed=51, events=3000)
    scene, chance = Scene(story, broker).create(), np.random.default_rng(SEED)
    copies = 0
    for hand in scene.hands:
        doubled = [(at, n) for n, at in enumerate(range(len(hand))) if b'"inference"' in (hand[n] or b"")]
        for at, n in reversed([one for one in doubled if chance.random() < 0.1]):
            hand.insert(at + 1 + int(chance.integers(20)), hand[n])
            copies += 1
    too_late = [Story(seed=52, events=1, prefix=f"late-{n}-").event(0) for n in range(50)]
    scene.tell()
    with scene.read_by(tmp_path) as agent:
        agent.until(lambda: scene.is_told(agent))
        scene.write([too_late[n :: scene.partitions] for n in range(scene.partitions)])
        agent.until(lambda: scene.is_read(agent))
        scene.holds(agent, duplicate=copies, late=len(too_late))


def test_a_few_bad_clocks_ahead_close_no_window(tmp_path: Path, broker: KafkaBroker) -> None:
    """Each partition gets events of the next day now and then, as the majority of its events never are."""
    story = Story(seed=53, events=3000)
    scene = Scene(story, broker).create()
    strays = 0
    for number, hand in enumerate(scene.hands):
        for place in range(len(hand) - 30, 0, -150):
            at = iso(micros(story.end + timedelta(hours=3)))
            stray = json.loads(Story(seed=54, events=1, prefix=f"stray-{number}-{place}-").event(0))
            hand.insert(place, json.dumps({**stray, "occurred_at": at}).encode())
            strays += 1
    scene.tell()
    with scene.read_by(tmp_path) as agent:
        agent.until(lambda: scene.is_told(agent))
        scene.holds(agent, accepted=story.events + strays)


def test_a_day_in_the_future_by_our_clock_is_refused_and_the_windows_are_exact(
    tmp_path: Path, broker: KafkaBroker
) -> None:
    now = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    story = Story(seed=55, events=1000, windows=2, start=now - timedelta(hours=12))
    scene = Scene(story, broker).create()
    ahead = iso(micros(now + timedelta(days=1)))
    tomorrow = [Story(seed=56, events=1, prefix=f"t{n}-").event(0, occurred_at=ahead) for n in range(40)]
    scene.write([hand + tomorrow[n::4] for n, hand in enumerate(scene.hands)])
    scene.write(story.sentinels(scene.partitions))
    with scene.read_by(tmp_path, clock="wall", idle_timeout="1s") as agent:
        agent.until(lambda: scene.is_told(agent))
        scene.holds(agent, rejected=len(tomorrow))
        assert story.sentinel_at < now - LATENESS
