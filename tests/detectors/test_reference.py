"""The reference file."""

from __future__ import annotations

import struct
from dataclasses import replace

import numpy as np
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from config.errors import ReferenceFileError
from detectors.layout import Layout, NumericColumn, Role, Task
from detectors.reference import FORMAT_VERSION, MAGIC, Reference
from detectors.tables import Kind, TableSpec, make_tables

COUNTS = TableSpec("cells.numeric", Kind.COUNT, (4,))
LAYOUT = Layout(
    task=Task.REGRESSION,
    numeric=(NumericColumn(name="x", role=Role.FEATURE, edges=(0.1, 1 / 3), centre=0.2, scale=0.25),),
    categorical=(),
)
REFERENCE = Reference(
    layout=LAYOUT,
    tables=make_tables([(COUNTS, np.array([0, 1, 2, 3]))]),
    phi={("js_distance", "x"): 1.7, ("mae", ""): 1.1},
    auto={("js_distance", "x"): 0.13},
    chunks=12,
    first_us=1,
    last_us=99,
    longest_gap_us=7,
    provenance={"held_out": "yes", "rows_used": "6"},
)


def test_a_reference_comes_back_from_its_file_as_it_was() -> None:
    again = Reference.from_bytes(REFERENCE.to_bytes())
    assert again.layout == REFERENCE.layout
    assert again.layout.digest == REFERENCE.layout.digest
    assert again.tables.to_bytes() == REFERENCE.tables.to_bytes()
    assert (again.phi, again.auto) == (REFERENCE.phi, REFERENCE.auto)
    assert (again.chunks, again.first_us, again.last_us, again.longest_gap_us) == (12, 1, 99, 7)
    assert again.provenance == REFERENCE.provenance
    assert again.digest == REFERENCE.digest


def test_the_digest_covers_every_part() -> None:
    others = [
        replace(REFERENCE, tables=make_tables([(COUNTS, np.array([0, 1, 2, 4]))])),
        replace(REFERENCE, phi={}),
        replace(REFERENCE, auto={}),
        replace(REFERENCE, chunks=11),
        replace(REFERENCE, provenance={"held_out": "no"}),
    ]
    assert len({REFERENCE.digest, *(other.digest for other in others)}) == 6


def test_a_reference_of_an_unknown_format_is_refused() -> None:
    data = MAGIC + struct.pack("<I", FORMAT_VERSION + 1) + REFERENCE.to_bytes()[12:]
    with pytest.raises(ReferenceFileError, match="format 2, this version of Wachter reads format 1"):
        Reference.from_bytes(data)


def test_a_file_of_another_kind_is_refused() -> None:
    with pytest.raises(ReferenceFileError, match="not a reference file"):
        Reference.from_bytes(b"PAR1 and so on")


def test_a_changed_count_does_not_match_the_digest() -> None:
    data = REFERENCE.to_bytes()
    body = bytearray(zstandard.ZstdDecompressor().decompress(data[12:]))
    body[-8] += 1
    with pytest.raises(ReferenceFileError, match="does not match its digest"):
        Reference.from_bytes(data[:12] + zstandard.ZstdCompressor().compress(bytes(body)))


def test_a_file_that_claims_to_be_huge_is_not_unpacked() -> None:
    frame = zstandard.ZstdCompressor(level=1).compress(bytes((1 << 30) + 1))
    with pytest.raises(ReferenceFileError, match="size"):
        Reference.from_bytes(MAGIC + struct.pack("<I", 1) + frame)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_a_damaged_file_is_refused_and_never_misread(data: st.DataObject) -> None:
    whole = REFERENCE.to_bytes()
    at = data.draw(st.integers(0, len(whole) - 1))
    damaged = data.draw(
        st.sampled_from([whole[:at], whole[:at] + bytes([whole[at] ^ 0x5A]) + whole[at + 1 :], whole[at:]])
    )
    try:
        again = Reference.from_bytes(damaged)
    except ReferenceFileError:
        return
    assert again.digest == REFERENCE.digest


def test_a_table_in_another_form_than_the_detectors_need_is_refused() -> None:
    REFERENCE.check_tables([COUNTS])
    with pytest.raises(ReferenceFileError, match=r"cells\.numeric"):
        REFERENCE.check_tables([TableSpec("cells.numeric", Kind.COUNT, (4,), version=2)])
    with pytest.raises(ReferenceFileError, match="service"):
        REFERENCE.check_tables([TableSpec("service.n", Kind.COUNT, ())])
