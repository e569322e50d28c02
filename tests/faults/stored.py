"""What agents of earlier versions have left behind: ``python -m tests.faults.stored`` adds what this version writes.

``formats/state-N.db.zst`` is the state of an agent that has read the first half of ``STORY``, ``formats/reference-N`` a
reference, ``formats/log-N.tar.zst`` an event log with a pack, a segment, sealed payloads, and a second month. A format that
changes gets a new number, and the files of the old one stay: they must be read for ever, or refused
by name.
"""

from __future__ import annotations

import io
import tarfile
import tempfile
from contextlib import closing
from pathlib import Path

import zstandard

from agent.state.schema import FORMAT_VERSION
from agent.state.store import DATABASE
from config.settings import Settings, from_mapping
from detectors import reference as references
from exporters.evidence import frames
from exporters.evidence.frames import RANGE_ENTRIES
from exporters.evidence.recorded import Recorded
from tests.agent.scripted_source import ScriptedSource
from tests.agent.stage import Stage
from tests.agent.world import make_reference
from tests.exporters.evidence.whole_log import DECEMBER_US, NOVEMBER_US, WholeLog, bare
from tests.faults.generator import Story

FORMATS = Path(__file__).parent / "formats"
STORY = Story(seed=5, events=1500)
HALF = len(STORY.records) // 2
LOG_FORMAT = int(frames.MAGIC.decode().removeprefix("WEF"))
LOG_SHARDS = {"2026-11": RANGE_ENTRIES + 98, "2026-12": 26}
"""Months of the stored log, and entries of each."""
LOG_RECORDS = 68
"""Records of its partition."""


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


def write_log(directory: Path, version: int) -> Path:
    """Unpack a stored log; its directory."""
    data = zstandard.decompress((FORMATS / f"log-{version}.tar.zst").read_bytes())
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        archive.extractall(directory, filter="data")
    return directory / "log"


def log_in(directory: Path) -> WholeLog:
    """The stored log, open at its recorded size."""
    month, size = list(LOG_SHARDS.items())[-1]
    return WholeLog(directory, DECEMBER_US, LOG_RECORDS, Recorded(month, size))


def _make_log(directory: Path) -> bytes:
    """The archive of a log. Clocks fill its pack: 65 536 of one kind are small, where so many events take 10 MB."""
    whole = WholeLog(directory / "log")
    whole.step(whole.start(), whole.settings(), whole.events(20))
    whole.sign()
    clock = bare(whole.clock(NOVEMBER_US).leaves[0])
    for _ in range(RANGE_ENTRIES // 4_096):
        whole.step(*[clock] * 4_096)
    whole.step(whole.events(30), whole.events(10, sealed=True), whole.label("e-3"), whole.review("e-3"))
    whole.step(*[clock] * 30, whole.window(), whole.hold("h1"))
    whole.sign()
    whole.now_us = DECEMBER_US
    whole.step(whole.events(6), *[clock] * 19)
    whole.close()
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        archive.add(directory / "log", "log")
    return packed.getvalue()


def main() -> None:
    FORMATS.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        directory = Path(scratch)
        with closing(stage_in(directory)) as stage:
            stage.run(*STORY.records[:HALF])
        database = (directory / "state" / DATABASE).read_bytes()
        _keep(f"state-{FORMAT_VERSION}.db.zst", zstandard.compress(database, 19))
        _keep(f"log-{LOG_FORMAT}.tar.zst", zstandard.compress(_make_log(directory), 19))
        _keep(f"reference-{references.FORMAT_VERSION}", make_reference(directory, days=2, per_day=200).read_bytes())


def _keep(name: str, content: bytes) -> None:
    if (FORMATS / name).exists():
        print(f"{name} stays as it is")
    else:
        (FORMATS / name).write_bytes(content)
        print(f"{name}: {len(content)} bytes")


if __name__ == "__main__":
    main()
