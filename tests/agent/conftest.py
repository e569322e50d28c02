"""Stages that end with their test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from agent.clock import FixedClock
from tests.agent.scripted_source import ScriptedSource
from tests.agent.stage import Stage, settings_of

OpenStage = Callable[..., Stage]


@pytest.fixture
def open_stage(tmp_path: Path) -> Iterator[OpenStage]:
    """Makes stages: ``source`` and ``clock`` as they are, anything else goes to ``settings_of``."""
    opened: list[Stage] = []

    def make(source: ScriptedSource | None = None, clock: FixedClock | None = None, **changes: object) -> Stage:
        directory = tmp_path / str(len(opened))
        directory.mkdir()
        opened.append(Stage(settings_of(directory, **changes), source, clock))  # type: ignore[arg-type]
        return opened[-1]

    yield make
    for stage in opened:
        stage.close()


@pytest.fixture
def stage(open_stage: OpenStage) -> Stage:
    """One with the usual settings."""
    return open_stage()


@pytest.fixture
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Path]:
    """A new directory at each call, for property tests."""
    return lambda: tmp_path_factory.mktemp("scratch")
