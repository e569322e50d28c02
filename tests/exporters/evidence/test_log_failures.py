"""The log on a disk whose sync fails: nothing is acknowledged past it, and it goes on when the disk does."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from pathlib import Path

import pytest

from config.errors import LogDamaged, LogUnwritable
from exporters.evidence.files import DiskFiles
from exporters.evidence.frames import RANGE_ENTRIES
from exporters.evidence.writer import EvidenceLog
from tests.exporters.evidence.log_stage import (
    NOW_US,
    entries,
    leaves_of,
    open_log,
    step,
)

FILES = DiskFiles(durable=False)


class FailingFiles(DiskFiles):
    """A disk on which the next sync fails."""

    failing = False

    def __init__(self) -> None:
        super().__init__(durable=True)

    def wait(self, descriptor: int) -> None:
        if self.failing:
            raise OSError(errno.EIO, "Input/output error")


@pytest.fixture
def failing(tmp_path: Path) -> Iterator[tuple[EvidenceLog, FailingFiles]]:
    files = FailingFiles()
    log = open_log(tmp_path, files=files)
    yield log, files
    log.close()


def test_nothing_is_acknowledged_past_a_failed_sync(failing: tuple[EvidenceLog, FailingFiles]) -> None:
    log, files = failing
    recorded = step(log, entries(10))
    log.append(entries(5), NOW_US)
    files.failing = True
    with pytest.raises(LogUnwritable, match=r"Input/output error\. Check the disk"):
        log.sync()
    files.failing = False
    with pytest.raises(LogUnwritable):
        log.sync()
    with pytest.raises(LogUnwritable):
        log.append(entries(1), NOW_US)
    log.cut_back(recorded)
    assert log.cut is None, "what failed was thrown away before the file was read again"
    assert step(log, entries(5, 10)).size == 16
    assert leaves_of(log)[1:] == list(entries(15).leaves)


def test_cutting_back_is_tried_until_the_disk_takes_it(failing: tuple[EvidenceLog, FailingFiles]) -> None:
    log, files = failing
    recorded = step(log, entries(10))
    log.append(entries(5), NOW_US)
    files.failing = True
    with pytest.raises(LogUnwritable):
        log.sync()
    with pytest.raises(LogUnwritable):
        log.cut_back(recorded)
    files.failing = False
    log.cut_back(recorded)
    assert step(log, entries(5, 10)).size == 16


def test_what_was_recorded_is_read_again_behind_a_failed_sync(failing: tuple[EvidenceLog, FailingFiles]) -> None:
    log, files = failing
    recorded = step(log, entries(10))
    log.append(entries(5), NOW_US)
    files.failing = True
    with pytest.raises(LogUnwritable):
        log.sync()
    files.failing = False
    path = log.directory / "2026-11/segment/000"
    data = bytearray(path.read_bytes())
    data[100] ^= 1
    path.write_bytes(data)
    with pytest.raises(LogDamaged, match="byte 0"):
        log.cut_back(recorded)


def test_a_head_that_could_not_be_stored_is_signed_later(failing: tuple[EvidenceLog, FailingFiles]) -> None:
    log, files = failing
    step(log, entries(10))
    files.failing = True
    with pytest.raises(LogUnwritable):
        log.publish(NOW_US)
    files.failing = False
    step(log, entries(10))
    signed = log.publish(NOW_US)
    assert signed is not None
    assert signed.size == 21
    assert (log.directory / "2026-11/checkpoints").read_bytes() == signed.note + b"--- 21\n"


def test_a_range_that_could_not_be_packed_is_packed_after_cutting_back(
    failing: tuple[EvidenceLog, FailingFiles],
) -> None:
    log, files = failing
    log.append(entries(RANGE_ENTRIES), NOW_US)
    recorded = log.sync()
    files.failing = True
    with pytest.raises(LogUnwritable):
        log.recorded()
    files.failing = False
    log.cut_back(recorded)
    assert (log.directory / "2026-11/pack/000").exists()
    assert leaves_of(log)[1:] == list(entries(RANGE_ENTRIES).leaves)


def test_a_step_that_wrote_nothing_is_cut_back_without_reading(log: EvidenceLog) -> None:
    recorded = step(log, entries(10))
    log.append(entries(5), NOW_US)
    log.cut_back(recorded)
    assert log.sync() == recorded


def test_closing_twice_is_safe(log: EvidenceLog) -> None:
    log.close()
    log.close()
