"""Columns that were read in blocks are those that one pass would have given."""

from __future__ import annotations

from array import array
from typing import Any

import pytest

from agent.decoders.blocks import BLOCK_RECORDS, Block, concatenate, in_order, join_blocks, pack, share
from tests.agent.decoders.events import decode, inference


@pytest.mark.parametrize("values", [(1.5, 2.0), (1, True, 2.5), ()])
def test_numbers_are_packed(values: tuple[float, ...]) -> None:
    assert pack(values) == array("d", values)


@pytest.mark.parametrize("values", [(1.5, None), (1.5, "2.5"), (10**400,)])
def test_what_is_no_float_stays_as_it_was_sent(values: tuple[Any, ...]) -> None:
    assert pack(values) is values


def test_arrays_are_joined_to_an_array() -> None:
    assert concatenate([array("d", [1.0]), array("d", [2.0])]) == array("d", [1.0, 2.0])


def test_a_column_with_a_gap_in_one_block_is_a_list() -> None:
    assert concatenate([array("d", [1.0]), (None, 2.0)]) == [1.0, None, 2.0]


def test_rows_that_were_read_a_second_time_return_to_their_places() -> None:
    block = join_blocks([Block([0, 2], {"x": array("d", [0.0, 2.0])}), Block([1], {"x": (None,)})])
    assert in_order(block) == Block([0, 1, 2], {"x": [0.0, None, 2.0]})


def test_records_beyond_one_block_keep_their_order_and_values() -> None:
    many = [inference(event_id=f"e{i}", features={"income": float(i)}) for i in range(BLOCK_RECORDS + 2)]
    many[3]["features"] = {"income": "3.0"}
    decoded = decode(many)
    assert decoded.inferences is not None
    assert list(decoded.inferences.ids) == [f"e{i}" for i in range(len(many))]
    assert list(decoded.inferences.values["features.income"]) == [0.0, 1.0, 2.0, "3.0", *range(4, len(many))]


def test_equal_texts_become_one_object() -> None:
    first, second = share(["".join(("c", "ar")), "".join(("c", "ar"))])
    assert first == "car"
    assert first is second


@pytest.mark.parametrize("values", [("car", None), (True, 1, 1.0), ("1", 1)])
def test_values_that_are_not_all_texts_are_not_shared(values: tuple[Any, ...]) -> None:
    assert share(values) is values
