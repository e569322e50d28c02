"""What earlier versions wrote is read, and what later ones wrote is refused and left as it is."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from agent.state.schema import FORMAT_VERSION
from agent.state.store import Store, measurement_lines
from config.errors import EvidenceError, StateVersion
from detectors import reference as references
from detectors.reference import Reference
from exporters.evidence import frames, layout, pack
from exporters.evidence.reader import LogReader
from exporters.evidence.verify import verify
from tests.exporters.evidence.whole_log import SIGNER
from tests.faults.check import windows_equal
from tests.faults.generator import iso, micros
from tests.faults.oracle import expected
from tests.faults.stored import FORMATS, LOG_FORMAT, LOG_SHARDS, STORY, log_in, stage_in, write_log, write_state

LATER = f"it says that it is of format {LOG_FORMAT + 1}, .* Run the version that wrote it"


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


@pytest.mark.parametrize("version", range(1, LOG_FORMAT + 1))
def test_the_log_of_every_version_is_read_verified_and_gone_on_with(tmp_path: Path, version: int) -> None:
    directory = write_log(tmp_path, version)
    reader = LogReader(directory)
    assert {shard: reader.size(shard) for shard in reader.shards()} == LOG_SHARDS
    assert len(reader.find("e-3")) == 3, "the event, its label, its review"
    assert verify(directory, [SIGNER.verifier]).findings == ()
    log = log_in(directory)
    log.step(log.events(30))
    log.close()
    report = verify(directory, [SIGNER.verifier])
    assert (report.findings, report.missing, report.entries) == ((), (), sum(LOG_SHARDS.values()) + 31)


def test_a_log_that_a_later_version_goes_on_with_is_refused_and_not_touched(tmp_path: Path) -> None:
    directory = write_log(tmp_path, LOG_FORMAT)
    _make_later(layout.range_path(directory / "2026-12", layout.SEGMENT, 0))
    before = _files(directory)
    with pytest.raises(EvidenceError, match=LATER):
        log_in(directory)
    assert _files(directory) == before


@pytest.mark.parametrize(("month", "kind"), [("2026-11", layout.PACK), ("2026-12", layout.SEGMENT)])
def test_what_a_later_version_wrote_is_neither_read_nor_called_right(tmp_path: Path, month: str, kind: str) -> None:
    directory = write_log(tmp_path, LOG_FORMAT)
    _make_later(layout.range_path(directory / month, kind, 0))
    with pytest.raises(EvidenceError, match=LATER):
        list(LogReader(directory).entries(month))
    findings = verify(directory, [SIGNER.verifier]).findings
    assert any("Run the version that wrote it" in str(finding) for finding in findings)


def _make_later(path: Path) -> None:
    """Makes each mark of its format one higher."""
    file = path.read_bytes()
    for mark in (frames.MAGIC, pack.MAGIC):
        file = file.replace(mark, mark[:-1] + b"%d" % (LOG_FORMAT + 1))
    path.write_bytes(file)


def _files(directory: Path) -> dict[Path, bytes]:
    """All but the lock, which names the process that holds it."""
    return {path: path.read_bytes() for path in directory.rglob("*") if path.is_file() and path.name != layout.LOCK}


def test_every_format_has_its_files() -> None:
    """A format that changes without them would be proven by nothing: ``python -m tests.faults.stored``."""
    assert (FORMATS / f"state-{FORMAT_VERSION}.db.zst").exists()
    assert (FORMATS / f"log-{LOG_FORMAT}.tar.zst").exists()
    assert (FORMATS / f"reference-{references.FORMAT_VERSION}").exists()
