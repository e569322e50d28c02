"""Reading a log back: every slice, every payload, every hash and id, whatever form its ranges have."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest

from config.errors import EvidenceError, KeyFileError, LogDamaged
from exporters.evidence import layout
from exporters.evidence.bundle import export_bundle
from exporters.evidence.leaf import Inference, read_leaf
from exporters.evidence.proofs import check_inclusion, prove_inclusion
from exporters.evidence.range_reader import range_count
from exporters.evidence.reader import LogReader, trusted_keys
from exporters.evidence.seek import first_logged
from exporters.evidence.tree import fold, leaf_hash, leaf_hashes
from tests.exporters.evidence.whole_log import NOVEMBER_US, SIGNER, WholeLog, large_log, record, small_log

pytestmark = pytest.mark.slow

KEYS = (SIGNER.verifier,)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> LogReader:
    return LogReader(small_log(tmp_path_factory.mktemp("small") / "log"))


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> LogReader:
    return LogReader(large_log(tmp_path_factory.mktemp("large") / "log"))


@pytest.fixture(scope="module", params=["tiles", "packs"])
def exported(large: LogReader, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> LogReader:
    out = tmp_path_factory.mktemp(request.param) / "out"
    export_bundle(large, KEYS, large.shards(), out, request.param, payloads=True)
    return LogReader(out)


def test_sizes_and_entries_are_those_that_were_written(small: LogReader) -> None:
    assert small.shards() == ["2026-11", "2026-12"]
    assert [small.size(shard) for shard in small.shards()] == [376, 296]
    for shard in small.shards():
        entries = list(small.entries(shard))
        assert len(entries) == small.size(shard)
        assert fold(leaf_hashes(entries)) == small.signed(shard, KEYS).root  # type: ignore[union-attr]


def test_any_slice_is_that_of_the_whole(large: LogReader) -> None:
    rng = random.Random(5)
    whole = list(large.entries("2026-11"))
    payloads = list(large.payloads("2026-11"))
    assert [payload.index for payload in payloads] == list(range(len(whole)))
    for start in (0, 255, 256, 65_530, 65_536, *(rng.randrange(len(whole)) for _ in range(10))):
        stop = start + rng.randrange(1, 600)
        assert list(large.entries("2026-11", start, stop)) == whole[start:stop]
        assert list(large.payloads("2026-11", start, stop)) == payloads[start:stop]


def test_payloads_come_with_their_state_and_their_salt(small: LogReader) -> None:
    by_state = {payload.state: payload for payload in small.payloads("2026-11")}
    assert set(by_state) == {"plain", "sealed", "absent"}
    plain = next(small.payloads("2026-11", 3, 4))
    assert plain.data == b"\0" + record(0)
    assert by_state["absent"].salt == bytes(32)
    assert by_state["sealed"].subject in (1, 2, 3)


def test_a_proof_made_from_the_log_leads_to_its_root(large: LogReader) -> None:
    signed = large.signed("2026-11", KEYS)
    assert signed is not None
    read = large.hashes("2026-11")
    for index in (0, 1, 255, 256, 65_535, 65_536, 65_537, signed.size - 1):
        proof = prove_inclusion(index, signed.size, read)
        check_inclusion(leaf_hash(large.entry("2026-11", index)), index, signed.size, signed.root, proof)


def test_every_kind_of_entry_is_found_by_its_id_in_packs_and_segments(large: LogReader) -> None:
    for event_id in ("e-0", "e-65000", "e-69000"):
        (shard, index), *_ = large.find(event_id)
        leaf = read_leaf(large.entry(shard, index), "")
        assert isinstance(leaf, Inference)
        assert leaf.id == event_id
    assert large.find("e-nowhere") == []


def test_a_decision_is_found_with_its_labels_and_reviews(small: LogReader) -> None:
    kinds = [read_leaf(small.entry(shard, index), "").__struct_config__.tag for shard, index in small.find("e-3")]
    assert kinds == ["inference", "label", "oversight"]


def test_without_its_index_a_range_is_searched_by_reading_it(tmp_path: Path) -> None:
    reader = LogReader(large_log(tmp_path / "log"))
    found = reader.find("e-12345")
    layout.range_path(reader.path("2026-11"), layout.INDEX, 0).unlink()
    assert reader.find("e-12345") == found != []


def test_an_export_reads_as_the_log_it_is_of(large: LogReader, exported: LogReader) -> None:
    for shard in large.shards():
        assert exported.size(shard) == large.size(shard)
        assert list(exported.entries(shard)) == list(large.entries(shard))
        assert list(exported.payloads(shard)) == list(large.payloads(shard))
    assert exported.find("e-65000") == large.find("e-65000")


def test_a_log_is_read_beside_its_writer_up_to_its_last_step(tmp_path: Path) -> None:
    whole = WholeLog(tmp_path / "log")
    for steps in range(1, 4):
        whole.step(whole.events(10))
        reader = LogReader(whole.directory)
        assert whole.recorded is not None
        assert reader.size("2026-11") == whole.recorded.size
        assert len(reader.find(f"e-{10 * steps - 1}")) == 1
    whole.log.close()


def test_a_missing_range_is_said(tmp_path: Path) -> None:
    reader = LogReader(large_log(tmp_path / "log"))
    layout.range_path(reader.path("2026-11"), layout.PACK, 0).unlink()
    with pytest.raises(LogDamaged, match="the pack or segment of range 0 is missing"):
        list(reader.entries("2026-11"))


def test_there_is_no_entry_behind_the_end(small: LogReader) -> None:
    with pytest.raises(EvidenceError, match="there is no entry 9999; the shard has 376"):
        small.entry("2026-11", 9999)


def test_keys_come_as_a_file_as_text_or_from_beside_the_log(small: LogReader, tmp_path: Path) -> None:
    held = tmp_path / "held.vkey"
    held.write_text(f"{SIGNER.verifier}\n")
    assert trusted_keys(small.directory, None) == KEYS
    assert trusted_keys(small.directory, str(held)) == KEYS
    assert trusted_keys(small.directory, str(SIGNER.verifier)) == KEYS
    with pytest.raises(KeyFileError, match="there is no such file, and it is no verifier key"):
        trusted_keys(small.directory, "nowhere")


def test_the_place_of_a_time_is_found_and_nothing_later_lies_before_it(tmp_path: Path) -> None:
    whole = WholeLog(tmp_path / "log")
    for hour in range(40):
        whole.now_us = NOVEMBER_US + hour * 3_600_000_000
        whole.step(whole.events(100))
    reader = LogReader(whole.close())
    logged = [read_leaf(entry, "").logged for entry in reader.entries("2026-11")]
    for hour in (0, 1, 17, 39, 60):
        wanted = NOVEMBER_US + hour * 3_600_000_000
        place = first_logged(reader, "2026-11", wanted)
        assert all(time < wanted for time in logged[:place])
        assert hour < 3 or place > 100 * (min(hour, 40) - 3) - 256


@pytest.mark.parametrize("month", ["2026-11", "2026-12"])
def test_a_month_that_lost_its_file_is_said_and_not_passed_over(tmp_path: Path, month: str) -> None:
    reader = LogReader(small_log(tmp_path / "log"))
    layout.range_path(reader.path(month), layout.SEGMENT, 0).unlink()
    for read in (reader.size, lambda shard: list(reader.entries(shard)), lambda shard: reader.find("e-nowhere")):
        with pytest.raises(LogDamaged, match=r"holds 0 entries, but its checkpoint covers \d+"):
            read(month)


def test_entries_that_were_cut_off_behind_a_checkpoint_are_missed(tmp_path: Path) -> None:
    reader = LogReader(small_log(tmp_path / "log"))
    segment = layout.range_path(reader.path("2026-12"), layout.SEGMENT, 0)
    os.truncate(segment, segment.stat().st_size // 2)
    with pytest.raises(LogDamaged, match="its checkpoint covers 296"):
        reader.size("2026-12")


def test_a_range_that_is_packed_between_two_looks_is_not_missed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shard = small_log(tmp_path / "log") / "2026-12"
    listed: list[str] = []
    ranges = layout.ranges

    def packing(path: Path, kind: str) -> list[int]:
        listed.append(kind)
        if len(listed) == 2:
            (shard / layout.SEGMENT).rename(shard / layout.PACK)
        return ranges(path, kind)

    monkeypatch.setattr(layout, "ranges", packing)
    assert range_count(shard) == 1
    assert len(listed) == 2
