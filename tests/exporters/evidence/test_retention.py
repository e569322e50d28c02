"""Months go after their time, never under a hold, and never the one that is written."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.errors import EvidenceError, LogDamaged
from exporters.evidence import layout
from exporters.evidence.files import DiskFiles
from exporters.evidence.retention import (
    Hold,
    due_shards,
    month_end_us,
    place_hold,
    read_holds,
    release_hold,
    remove_shard,
)
from tests.exporters.evidence.log_stage import DECEMBER_US, NOW_US, entries, open_log, step

DAY_US = 86_400_000_000
FILES = DiskFiles(durable=False)
HOLD = Hold("case-7", ("2026-01",), "ann", "an inquiry", NOW_US)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    for shard in ("2025-12", "2026-01", "2026-02"):
        (tmp_path / shard / "pack").mkdir(parents=True)
        (tmp_path / shard / "pack" / "000").write_bytes(b"pack")
    return tmp_path


def test_a_month_ends_with_the_next_one() -> None:
    assert month_end_us("2025-12") == 1_767_225_600_000_000
    assert layout.shard_of(month_end_us("2026-01")) == "2026-02"
    assert layout.shard_of(month_end_us("2026-01") - 1) == "2026-01"


def test_a_shard_is_due_a_retention_behind_its_month(log: Path) -> None:
    just = month_end_us("2025-12") + 184 * DAY_US
    assert due_shards(FILES, log, [], just - 1, 184 * DAY_US) == []
    assert due_shards(FILES, log, [], just, 184 * DAY_US) == ["2025-12"]


def test_the_newest_shard_is_never_due(log: Path) -> None:
    assert due_shards(FILES, log, [], NOW_US, 0) == ["2025-12", "2026-01"]


def test_a_shard_under_a_hold_is_not_due(log: Path) -> None:
    assert due_shards(FILES, log, [HOLD], NOW_US, 0) == ["2025-12"]


def test_a_hold_is_in_force_until_it_is_released(log: Path) -> None:
    place_hold(FILES, log, HOLD)
    assert read_holds(FILES, log) == [HOLD]
    assert release_hold(FILES, log, "case-7") == HOLD
    assert read_holds(FILES, log) == []


def test_two_holds_of_one_id_are_refused(log: Path) -> None:
    place_hold(FILES, log, HOLD)
    with pytest.raises(EvidenceError, match="case-7 is in force already"):
        place_hold(FILES, log, HOLD)


def test_releasing_a_hold_that_is_not_in_force_names_those_that_are(log: Path) -> None:
    place_hold(FILES, log, HOLD)
    with pytest.raises(EvidenceError, match="no hold case-8 is in force; in force: case-7"):
        release_hold(FILES, log, "case-8")


def test_a_damaged_line_of_the_holds_is_named(log: Path) -> None:
    (log / layout.HOLDS).write_bytes(b'{"hold":"x"}\n')
    with pytest.raises(LogDamaged, match="line 1"):
        read_holds(FILES, log)


@pytest.mark.parametrize("byte", [b"\xff", b"\xc3", b"\x00"])
def test_a_line_of_the_holds_with_any_byte_in_a_text_is_named(log: Path, byte: bytes) -> None:
    place_hold(FILES, log, HOLD)
    path = log / layout.HOLDS
    path.write_bytes(path.read_bytes().replace(b"an inquiry", b"an" + byte + b"inquiry"))
    with pytest.raises(LogDamaged, match="line 1"):
        read_holds(FILES, log)


def test_a_removed_shard_is_gone(log: Path) -> None:
    remove_shard(FILES, log, "2025-12")
    assert FILES.names(log) == ["2026-01", "2026-02"]


def test_a_removal_that_was_interrupted_is_finished_when_the_log_is_opened(tmp_path: Path) -> None:
    log = open_log(tmp_path)
    step(log, entries(10))
    recorded = step(log, entries(10), DECEMBER_US)
    log.close()
    (tmp_path / "2026-11").rename(tmp_path / f"2026-11{layout.GONE}")
    open_log(tmp_path, recorded).close()
    assert FILES.names(tmp_path) == ["2026-12", "lock", "log.vkey"]
