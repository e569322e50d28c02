from __future__ import annotations

import operator
import struct
from functools import reduce

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config.errors import LayoutError
from detectors import grid
from detectors.layout import name_hash
from detectors.tables import EMPTY_NAME, NAME, Kind, Tables, TableSpec, empty_tables, make_tables, total

SPECS = (
    TableSpec("t.count", Kind.COUNT, (2,)),
    TableSpec("t.limbs", Kind.LIMBS, (1, 3)),
    TableSpec("t.minimum", Kind.MINIMUM, (1,)),
    TableSpec("t.maximum", Kind.MAXIMUM, (1,)),
    TableSpec("t.names", Kind.BOTTOM_K, (1, 4)),
)


def _tables(count: int, square: int, value: float, names: list[str]) -> Tables:
    kept = np.full((1, 4), EMPTY_NAME, dtype=NAME)
    for i, (hashed, name) in enumerate(sorted((name_hash(name), name) for name in set(names))[:4]):
        kept[0, i] = (hashed, name.encode())
    arrays = (
        np.array([count, 2 * count], dtype=np.int64),
        grid.square_limbs(np.array([[square]], dtype=np.int64)),
        np.array([value]),
        np.array([value]),
        kept,
    )
    return make_tables(zip(SPECS, arrays, strict=True))


ANY = st.builds(
    _tables,
    st.integers(0, 10**12),
    st.integers(-(1 << 42), 1 << 42),
    st.floats(allow_nan=False).map(lambda value: value + 0.0),
    st.lists(st.sampled_from("abcdefgh"), max_size=6),
)


@settings(max_examples=60, deadline=None)
@given(ANY, ANY, ANY)
def test_merging_is_commutative_and_associative_to_the_byte(a: Tables, b: Tables, c: Tables) -> None:
    assert (a + b).to_bytes() == (b + a).to_bytes()
    assert ((a + b) + c).to_bytes() == (a + (b + c)).to_bytes()


@settings(max_examples=60, deadline=None)
@given(st.lists(ANY, min_size=1, max_size=4))
def test_the_sum_of_many_is_that_of_one_after_the_other_and_leaves_them_as_they_are(parts: list[Tables]) -> None:
    before = [part.to_bytes() for part in parts]
    assert total(iter(parts)).to_bytes() == reduce(operator.add, parts).to_bytes()
    assert [part.to_bytes() for part in parts] == before


@settings(max_examples=60, deadline=None)
@given(ANY)
def test_empty_tables_are_neutral_and_bytes_come_back_as_they_went(a: Tables) -> None:
    assert (a + empty_tables(SPECS)).to_bytes() == a.to_bytes()
    assert (Tables({}, {}) + a).to_bytes() == a.to_bytes()
    back = Tables.from_bytes(a.to_bytes())
    assert back.specs == a.specs
    assert back.to_bytes() == a.to_bytes()


@settings(max_examples=60, deadline=None)
@given(ANY, ANY)
def test_what_was_added_can_be_taken_back_from_counts_and_sums(a: Tables, b: Tables) -> None:
    kept = ("t.count", "t.limbs")
    only = [Tables({n: t.specs[n] for n in kept}, {n: t.arrays[n] for n in kept}) for t in (a, b)]
    assert (only[0] + only[1] - only[1]).to_bytes() == only[0].to_bytes()


@pytest.mark.parametrize("name", ["t.minimum", "t.maximum", "t.names"])
def test_extremes_and_names_cannot_be_taken_back(name: str) -> None:
    a = _tables(1, 1, 1.0, ["a"])
    with pytest.raises(LayoutError, match=f"table {name}: cannot take back"):
        a - Tables({name: a.specs[name]}, {name: a.arrays[name]})


def test_what_is_not_there_cannot_be_taken_back() -> None:
    a = _tables(1, 1, 1.0, [])
    with pytest.raises(LayoutError, match="from None"):
        Tables({}, {}) - Tables({"t.count": a.specs["t.count"]}, {"t.count": a.arrays["t.count"]})


def test_tables_of_another_shape_are_refused() -> None:
    a = empty_tables([TableSpec("x", Kind.COUNT, (2,))])
    b = empty_tables([TableSpec("x", Kind.COUNT, (3,))])
    with pytest.raises(LayoutError, match="table x"):
        a + b


def test_an_array_of_another_shape_than_its_spec_is_refused() -> None:
    with pytest.raises(LayoutError, match="shape"):
        make_tables([(TableSpec("x", Kind.COUNT, (2,)), np.zeros(3, dtype=np.int64))])


def test_the_bottom_names_are_the_smallest_distinct_hashes_of_all_parts() -> None:
    names = [f"name-{i}" for i in range(20)]
    parts = [_tables(0, 0, 0.0, names[i::3] + names[:2]) for i in range(3)]
    kept = total(parts)["t.names"][0]
    assert kept["hash"].tolist() == sorted(name_hash(name) for name in names)[:4]


def test_the_sum_of_no_tables_holds_none() -> None:
    assert len(total([])) == 0


def _with_header(data: bytes, old: bytes, new: bytes) -> bytes:
    (length,) = struct.unpack_from("<I", data)
    header = data[4 : 4 + length].replace(old, new)
    return struct.pack("<I", len(header)) + header + data[4 + length :]


def test_bytes_of_an_unknown_format_are_refused() -> None:
    data = _with_header(_tables(1, 1, 1.0, []).to_bytes(), b'"format":1', b'"format":2')
    with pytest.raises(LayoutError, match="format 2"):
        Tables.from_bytes(data)


def test_bytes_of_an_unknown_kind_are_refused() -> None:
    data = _with_header(_tables(1, 1, 1.0, []).to_bytes(), b'"minimum"', b'"median"')
    with pytest.raises(LayoutError, match="unknown kind 'median'"):
        Tables.from_bytes(data)


def test_bytes_that_go_on_after_the_last_table_are_refused() -> None:
    with pytest.raises(LayoutError, match="end at byte"):
        Tables.from_bytes(_tables(1, 1, 1.0, []).to_bytes() + b"\0")


def test_the_format_is_the_recorded_one() -> None:
    tables = make_tables([(TableSpec("a.n", Kind.COUNT, (2,)), np.array([1, 2], dtype=np.int64))])
    header = b'{"format":1,"tables":[["a.n","count",[2],1]]}'
    assert tables.to_bytes() == struct.pack("<I", len(header)) + header + struct.pack("<qq", 1, 2)
