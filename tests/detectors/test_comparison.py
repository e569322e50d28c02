from __future__ import annotations

import numpy as np
import pytest

from detectors.cells import CellTally
from detectors.comparison import CellIndex, Comparison
from detectors.encode import encode
from detectors.layout import Layout, name_hash
from detectors.tables import Tables
from tests.detectors.events import batch, category, feature_layout, number


def _count(layout: Layout, **features: list[object]) -> Tables:
    values = {f"features.{name}": raw for name, raw in features.items()}
    return CellTally().count(encode(batch(len(next(iter(features.values()))), values), None, layout), layout)


def test_a_row_holds_the_values_of_a_number_without_its_flaws() -> None:
    layout = feature_layout(number(edges=(0.0, 1.0)))
    tables = _count(layout, income=[None, "x", -1.0, 0.5, 0.5, 9.0])
    assert CellIndex.of(layout).counts(tables).tolist() == [[1, 2, 1]]


def test_a_row_holds_levels_others_and_all_unseen_as_one_cell() -> None:
    layout = feature_layout(category(rare=(name_hash("boat"),)))
    tables = _count(layout, purpose=["car", "car", "home", "boat", "plane", "ship", "rocket", None, 2.5])
    assert CellIndex.of(layout).counts(tables).tolist() == [[2, 1, 1, 3]]


def test_others_are_no_cell_where_the_reference_has_no_rare_level() -> None:
    layout = feature_layout(category())
    index = CellIndex.of(layout)
    assert index.size.tolist() == [3]
    assert index.counts(_count(layout, purpose=["car", "plane"])).tolist() == [[1, 0, 1]]


def test_shorter_rows_are_padded_with_zeros_that_are_not_inside() -> None:
    layout = feature_layout(number(edges=(0.0, 1.0, 2.0, 3.0)), number("age", edges=(0.0,)), category())
    index = CellIndex.of(layout)
    counts = index.counts(_count(layout, income=[0.5, 1.5], age=[1.0, -1.0], purpose=["car", "x"]))
    assert counts.tolist() == [[0, 1, 1, 0, 0], [1, 1, 0, 0, 0], [1, 0, 1, 0, 0]]
    assert index.inside.sum(axis=1).tolist() == index.size.tolist() == [5, 2, 3]


def test_smoothed_shares_sum_to_one_over_the_real_cells() -> None:
    inside = np.array([[True, True, True], [True, True, False]])
    pair = Comparison.between(np.array([[1, 2, 3], [0, 0, 0]]), np.array([[5, 5, 5], [1, 0, 0]]), inside)
    assert (pair.p * inside).sum(axis=1) == pytest.approx([1.0, 1.0], rel=1e-15)
    assert pair.p[0].tolist() == [1.5 / 7.5, 2.5 / 7.5, 3.5 / 7.5]
    assert pair.usable.tolist() == [True, False]
