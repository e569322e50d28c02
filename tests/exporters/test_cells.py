from __future__ import annotations

import math

from detectors.cells import CellTally
from detectors.encode import encode
from detectors.layout import Layout
from detectors.tables import make_tables
from exporters.cells import column_counts
from tests.detectors.events import batch, category, feature_layout, number


def shown(layout: Layout, name: str, values: list[object]) -> dict[object, int]:
    tables = CellTally().count(encode(batch(len(values), {f"features.{name}": values}), None, layout), layout)
    return {cell.below if cell.below is not None else cell.cell: cell.count for cell in column_counts(layout, tables)}


def test_numbers_are_counted_cumulatively_below_each_edge_and_flaws_by_name() -> None:
    layout = feature_layout(number(edges=(0.0, 1.0, 2.0)))
    cells = shown(layout, "income", [None, "x", -1.0, 0.0, 0.5, 1.5, 2.0, 9.0])
    assert cells == {"missing": 1, "invalid": 1, 0.0: 1, 1.0: 3, 2.0: 4, math.inf: 6}


def test_a_column_without_edges_has_one_cell() -> None:
    assert shown(feature_layout(number(edges=())), "income", [1.0, 2.0]) == {"missing": 0, "invalid": 0, math.inf: 2}


def test_levels_of_a_category_are_not_shown() -> None:
    cells = shown(feature_layout(category(levels=("car", "home"))), "purpose", ["car", "home", None, "boat", "ship"])
    assert cells == {"missing": 1, "invalid": 0, "other": 0, "unseen": 2}


def test_columns_keep_their_own_cells() -> None:
    layout = feature_layout(number("a", (0.0,)), number("b", (5.0, 6.0)))
    tables = CellTally().count(encode(batch(1, {"features.a": [1.0], "features.b": [5.5]}), None, layout), layout)
    found = {(c.column, c.below): c.count for c in column_counts(layout, tables) if c.below is not None}
    assert found == {("a", 0.0): 0, ("a", math.inf): 1, ("b", 5.0): 0, ("b", 6.0): 1, ("b", math.inf): 1}


def test_a_window_without_tables_shows_nothing() -> None:
    assert column_counts(feature_layout(number()), make_tables(())) == ()
