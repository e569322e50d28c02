from __future__ import annotations

import numpy as np

from detectors.layout import name_hash
from detectors.moved import cell_name, most_moved
from tests.detectors.events import category, feature_layout, number
from tests.detectors.populations import compare


def test_cells_of_a_number_are_named_by_their_edges() -> None:
    column = number(edges=(0.0, 10.0, 25.5))
    assert [cell_name(column, i) for i in range(4)] == ["below 0", "[0, 10)", "[10, 25.5)", "25.5 and above"]
    assert cell_name(number(edges=()), 0) == "any value"


def test_cells_of_a_category_are_named_by_their_levels() -> None:
    assert [cell_name(category(), i) for i in range(3)] == ["car", "home", "unseen levels"]
    with_rare = category(rare=(name_hash("boat"),))
    assert [cell_name(with_rare, i) for i in range(4)] == ["car", "home", "other levels", "unseen levels"]


def test_the_three_largest_changes_are_told_largest_first() -> None:
    layout = feature_layout(number(edges=(0.0, 1.0, 2.0, 3.0)))
    pair = compare(np.array([[10, 20, 30, 40, 0]]), np.array([20, 20, 20, 20, 20]))
    assert most_moved(pair, (0,), layout) == (
        "[2, 3): 20.0 % to 40.0 %; 3 and above: 20.0 % to 0.0 %; below 0: 20.0 % to 10.0 %",
    )


def test_changes_below_half_a_point_are_not_worth_a_word() -> None:
    layout = feature_layout(number(edges=(0.0,)))
    assert most_moved(compare(np.array([[5_000, 5_010]]), np.array([5_000, 5_000])), (0,), layout) == ("",)
