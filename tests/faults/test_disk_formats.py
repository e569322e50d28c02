"""What earlier versions wrote is read, and what later ones wrote is refused and left as it is."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from agent.state.schema import FORMAT_VERSION
from agent.state.store import Store, measurement_lines
from config.errors import StateVersion
from detectors import reference as references
from detectors.reference import Reference
from tests.faults.check import windows_equal
from tests.faults.generator import iso, micros
from tests.faults.oracle import expected
from tests.faults.stored import FORMATS, STORY, stage_in, write_state


@pytest.mark.parametrize("version", range(1, FORMAT_VERSION + 1))
def test_the_state_of_every_version_is_gone_on_with(tmp_path: Path, version: int) -> None:
    write_state(tmp_path, version)
    with closing(stage_in(tmp_path)) as stage:
        stage.source.append(*STORY.records, *STORY.sentinels(1)[0])
        stage.source.assign(stage.source.logs)
        stage.settle()
        assert min(stage.source.begun[0].values()) > 0, "it was read anew"
        windows_equal(measurement_lines(stage.store.connection), expected(STORY), iso(micros(STORY.end)))
        assert stage.classes()[:2] == (STORY.events + 16, STORY.events + 16)


def test_the_state_of_a_later_version_is_refused_and_not_touched(tmp_path: Path) -> None:
    path = write_state(tmp_path, FORMAT_VERSION)
    with closing(sqlite3.connect(path, isolation_level=None)) as later:
        later.execute("UPDATE meta SET value = ? WHERE key = 'format'", (str(FORMAT_VERSION + 1),))
        later.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    before = path.read_bytes()
    with pytest.raises(StateVersion, match="Run the version that wrote it"):
        Store(path.parent)
    assert path.read_bytes() == before


@pytest.mark.parametrize("version", range(1, references.FORMAT_VERSION + 1))
def test_the_reference_of_every_version_is_read(version: int) -> None:
    found = Reference.from_bytes((FORMATS / f"reference-{version}").read_bytes())
    assert found.layout.numeric
    assert Reference.from_bytes(found.to_bytes()).digest == found.digest


def test_every_format_has_its_files() -> None:
    """A format that changes without them would be proven by nothing: ``python -m tests.faults.stored``."""
    assert (FORMATS / f"state-{FORMAT_VERSION}.db.zst").exists()
    assert (FORMATS / f"reference-{references.FORMAT_VERSION}").exists()
