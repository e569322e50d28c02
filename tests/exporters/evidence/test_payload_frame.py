"""Payloads come back from their columns, however frames are cut."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.errors import LogDamaged
from exporters.evidence.entries import Entries
from exporters.evidence.frames import RANGE_ENTRIES
from exporters.evidence.payload_frame import (
    ABSENT,
    ERASED,
    MAX_BLOB_BYTES,
    MAX_ENTRIES,
    STEP_ENTRIES,
    compose_raw,
    merge,
    parse,
)


def batch(payloads: list[bytes | None], subjects: list[int] | None = None, forms: bytes | None = None) -> Entries:
    salts = b"".join(bytes([n % 251 + 1]) * 32 for n in range(len(payloads)))
    return Entries([b"{}"] * len(payloads), payloads, salts, subjects, forms)


def frames(entries: Entries, first: int = 0) -> list[tuple[int, int]]:
    return [(at, count) for at, count, _ in compose_raw(entries, first)]


@given(st.lists(st.none() | st.binary(max_size=20), min_size=1, max_size=30))
def test_payloads_come_back(payloads: list[bytes | None]) -> None:
    ((_, count, raw),) = compose_raw(batch(payloads), 0)
    block = parse(raw, count, "file")
    assert list(block.payloads()) == payloads
    assert block.to_bytes() == raw


def test_subjects_forms_and_salts_come_back() -> None:
    ((_, count, raw),) = compose_raw(batch([b"a", None, b"b"], [2**64 - 1, 0, 7], b"\0\0\1"), 0)
    block = parse(raw, count, "file")
    assert block.subjects.tolist() == [2**64 - 1, 0, 7]
    assert block.forms.tolist() == [0, 0, 1]
    assert block.lengths.tolist() == [1, ABSENT, 1]
    assert [block.salt(n) for n in range(3)] == [b"\1" * 32, bytes(32), b"\3" * 32]


def test_an_erased_payload_takes_no_bytes() -> None:
    ((_, _, raw),) = compose_raw(batch([None, b"b"]), 0)
    erased = raw[:16] + ERASED.to_bytes(4, "little") + raw[20:]
    assert list(parse(erased, 2, "file").payloads()) == [None, b"b"]


def test_a_frame_holds_no_more_entries_than_it_may() -> None:
    assert STEP_ENTRIES <= MAX_ENTRIES
    assert frames(batch([b"x"] * (STEP_ENTRIES + 1))) == [(0, STEP_ENTRIES), (STEP_ENTRIES, 1)]


def test_a_frame_ends_with_its_range() -> None:
    first = 3 * RANGE_ENTRIES - 2
    assert frames(batch([b"x"] * 5), first) == [(first, 2), (first + 2, 3)]


def test_a_frame_holds_no_more_bytes_than_it_may_but_a_single_payload_any() -> None:
    third = bytes(MAX_BLOB_BYTES // 3)
    huge = bytes(MAX_BLOB_BYTES + 1)
    assert frames(batch([third, third, third, third, huge, b"x"])) == [(0, 3), (3, 1), (4, 1), (5, 1)]


def test_merged_blocks_hold_the_payloads_of_all() -> None:
    blocks = [
        parse(raw, count, "file")
        for payloads in ([b"a", None], [b"b"], [None, b"", b"c"])
        for _, count, raw in compose_raw(batch(payloads), 0)
    ]
    merged = merge(blocks)
    assert list(merged.payloads()) == [b"a", None, b"b", None, b"", b"c"]
    assert list(parse(merged.to_bytes(), 6, "file").payloads()) == list(merged.payloads())


@pytest.mark.parametrize("raw", [b"", bytes(44), bytes(45) + b"too much"])
def test_columns_that_do_not_add_up_are_refused(raw: bytes) -> None:
    with pytest.raises(LogDamaged, match="are there"):
        parse(raw, 1, "file")


def test_an_unknown_form_is_refused() -> None:
    ((_, _, raw),) = compose_raw(batch([b"a"], None, b"\2"), 0)
    with pytest.raises(LogDamaged, match="unknown form of a payload: 2"):
        parse(raw, 1, "file")
