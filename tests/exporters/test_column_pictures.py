from __future__ import annotations

import numpy as np
from msgspec import structs

from detectors.cells import CATEGORICAL, NUMERIC
from detectors.layout import CategoricalColumn, Layout, NumericColumn, Role, Task
from detectors.tables import Kind, Tables, TableSpec
from exporters.column_pictures import MOST_LEVELS, column_pictures, columns_by_change, total_variation
from exporters.dossier import ColumnPicture

LEVELS = tuple(f"l{n:02}" for n in range(MOST_LEVELS + 5))
LAYOUT = Layout(
    task=Task.BINARY,
    numeric=(
        NumericColumn(name="age", role=Role.FEATURE, edges=(0.0, 1.0), centre=0.0, scale=1.0),
        NumericColumn(name="income", role=Role.FEATURE, edges=(10.0, 20.0, 30.5), centre=0.0, scale=1.0),
    ),
    categorical=(CategoricalColumn(name="purpose", role=Role.FEATURE, levels=LEVELS),),
)


def tables(first: int) -> Tables:
    """Counts that rise by one from cell to cell."""
    shapes = {NUMERIC: LAYOUT.numeric_offsets[-1], CATEGORICAL: LAYOUT.categorical_offsets[-1]}
    specs = {name: TableSpec(name, Kind.COUNT, (int(size),)) for name, size in shapes.items()}
    return Tables(specs, {name: np.arange(first, first + size) for name, size in shapes.items()})


def test_a_number_is_shown_range_by_range_beside_its_reference() -> None:
    (income,) = column_pictures(LAYOUT, tables(0), tables(100), ["income"])
    assert income.cells == ("missing", "invalid", "below 10", "10 to 20", "20 to 30.5", "30.5 or more")
    assert (income.flaws, income.numeric) == (2, True)
    assert income.current == (5, 6, 7, 8, 9, 10)
    assert income.reference == (105, 106, 107, 108, 109, 110)


def test_a_number_without_a_reference_or_a_range_has_one_cell_for_its_values() -> None:
    bare = structs.replace(LAYOUT, numeric=(structs.replace(LAYOUT.numeric[0], edges=()),))
    window = Tables({NUMERIC: TableSpec(NUMERIC, Kind.COUNT, (3,))}, {NUMERIC: np.array([1, 2, 3])})
    (age,) = column_pictures(bare, window, None, ["age"])
    assert (age.cells, age.current) == (("missing", "invalid", "any value"), (1, 2, 3))


def test_a_category_is_shown_level_by_level_and_the_many_others_together() -> None:
    (purpose,) = column_pictures(LAYOUT, tables(0), tables(0), ["purpose"])
    assert purpose.cells[2 : 2 + MOST_LEVELS] == LEVELS[:MOST_LEVELS]
    assert len(purpose.cells) == len(purpose.current) == 2 + MOST_LEVELS + 2
    assert sum(purpose.current) == int(tables(0).ints(CATEGORICAL).sum())


def test_columns_that_changed_most_come_first() -> None:
    then, now = tables(1), tables(1)
    now.ints(NUMERIC)[int(LAYOUT.numeric_offsets[1])] += 500
    assert [one.column for one in columns_by_change(LAYOUT, now, then)] == ["income", "age", "purpose"]
    assert [total_variation(one) for one in columns_by_change(LAYOUT, then, None)] == [0.0, 0.0, 0.0]


def test_the_distance_is_half_the_difference_of_the_shares() -> None:
    apart = ColumnPicture("x", True, ("a", "b"), 0, (10, 0), (0, 3))
    assert total_variation(apart) == 1.0
    assert total_variation(structs.replace(apart, current=(1, 1))) == 0.5


def test_columns_come_in_the_order_asked_for_and_what_is_no_column_is_passed_over() -> None:
    found = column_pictures(LAYOUT, tables(0), None, ["purpose", "sex", "age", "age"])
    assert [picture.column for picture in found] == ["purpose", "age"]
    assert found[0].reference == ()
