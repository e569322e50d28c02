"""What agents of earlier versions have left behind: ``python -m tests.faults.stored`` adds what this version writes.

``formats/state-N.db.zst`` is the state of an agent that has read the first half of ``STORY``, ``formats/reference-N`` a
reference. A format that changes gets a new number, and the files of the old one stay: they must be read for ever, or refused
by name.
"""

from __future__ import annotations

import tempfile
from contextlib import closing
from pathlib import Path

import zstandard

from agent.state.schema import FORMAT_VERSION
from agent.state.store import DATABASE
from config.settings import Settings, from_mapping
from detectors import reference as references
from tests.agent.scripted_source import ScriptedSource
from tests.agent.stage import Stage
from tests.agent.world import make_reference
from tests.faults.generator import Story

FORMATS = Path(__file__).parent / "formats"
STORY = Story(seed=5, events=1500)
HALF = len(STORY.records) // 2


def settings_in(directory: Path) -> Settings:
    """Of an agent that reads the story, with its state below a directory."""
    source = {"type": "kafka", "brokers": ["none:9092"], "topics": ["t"], "clock": "events"}
    state = {"directory": str(directory / "state")}
    return from_mapping({**STORY.settings(), "source": source, "state": state, "log": {"enabled": False}}, directory)


def stage_in(directory: Path) -> Stage:
    """That agent; nothing is there to be read yet."""
    return Stage(settings_in(directory), ScriptedSource())


def write_state(directory: Path, version: int) -> Path:
    """Unpack a stored state; the database's path."""
    path = directory / "state" / DATABASE
    path.parent.mkdir(parents=True)
    path.write_bytes(zstandard.decompress((FORMATS / f"state-{version}.db.zst").read_bytes()))
    return path


def main() -> None:
    FORMATS.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        directory = Path(scratch)
        with closing(stage_in(directory)) as stage:
            stage.run(*STORY.records[:HALF])
        database = (directory / "state" / DATABASE).read_bytes()
        _keep(f"state-{FORMAT_VERSION}.db.zst", zstandard.compress(database, 19))
        _keep(f"reference-{references.FORMAT_VERSION}", make_reference(directory, days=2, per_day=200).read_bytes())


def _keep(name: str, content: bytes) -> None:
    if (FORMATS / name).exists():
        print(f"{name} stays as it is")
    else:
        (FORMATS / name).write_bytes(content)
        print(f"{name}: {len(content)} bytes")


if __name__ == "__main__":
    main()
