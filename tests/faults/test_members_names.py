"""Two pods under one name: the one that came first says so, owns nothing any more and writes nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.generator import Story
from tests.faults.scene import Scene
from tests.parts.kafka import KafkaBroker
from tests.parts.live_agent import LiveAgent

pytestmark = [pytest.mark.parts, pytest.mark.slow]


def test_of_two_pods_with_one_instance_id_the_loser_says_so_and_writes_no_more(
    tmp_path: Path, broker: KafkaBroker
) -> None:
    scene = Scene(Story(seed=46, events=1000), broker).create()
    settings = scene.settings(instance_id="pod-0")
    with LiveAgent(tmp_path / "first", settings) as first:
        scene.tell(0.0, 0.5)
        first.until(lambda: scene.is_read(first))
        with LiveAgent(tmp_path / "second", settings) as second:
            first.until(lambda: first.get("/-/ready").text.startswith("not ready: fenced: "))
            assert "another process has joined" in first.get("/-/ready").text
            assert first.get("/-/healthy").status == 200
            had = first.records()
            scene.tell(0.5, 1.0)
            second.until(lambda: scene.is_told(second))
            assert first.records() == had
            assert first.stop() == 0
            assert "Traceback" not in first.output + second.output
