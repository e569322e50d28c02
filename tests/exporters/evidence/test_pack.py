"""Packs: full ranges in three files, with nothing added and nothing lost."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from config.errors import LogDamaged
from exporters.evidence import layout
from exporters.evidence.files import DiskFiles
from exporters.evidence.frames import PAYLOADS, RANGE_ENTRIES, FrameEncoder, read_heads
from exporters.evidence.index import Index
from exporters.evidence.pack import FRAMES, TRAILER_BYTES, Pack, encode_trailer
from exporters.evidence.packing import pack_range
from exporters.evidence.paths import decode_bundle
from exporters.evidence.segment import Segment, compose_parts
from tests.exporters.evidence.log_stage import entries, stored_payloads

FILES = DiskFiles(durable=False)
ENCODER = FrameEncoder()


def write_segment(shard: Path, steps: list[int]) -> Segment:
    segment = Segment(FILES, layout.range_path(shard, layout.SEGMENT, 0), 0)
    first = 0
    for count in steps:
        segment.write(list(compose_parts(ENCODER, first, entries(count, first))))
        first += count
    segment.close()
    return segment


@pytest.fixture(
    scope="module",
    params=[[RANGE_ENTRIES], [100] * 655 + [36], [5_000, 1, 60_000, 535]],
    ids=["one", "small", "uneven"],
)
def shard(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("shard")
    segment = write_segment(directory, request.param)
    pack_range(FILES, directory, segment, ENCODER)
    FILES.remove(segment.path)
    return directory


def test_every_group_of_a_pack_is_found_by_its_number(shard: Path) -> None:
    with (shard / "pack/000").open("rb") as file:
        pack = Pack(file, "pack", 0)
        for number in (255, 0, 100):
            leaves = decode_bundle(pack.frame(number).raw(), "pack")
            assert leaves == entries(256, 256 * number).leaves


def test_payloads_cover_every_entry_once_in_few_frames(shard: Path) -> None:
    assert [payload for _, payload in stored_payloads(FILES, shard)] == entries(RANGE_ENTRIES).payloads
    with (shard / "payload/000").open("rb") as file:
        heads = [head for _, head in read_heads(file, "payload")]
    assert {head.kind for head in heads} == {PAYLOADS}
    assert len(heads) <= RANGE_ENTRIES // 1_024


def test_the_index_finds_an_entry_by_its_id(shard: Path) -> None:
    index = Index.parse((shard / "index/000").read_bytes(), "index")
    assert index.find("e-65535") == [65_535]
    assert index.find("e-65536") == []


def test_a_range_that_is_not_full_is_not_packed(tmp_path: Path) -> None:
    with pytest.raises(LogDamaged, match=r"segment/000: 300 entries and 300 payloads, not 65536"):
        pack_range(FILES, tmp_path, write_segment(tmp_path, [300]), ENCODER)
    assert not (tmp_path / "pack/000").exists()


def test_a_changed_trailer_is_noticed() -> None:
    trailer = encode_trailer(list(range(0, 60 * FRAMES, 60)))
    body = bytes(60 * FRAMES)
    Pack(io.BytesIO(body + trailer), "pack", 0)
    for position in range(TRAILER_BYTES):
        changed = bytearray(trailer)
        changed[position] ^= 1
        with pytest.raises(LogDamaged, match="trailer"):
            Pack(io.BytesIO(body + changed), "pack", 0)


def test_a_file_shorter_than_a_trailer_is_no_pack() -> None:
    with pytest.raises(LogDamaged, match="2084 bytes of trailer"):
        Pack(io.BytesIO(b"short"), "pack", 0)


def test_a_frame_that_belongs_elsewhere_is_noticed(shard: Path) -> None:
    with (shard / "pack/000").open("rb") as file, pytest.raises(LogDamaged, match="not the frame of entries 65536"):
        Pack(file, "pack", 1).frame(0)
