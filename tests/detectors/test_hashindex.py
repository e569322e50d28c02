from __future__ import annotations

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from detectors.hashindex import HashIndex

hashes = st.integers(0, 2**64 - 1)


def filled(batches: list[list[int]]) -> tuple[HashIndex, dict[int, tuple[int, int]]]:
    """An index of batches of hashes, numbered in order, and the same as a dict."""
    index, known = HashIndex(), dict[int, tuple[int, int]]()
    for batch in batches:
        new = [one for one in dict.fromkeys(batch) if one not in known]
        rows = np.arange(len(known), len(known) + len(new), dtype=np.uint32)
        marks = np.array([one % 997 for one in new], dtype=np.uint32)
        index.add(np.array(new, dtype=np.uint64), rows, marks)
        known |= {one: (int(row), one % 997) for one, row in zip(new, rows, strict=True)}
    return index, known


@given(st.lists(st.lists(hashes, max_size=20), max_size=8), st.lists(hashes, max_size=20))
def test_it_finds_what_a_dict_finds(batches: list[list[int]], others: list[int]) -> None:
    index, known = filled(batches)
    asked = sorted({*known, *others})
    found, rows, marks = index.find(np.array(asked, dtype=np.uint64))
    assert found.tolist() == [one in known for one in asked]
    assert list(zip(rows.tolist(), marks.tolist(), strict=True)) == [known.get(one, (0, 0)) for one in asked]
    assert len(index) == len(known)


@given(st.lists(st.lists(hashes, max_size=20), max_size=8))
def test_merged_it_is_one_run_in_order(batches: list[list[int]]) -> None:
    index, known = filled(batches)
    run = index.merged()
    assert run.hashes.tolist() == sorted(known)
    assert run.rows.tolist() == [known[one][0] for one in sorted(known)]
    assert run.marks.tolist() == [known[one][1] for one in sorted(known)]
    assert len(index.runs) <= 1


def test_equal_batches_stand_in_few_runs() -> None:
    index, _ = filled([list(range(n * 10, n * 10 + 10)) for n in range(200)])
    assert len(index.runs) <= math.log2(200) + 1


def test_an_empty_index_knows_nothing() -> None:
    found, _, _ = HashIndex().find(np.array([1, 2], dtype=np.uint64))
    assert not found.any()
