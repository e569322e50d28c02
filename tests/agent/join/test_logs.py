"""A file of the join that cannot be written says so, and what was not synced is cut off when it is opened anew."""

from __future__ import annotations

import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from agent.join.logs import FileLog
from config.errors import StateError


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """The process can write no file beyond this; the system then takes a part of a write, and an error follows."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_write_that_was_taken_in_part_is_an_error(tmp_path: Path) -> None:
    """A raw write answers with how much was taken and raises nothing; the rest once was missing without a word."""
    log = FileLog(tmp_path / "1.rows", 0, durable=True)
    with files_of_at_most(60), pytest.raises(StateError, match=r"1\.rows: File too large"):
        log.append(b"x" * 100)
    assert log.path.stat().st_size == 60
    again = FileLog(log.path, 10, durable=True)
    again.append(b"y")
    assert log.path.read_bytes() == b"x" * 10 + b"y"


def test_a_sync_that_fails_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(descriptor: int) -> None:
        raise OSError(5, "Input/output error")

    log = FileLog(tmp_path / "1.rows", 0, durable=True)
    log.append(b"x")
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fail)
        with pytest.raises(StateError, match=r"1\.rows: Input/output error\. Nothing of this step was kept"):
            log.sync()


def test_the_name_of_a_new_file_is_waited_for_as_well(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[str] = []
    monkeypatch.setattr(os, "fsync", lambda descriptor: synced.append(os.readlink(f"/proc/self/fd/{descriptor}")))
    log = FileLog.begun_with(tmp_path / "1.rows", b"x", durable=True)
    log.sync()
    log.append(b"y")
    log.sync()
    log.sync()
    assert synced == [str(log.path), str(tmp_path), str(log.path)]
