"""The index finds every leaf by its id, and notices any change."""

from __future__ import annotations

import pytest
import xxhash
from hypothesis import given
from hypothesis import strategies as st

from config.errors import LogDamaged
from exporters.evidence.frames import RANGE_ENTRIES
from exporters.evidence.index import Index, id_hash, indexed_hash, indexed_id


@pytest.mark.parametrize(
    ("leaf", "expected"),
    [
        (b'{"type":"inference","id":"a"}', "a"),
        (b'{"type":"inference","id":"a\\"b"}', 'a"b'),
        (b'{"type":"label","id":"l","ref":"a"}', "a"),
        (b'{"type":"label","id":"l\\"","ref":"a"}', "a"),
        (b'{"type":"label","id":"","ref":""}', ""),
        (b'{"type":"oversight","id":"o","ref":"a"}', "a"),
        (b'{"type":"incident","incident":"i"}', "i"),
        (b'{"type":"act","incident":"i"}', "i"),
        ('{"type":"inference","id":"é"}'.encode(), "é"),
        (b'{"type":"clock","system":"s"}', None),
        (b"no leaf", None),
    ],
)
def test_a_leaf_is_found_by_the_id_of_what_it_speaks_of(leaf: bytes, expected: str | None) -> None:
    assert indexed_id(leaf) == expected
    assert indexed_hash(leaf) == (None if expected is None else id_hash(expected))


def test_the_hash_is_xxh3_64_of_the_text() -> None:
    assert id_hash("é") == xxhash.xxh3_64_intdigest("é".encode(), seed=0)


@given(st.lists(st.none() | st.sampled_from("abcdef"), max_size=40))
def test_every_id_is_found_in_the_order_of_its_entries(ids: list[str | None]) -> None:
    index = Index.parse(Index.of_ids(ids).to_bytes(), "index")
    for text in "abcdef":
        assert index.find(text) == [number for number, other in enumerate(ids) if other == text]


def test_every_changed_byte_is_noticed() -> None:
    data = Index.of_ids(["a", None, "b"]).to_bytes()
    for position in range(len(data)):
        changed = bytearray(data)
        changed[position] ^= 1
        with pytest.raises(LogDamaged, match="not what was written"):
            Index.parse(bytes(changed), "index")


@pytest.mark.parametrize("data", [b"", b"\0" * 10])
def test_a_torn_index_is_noticed(data: bytes) -> None:
    with pytest.raises(LogDamaged):
        Index.parse(data, "index")


def test_an_index_spans_one_range() -> None:
    with pytest.raises(ValueError, match="at most 65536"):
        Index.of_ids([None] * (RANGE_ENTRIES + 1))
