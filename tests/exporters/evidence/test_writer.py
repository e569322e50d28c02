"""Writing the log: entries, payloads, signed heads, tiles, months."""

from __future__ import annotations

import msgspec
import pytest

from config.errors import EvidenceError
from exporters.evidence.entries import Entries
from exporters.evidence.files import DiskFiles
from exporters.evidence.frames import RANGE_ENTRIES
from exporters.evidence.heads import origin_of
from exporters.evidence.note import open_checkpoint
from exporters.evidence.paths import Tile, bundles, encode_bundle, tiles
from exporters.evidence.recorded import Recorded
from exporters.evidence.tree import fold, leaf_hashes
from exporters.evidence.writer import EvidenceLog
from tests.exporters.evidence.log_stage import (
    DECEMBER_US,
    NAME,
    NOW_US,
    SIGNER,
    entries,
    leaves_of,
    open_log,
    step,
    stored_payloads,
    types_of,
)

FILES = DiskFiles(durable=False)


def test_entries_and_payloads_are_stored_in_their_order(log: EvidenceLog) -> None:
    batches = [entries(10), entries(700, 10), entries(1, 710)]
    for batch in batches:
        step(log, batch)
    payloads = [payload for batch in batches for payload in batch.payloads]
    assert leaves_of(log)[1:] == [leaf for batch in batches for leaf in batch.leaves]
    assert [payload for _, payload in stored_payloads(FILES, log.directory / "2026-11")][1:] == payloads


def test_the_salt_of_an_entry_without_a_payload_is_zeros(log: EvidenceLog) -> None:
    step(log, entries(10))
    for salt, payload in stored_payloads(FILES, log.directory / "2026-11"):
        assert (salt == bytes(32)) == (payload is None)


def test_batches_of_one_step_are_written_as_one(log: EvidenceLog) -> None:
    log.append(entries(3), NOW_US)
    log.append(entries(3, 3), NOW_US)
    assert log.sync() == Recorded("2026-11", 7)
    assert leaves_of(log)[1:] == list(entries(6).leaves)


def test_a_step_without_entries_writes_nothing(log: EvidenceLog) -> None:
    assert log.sync() == Recorded("2026-11", 0)
    log.recorded()
    assert log.publish(NOW_US) is None


def test_the_first_entry_of_the_first_shard_names_no_other(log: EvidenceLog) -> None:
    step(log, entries(1))
    assert leaves_of(log)[0] == b'{"type":"shard","previous":null,"note":null,"logged":%d}' % NOW_US


def test_an_entry_that_is_too_long_is_refused_and_named(log: EvidenceLog) -> None:
    log.append(Entries([b"x" * 65_536], [None], bytes(32)), NOW_US)
    with pytest.raises(EvidenceError, match="entry 1 has 65536 bytes"):
        log.sync()


def test_bytes_on_disk_are_those_of_the_files(log: EvidenceLog) -> None:
    step(log, entries(1_000))
    log.publish(NOW_US)
    log.append(entries(70_000), NOW_US)
    log.cut_back(log_recorded := Recorded("2026-11", 1_001))
    assert log.size == log_recorded.size
    recorded = step(log, entries(70_000))
    log.publish(NOW_US)
    step(log, entries(10))
    assert log.bytes_on_disk == sum(FILES.walk(log.directory).values())
    assert recorded.size == 71_002


def test_a_head_covers_what_is_recorded_with_a_root_that_verifies(log: EvidenceLog) -> None:
    step(log, entries(300))
    signed = log.publish(NOW_US)
    assert signed is not None
    checkpoint = open_checkpoint(signed.note, [SIGNER.verifier], origin_of(NAME, "2026-11"))
    assert (checkpoint.size, checkpoint.root) == (301, fold(leaf_hashes(leaves_of(log))))
    assert (log.directory / "2026-11/checkpoint").read_bytes() == signed.note
    assert log.last_signed == signed


def test_nothing_new_is_not_signed_again(log: EvidenceLog) -> None:
    step(log, entries(3))
    log.publish(NOW_US)
    assert log.publish(NOW_US) is None


def test_all_heads_are_kept_each_behind_its_size(log: EvidenceLog) -> None:
    notes = b""
    for _ in range(3):
        size = step(log, entries(3)).size
        signed = log.publish(NOW_US)
        assert signed is not None
        notes += signed.note + b"--- %d\n" % size
    assert (log.directory / "2026-11/checkpoints").read_bytes() == notes


def test_the_next_entries_begin_with_the_head_that_was_signed(log: EvidenceLog) -> None:
    step(log, entries(3))
    log.publish(NOW_US + 5)
    step(log, entries(3), NOW_US + 9)
    step(log, entries(3), NOW_US + 9)
    assert types_of(log).count("checkpoint") == 1
    told = msgspec.json.decode(leaves_of(log)[4])
    assert (told["type"], told["size"], told["logged"]) == ("checkpoint", 4, NOW_US + 5)


def test_a_head_signed_before_a_restart_is_told_behind_it(log: EvidenceLog) -> None:
    recorded = step(log, entries(3))
    log.publish(NOW_US)
    log.close()
    again = open_log(log.directory, recorded)
    step(again, entries(1))
    again.close()
    assert types_of(log)[4] == "checkpoint"


@pytest.mark.parametrize("sizes", [(1,), (255,), (256, 300), (700, 66_000), (65_535, 10), (131_071, 5)])
def test_tiles_of_the_signed_size_lie_there_or_come_from_packs(log: EvidenceLog, sizes: tuple[int, ...]) -> None:
    for size in sizes:
        step(log, entries(size))
        signed = log.publish(NOW_US)
    assert signed is not None
    leaves = leaves_of(log)
    shard = log.directory / "2026-11"
    packed = signed.size // RANGE_ENTRIES * RANGE_ENTRIES
    present = {file.relative_to(shard).as_posix() for file in (shard / "tile").rglob("*") if file.is_file()}
    wanted = {tile.path: naive_tile(leaves, tile) for tile in tiles(signed.size) if not is_packed(tile, packed)}
    wanted |= {
        bundle.path: encode_bundle(leaves[bundle.index * 256 : bundle.index * 256 + bundle.width])
        for bundle in bundles(signed.size)
        if bundle.index * 256 >= packed
    }
    assert present == wanted.keys()
    assert all((shard / path).read_bytes() == content for path, content in wanted.items())


def is_packed(tile: Tile, packed: int) -> bool:
    return tile.level == 0 and tile.index * 256 < packed


def naive_tile(leaves: list[bytes], tile: Tile) -> bytes:
    span = 256**tile.level
    first = tile.index * 256
    return b"".join(
        fold(leaf_hashes(leaves[number * span : (number + 1) * span])) for number in range(first, first + tile.width)
    )


def test_a_new_month_is_a_new_shard_that_begins_with_the_last_head_of_the_old_one(log: EvidenceLog) -> None:
    step(log, entries(10))
    recorded = step(log, entries(5), DECEMBER_US)
    assert recorded == Recorded("2026-12", 6)
    last = (log.directory / "2026-11/checkpoint").read_text()
    assert msgspec.json.decode(leaves_of(log, "2026-12")[0]) == {
        "type": "shard",
        "previous": "2026-11",
        "note": last,
        "logged": DECEMBER_US,
    }
    assert open_checkpoint(last.encode(), [SIGNER.verifier]).size == 11
    assert log.last_signed is not None
    assert log.last_signed.note.decode() == last


def test_a_clock_that_goes_back_stays_in_its_shard(log: EvidenceLog) -> None:
    step(log, entries(10), DECEMBER_US)
    assert step(log, entries(5), NOW_US) == Recorded("2026-12", 16)


def test_a_month_begun_by_a_step_that_failed_is_begun_again(log: EvidenceLog) -> None:
    recorded = step(log, entries(10))
    log.append(entries(5), DECEMBER_US)
    log.sync()
    log.cut_back(recorded)
    assert (log.shard, log.size) == recorded
    assert step(log, entries(5), DECEMBER_US) == Recorded("2026-12", 6)
    assert types_of(log) == ["shard", *["inference"] * 10]
