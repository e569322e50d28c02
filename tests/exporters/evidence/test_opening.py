"""Opening a log: what is recorded is there, what is not is cut back, and what was signed is never contradicted."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from config.errors import LogDamaged, LogLocked, LogRolledBack, LogUnwritable
from exporters.evidence.files import DiskFiles
from exporters.evidence.frames import RANGE_ENTRIES
from exporters.evidence.loading import Cut
from exporters.evidence.note import open_checkpoint
from exporters.evidence.recorded import LastSigned, Recorded
from exporters.evidence.writer import EvidenceLog
from tests.exporters.evidence.log_stage import (
    DECEMBER_US,
    NOW_US,
    SIGNER,
    entries,
    leaves_of,
    open_log,
    reopened,
    step,
)

FILES = DiskFiles(durable=False)


def test_a_log_opens_at_its_recorded_size(log: EvidenceLog) -> None:
    recorded = step(log, entries(1_000))
    log.publish(NOW_US)
    again = reopened(log, recorded)
    assert (again.shard, again.size, again.last_signed, again.cut) == (*recorded, log.last_signed, None)


def test_what_was_not_recorded_is_cut_back_and_said(log: EvidenceLog) -> None:
    recorded = step(log, entries(10))
    before = (log.directory / "2026-11/segment/000").stat().st_size
    log.append(entries(600), NOW_US)
    log.sync()
    behind = (log.directory / "2026-11/segment/000").stat().st_size - before
    assert reopened(log, recorded).cut == Cut(600, behind)
    assert len(leaves_of(log)) == recorded.size


def test_a_torn_tail_behind_the_recorded_size_is_cut_off(log: EvidenceLog) -> None:
    recorded = step(log, entries(10))
    with (log.directory / "2026-11/segment/000").open("ab") as file:
        file.write(b"WEF1 torn")
    assert reopened(log, recorded).cut == Cut(0, 9)


def test_a_log_of_which_nothing_was_recorded_begins_anew(log: EvidenceLog) -> None:
    log.append(entries(10), NOW_US)
    log.sync()
    again = reopened(log, None)
    assert again.size == 0
    assert again.cut is not None
    assert again.cut.entries == 11


def test_a_month_that_was_begun_and_not_recorded_is_cut_off(log: EvidenceLog) -> None:
    recorded = step(log, entries(10))
    log.append(entries(5), DECEMBER_US)
    log.sync()
    again = reopened(log, recorded)
    assert (again.shard, again.size) == recorded
    assert again.cut is not None
    assert again.cut.entries == 6
    assert not (log.directory / "2026-12").exists()


def test_a_torn_frame_before_the_recorded_size_is_named_with_its_offset(log: EvidenceLog) -> None:
    step(log, entries(10))
    offset = (log.directory / "2026-11/segment/000").stat().st_size
    recorded = step(log, entries(10))
    with (log.directory / "2026-11/segment/000").open("r+b") as file:
        file.truncate(offset + 100)
    with pytest.raises(LogDamaged, match=rf"000, byte {offset}: the frame is torn.* recorded 21 entries.* bring back"):
        reopened(log, recorded)


def test_a_flipped_bit_before_the_recorded_size_is_named(log: EvidenceLog) -> None:
    recorded = step(log, entries(10))
    path = log.directory / "2026-11/segment/000"
    data = bytearray(path.read_bytes())
    data[100] ^= 1
    path.write_bytes(data)
    with pytest.raises(LogDamaged, match=r"segment/000, byte 0: .* its digest differs"):
        reopened(log, recorded)


def test_a_log_shorter_than_the_state_says_refuses_with_both_sizes(log: EvidenceLog) -> None:
    step(log, entries(10))
    with pytest.raises(LogRolledBack, match=r"ends behind entry 11, but the state has recorded 20"):
        reopened(log, Recorded("2026-11", 20))


def test_a_log_whose_segment_is_gone_refuses(log: EvidenceLog) -> None:
    recorded = step(log, entries(10))
    (log.directory / "2026-11/segment/000").unlink()
    with pytest.raises(LogRolledBack, match="recorded 11 entries, but those from 0 on are gone"):
        reopened(log, recorded)


def test_a_log_whose_directory_is_gone_refuses(log: EvidenceLog) -> None:
    recorded = step(log, entries(10))
    log.close()
    shutil.rmtree(log.directory)
    with pytest.raises(LogRolledBack, match="recorded 11 entries"):
        open_log(log.directory, recorded)


def test_a_state_older_than_a_signed_head_refuses_with_both_sizes(log: EvidenceLog) -> None:
    before = step(log, entries(10))
    step(log, entries(10))
    log.publish(NOW_US)
    with pytest.raises(LogRolledBack, match=r"over 21 entries was signed, but the state has recorded 11"):
        reopened(log, before)


def test_a_new_state_beside_a_signed_log_refuses(log: EvidenceLog) -> None:
    step(log, entries(10))
    log.publish(NOW_US)
    with pytest.raises(LogRolledBack, match=r"over 11 entries was signed, but the state has recorded none"):
        reopened(log, None)


def test_a_state_older_than_a_signed_month_refuses(log: EvidenceLog) -> None:
    before = step(log, entries(10))
    step(log, entries(10), DECEMBER_US)
    log.publish(DECEMBER_US)
    with pytest.raises(LogRolledBack, match="2026-12: a checkpoint over 11 entries was signed"):
        reopened(log, before)


def test_a_state_older_than_a_pack_refuses(log: EvidenceLog) -> None:
    before = step(log, entries(10))
    step(log, entries(RANGE_ENTRIES))
    with pytest.raises(LogRolledBack, match="packs hold entries up to 65536"):
        reopened(log, before)


def test_entries_other_than_those_signed_refuse(log: EvidenceLog, tmp_path: Path) -> None:
    recorded = step(log, entries(10))
    log.publish(NOW_US)
    with open_again(tmp_path / "other") as other:
        step(other, entries(10, first=90))
    other_segment = tmp_path / "other/2026-11/segment/000"
    shutil.copy(other_segment, log.directory / "2026-11/segment/000")
    with pytest.raises(LogDamaged, match="first 11 of 11 entries do not give the root that was signed"):
        reopened(log, recorded)


class open_again:  # noqa: N801 - reads as a function
    """A log that is closed behind the block."""

    def __init__(self, directory: Path) -> None:
        self.log = open_log(directory)

    def __enter__(self) -> EvidenceLog:
        return self.log

    def __exit__(self, *_: object) -> None:
        self.log.close()


def test_a_head_that_was_forged_is_refused(log: EvidenceLog) -> None:
    recorded = step(log, entries(10))
    log.publish(NOW_US)
    path = log.directory / "2026-11/checkpoints"
    path.write_bytes(path.read_bytes().replace(b"\n11\n", b"\n12\n"))
    with pytest.raises(LogDamaged, match=r"checkpoints: the signature by .* is wrong"):
        reopened(log, recorded)


def test_a_removed_list_of_heads_is_noticed(log: EvidenceLog) -> None:
    recorded = step(log, entries(10))
    log.publish(NOW_US)
    (log.directory / "2026-11/checkpoints").unlink()
    with pytest.raises(LogDamaged, match="missing or empty, though a checkpoint was published"):
        reopened(log, recorded)


def test_all_heads_removed_are_noticed_by_what_the_state_knows(log: EvidenceLog) -> None:
    recorded = step(log, entries(10))
    signed = published(log)
    for name in ("checkpoint", "checkpoints"):
        (log.directory / "2026-11" / name).unlink()
    log.close()
    with pytest.raises(LogRolledBack, match=r"over 11 entries with root .* was signed; the directory has none"):
        open_log(log.directory, recorded, signed=signed)


def test_an_older_list_of_heads_is_noticed_by_what_the_state_knows(log: EvidenceLog) -> None:
    step(log, entries(10))
    log.publish(NOW_US)
    older = {name: (log.directory / "2026-11" / name).read_bytes() for name in ("checkpoint", "checkpoints")}
    recorded = step(log, entries(10, 10))
    signed = published(log)
    for name, content in older.items():
        (log.directory / "2026-11" / name).write_bytes(content)
    log.close()
    with pytest.raises(LogRolledBack, match=r"over 22 entries .* was signed; the directory has one over 11 entries"):
        open_log(log.directory, recorded, signed=signed)


def test_another_head_by_the_same_key_is_noticed_by_what_the_state_knows(log: EvidenceLog, tmp_path: Path) -> None:
    recorded = step(log, entries(10))
    signed = published(log)
    with open_again(tmp_path / "other") as other:
        step(other, entries(10, first=90))
        other.publish(NOW_US)
    with pytest.raises(
        LogRolledBack, match=r"over 11 entries with root .* directory has one over 11 .* does not continue"
    ):
        open_log(tmp_path / "other", recorded, signed=signed)


def test_a_head_that_the_state_lags_behind_opens(log: EvidenceLog) -> None:
    step(log, entries(10))
    signed = published(log)
    recorded = step(log, entries(10, 10))
    log.publish(NOW_US)
    log.close()
    open_log(log.directory, recorded, signed=signed).close()


def test_a_head_of_a_month_before_which_may_be_gone_opens(log: EvidenceLog) -> None:
    step(log, entries(10))
    signed = published(log)
    recorded = step(log, entries(10), DECEMBER_US)
    log.close()
    shutil.rmtree(log.directory / "2026-11")
    open_log(log.directory, recorded, signed=signed).close()


def test_heads_that_vanish_while_the_log_is_written_are_noticed_when_it_is_cut_back(log: EvidenceLog) -> None:
    recorded = step(log, entries(10))
    log.publish(NOW_US)
    for name in ("checkpoint", "checkpoints"):
        (log.directory / "2026-11" / name).unlink()
    log.append(entries(5), NOW_US)
    log.sync()
    with pytest.raises(LogRolledBack, match="the directory has none"):
        log.cut_back(recorded)


def published(log: EvidenceLog) -> LastSigned:
    """What the state keeps of a head."""
    signed = log.publish(NOW_US)
    assert signed is not None
    return LastSigned(signed.shard, signed.size, signed.root)


def test_a_head_that_was_listed_and_not_yet_published_is_published(log: EvidenceLog) -> None:
    recorded = step(log, entries(10))
    signed = log.publish(NOW_US)
    assert signed is not None
    (log.directory / "2026-11/checkpoint").unlink()
    reopened(log, recorded)
    assert (log.directory / "2026-11/checkpoint").read_bytes() == signed.note


def test_a_second_writer_is_refused(log: EvidenceLog) -> None:
    with pytest.raises(LogLocked, match="writes this log"):
        open_log(log.directory)


def test_a_directory_that_cannot_be_made_is_named_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(LogUnwritable, match=r"/file.*: .*Check the disk, its space and the permissions"):
        open_log(tmp_path / "file" / "log")


def test_a_lock_that_is_a_directory_is_named(tmp_path: Path) -> None:
    (tmp_path / "lock").mkdir()
    with pytest.raises(LogUnwritable, match=r"/lock: Is a directory"):
        open_log(tmp_path)


def test_the_verifier_key_lies_beside_the_log(log: EvidenceLog) -> None:
    assert (log.directory / "log.vkey").read_text() == f"{SIGNER.verifier}\n"


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Recorded]:
    """A log of two packs and a rest, whose head lies inside the second one."""
    directory = tmp_path_factory.mktemp("packed")
    log = open_log(directory)
    step(log, entries(70_000))
    log.publish(NOW_US)
    recorded = step(log, entries(70_000, 70_000))
    log.close()
    return directory, recorded


@pytest.fixture
def copied(packed: tuple[Path, Recorded], tmp_path: Path) -> tuple[Path, Recorded]:
    shutil.copytree(packed[0], tmp_path / "log")
    return tmp_path / "log", packed[1]


def test_a_head_inside_a_pack_is_held_against_what_the_state_knows(copied: tuple[Path, Recorded]) -> None:
    directory, recorded = copied
    root = open_checkpoint((directory / "2026-11/checkpoint").read_bytes(), [SIGNER.verifier]).root
    open_log(directory, recorded, signed=LastSigned("2026-11", 70_001, root)).close()
    with pytest.raises(LogRolledBack, match="over 70001 entries"):
        open_log(directory, recorded, signed=LastSigned("2026-11", 70_001, root[::-1]))


def test_a_head_inside_a_pack_is_checked_when_the_log_is_opened(copied: tuple[Path, Recorded]) -> None:
    directory, recorded = copied
    open_log(directory, recorded).close()
    first = (directory / "2026-11/tile/1/000").read_bytes()
    (directory / "2026-11/tile/1/000").write_bytes(first[:-1] + bytes([first[-1] ^ 1]))
    with pytest.raises(LogDamaged, match="first 70001 of 140002 entries do not give the root"):
        open_log(directory, recorded)


@pytest.mark.parametrize("derived", ["tile/1/000", "tile/1/001", "index/001"])
def test_a_derived_file_that_is_missing_is_made_again(copied: tuple[Path, Recorded], derived: str) -> None:
    directory, recorded = copied
    path = directory / "2026-11" / derived
    before = path.read_bytes()
    path.unlink()
    open_log(directory, recorded).close()
    assert path.read_bytes() == before


def test_a_pack_that_is_missing_refuses(copied: tuple[Path, Recorded]) -> None:
    directory, recorded = copied
    (directory / "2026-11/pack/001").unlink()
    with pytest.raises(LogRolledBack, match="those from 65536 on are gone"):
        open_log(directory, recorded)


def test_loose_tiles_that_a_crash_left_torn_are_mended(log: EvidenceLog) -> None:
    recorded = step(log, entries(600))
    log.publish(NOW_US)
    torn = {"tile/entries/001": b"", "tile/0/001": bytes(10), "tile/0/002.p/89": b"", "tile/1/000.p/2": bytes(64)}
    shard = log.directory / "2026-11"
    before = {name: (shard / name).read_bytes() for name in torn}
    for name, content in torn.items():
        (shard / name).write_bytes(content)
    (shard / "tile/0/002.p/3").write_bytes(b"of an older size")
    (shard / "checkpoint.new").write_bytes(b"torn")
    reopened(log, recorded)
    assert {name: (shard / name).read_bytes() for name in torn} == before
    assert not (shard / "tile/0/002.p/3").exists()
    assert not (shard / "checkpoint.new").exists()


def test_a_note_that_was_torn_while_it_was_written_is_cut_off(log: EvidenceLog) -> None:
    recorded = step(log, entries(10))
    signed = log.publish(NOW_US)
    assert signed is not None
    path = log.directory / "2026-11/checkpoints"
    whole = path.read_bytes()
    path.write_bytes(whole + b"wachter/test/0123456789abcdef/2026-11\n20\n")
    assert reopened(log, recorded).last_signed == signed
    again = open_log(log.directory, recorded)
    step(again, entries(1))
    later = again.publish(NOW_US)
    again.close()
    assert later is not None
    assert path.read_bytes() == whole + later.note + b"--- 13\n"
