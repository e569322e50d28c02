"""Segments: what a step appends, and what is found of it again."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.errors import LogDamaged, LogRolledBack
from exporters.evidence.entries import Entries, joined
from exporters.evidence.files import DiskFiles
from exporters.evidence.frames import ENTRIES, PAYLOADS, FrameEncoder
from exporters.evidence.paths import encode_bundle
from exporters.evidence.segment import Segment, compose_parts, count_beyond, scan
from exporters.evidence.tree import leaf_hashes
from tests.exporters.evidence.log_stage import entries

FILES = DiskFiles(durable=False)
ENCODER = FrameEncoder()


@pytest.fixture
def segment(tmp_path: Path) -> Segment:
    return Segment(FILES, tmp_path / "segment/000", 0)


def write(segment: Segment, *counts: int) -> None:
    first = 0
    for count in counts:
        segment.write(list(compose_parts(ENCODER, first, entries(count, first))))
        segment.sync()
        first += count
    segment.close()


def test_a_step_is_entries_frames_cut_at_256_and_then_payloads_frames() -> None:
    parts = [(part.kind, part.first) for part in compose_parts(ENCODER, 200, entries(400, 200))]
    assert parts == [(ENTRIES, 200), (ENTRIES, 256), (ENTRIES, 512), (PAYLOADS, 200)]


def test_a_segment_is_found_as_it_was_written(segment: Segment) -> None:
    write(segment, 100, 300, 1)
    found = scan(FILES, segment.path, 0, 401)
    assert found.hashes == leaf_hashes(entries(401).leaves)
    assert (found.starts, found.size, found.beyond) == (segment.starts, segment.size, 0)


def test_groups_of_256_are_read_back_across_steps(segment: Segment) -> None:
    write(segment, 100, 300, 200)
    leaves = entries(600).leaves
    assert segment.bundle(0, 256) == encode_bundle(leaves[:256])
    assert segment.bundle(1, 144) == encode_bundle(leaves[256:400])
    assert segment.bundle(2, 88) == encode_bundle(leaves[512:])


def test_entries_behind_the_recorded_ones_are_counted(segment: Segment) -> None:
    write(segment, 100, 300, 1)
    found = scan(FILES, segment.path, 0, 100)
    assert (len(found.hashes), found.beyond) == (100, 301)
    assert count_beyond(FILES, segment.path) == (401, segment.size)


def test_a_recorded_size_inside_a_step_is_no_size_that_was_ever_recorded(segment: Segment) -> None:
    write(segment, 100)
    with pytest.raises(LogDamaged, match="frame of entries 0 to 99; entry 0 should follow, and 50 be reached"):
        scan(FILES, segment.path, 0, 50)


def test_a_frame_that_is_missing_in_the_middle_is_noticed(segment: Segment) -> None:
    write(segment, 100, 100)
    first = scan(FILES, segment.path, 0, 100).size
    segment.path.write_bytes(segment.path.read_bytes()[first:])
    with pytest.raises(LogDamaged, match="byte 0: a frame of entries 100 to 199; entry 0 should follow"):
        scan(FILES, segment.path, 0, 200)


def test_entries_without_their_payloads_are_not_enough(segment: Segment) -> None:
    write(segment, 100)
    parts = list(compose_parts(ENCODER, 0, entries(100)))
    segment.path.write_bytes(parts[0].data)
    with pytest.raises(LogRolledBack, match="ends behind entry 0, but the state has recorded 100"):
        scan(FILES, segment.path, 0, 100)


def test_batches_are_joined_with_what_only_some_of_them_have() -> None:
    plain = Entries([b"a", b"b"], [b"1", None], b"s" * 64)
    sealed = Entries([b"c"], [b"3"], b"t" * 32, [7], b"\1")
    assert tuple(joined([plain, sealed])) == (
        [b"a", b"b", b"c"], [b"1", None, b"3"], b"s" * 64 + b"t" * 32, [0, 0, 7], b"\0\0\1",
    )  # fmt: skip
    assert tuple(joined([plain, plain]))[3:] == (None, None)


def test_a_part_of_entries_holds_what_belongs_to_them() -> None:
    whole = Entries([b"a", b"b"], [b"1", b"2"], b"s" * 32 + b"t" * 32, [5, 6], b"\0\1")
    assert tuple(whole.part(1, 2)) == ([b"b"], [b"2"], b"t" * 32, [6], b"\1")
