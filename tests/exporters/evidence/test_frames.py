"""Frames come back as they were written, and every changed or missing byte is noticed."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.errors import LogDamaged
from exporters.evidence.frames import (
    ENTRIES,
    HEAD_BYTES,
    PAYLOADS,
    RANGE_ENTRIES,
    FrameEncoder,
    read_frame,
    read_frames,
    read_heads,
)

ENCODER = FrameEncoder()


@given(st.lists(st.binary(max_size=300), min_size=1, max_size=5))
def test_frames_come_back_in_their_order(raws: list[bytes]) -> None:
    data = b"".join(ENCODER.encode(ENTRIES, n, 1, raw) for n, raw in enumerate(raws))
    frames = list(read_frames(io.BytesIO(data), "file"))
    assert [frame.raw() for frame in frames] == raws
    assert [frame.head.first for frame in frames] == list(range(len(raws)))
    assert b"".join(frame.data for frame in frames) == data


def test_heads_are_skimmed_without_bodies() -> None:
    data = ENCODER.encode(ENTRIES, 0, 2, b"entries") + ENCODER.encode(PAYLOADS, 0, 2, b"payloads")
    second = len(ENCODER.encode(ENTRIES, 0, 2, b"entries"))
    heads = [(offset, head.kind, head.end, head.raw_bytes) for offset, head in read_heads(io.BytesIO(data), "file")]
    assert heads == [(0, ENTRIES, 2, 7), (second, PAYLOADS, 2, 8)]


def test_a_frame_is_read_at_its_offset() -> None:
    first = ENCODER.encode(ENTRIES, 0, 1, b"one")
    data = first + ENCODER.encode(ENTRIES, 1, 1, b"two")
    assert read_frame(io.BytesIO(data), "file", len(first)).raw() == b"two"


def test_every_flipped_bit_is_noticed() -> None:
    data = ENCODER.encode(ENTRIES, 3, 2, b"some entries, some entries")
    for position in range(8 * len(data)):
        changed = bytearray(data)
        changed[position // 8] ^= 1 << position % 8
        with pytest.raises(LogDamaged, match="file, byte 0"):
            list(read_frames(io.BytesIO(bytes(changed)), "file"))


def test_every_torn_end_is_noticed_where_its_frame_begins() -> None:
    first = ENCODER.encode(ENTRIES, 0, 1, b"one")
    second = ENCODER.encode(ENTRIES, 1, 1, b"two")
    for size in range(1, len(second)):
        frames = read_frames(io.BytesIO(first + second[:size]), "file")
        assert next(frames).raw() == b"one"
        with pytest.raises(LogDamaged, match=rf"file, byte {len(first)}: the frame is torn"):
            next(frames)


def test_reading_stops_at_an_end_that_is_given() -> None:
    first = ENCODER.encode(ENTRIES, 0, 1, b"one")
    assert len(list(read_frames(io.BytesIO(first + b"torn"), "file", 0, len(first)))) == 1


def test_an_end_that_is_not_reached_is_noticed() -> None:
    first = ENCODER.encode(ENTRIES, 0, 1, b"one")
    with pytest.raises(LogDamaged, match="torn: 0 of"):
        list(read_frames(io.BytesIO(first), "file", 0, len(first) + 1))


@pytest.mark.parametrize(
    ("kind", "first", "count", "what"),
    [
        (3, 0, 1, "no frame has kind 3"),
        (ENTRIES, 0, 0, "0 entries"),
        (ENTRIES, RANGE_ENTRIES - 1, 2, "crosses a range"),
    ],
)
def test_a_frame_that_no_log_has_is_refused(kind: int, first: int, count: int, what: str) -> None:
    with pytest.raises(LogDamaged, match=what):
        list(read_frames(io.BytesIO(ENCODER.encode(kind, first, count, b"raw")), "file"))


def test_the_head_has_57_bytes_and_begins_with_the_magic() -> None:
    data = ENCODER.encode(PAYLOADS, 0x0102, 3, b"")
    assert HEAD_BYTES == 57
    assert data[:13] == b"WEF1\x02\x02\x01\x00\x00\x00\x00\x00\x00"
