"""The index finds what a binary search finds, to the last bit of every value."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from detectors.edge_index import EdgeIndex

FARTHEST = 1.7e308
FINITE = st.floats(-FARTHEST, FARTHEST)
EDGES = st.lists(FINITE, max_size=12, unique=True).map(lambda edges: np.array(sorted(edges)))


def searched(edges: list[NDArray[np.float64]], values: NDArray[np.float64]) -> NDArray[np.intp]:
    return np.stack([np.searchsorted(e, column, side="right") for e, column in zip(edges, values, strict=True)])


def around(edges: NDArray[np.float64]) -> NDArray[np.float64]:
    """Each edge, its neighbours among the floats, and values far outside."""
    with np.errstate(under="ignore"):
        neighbours = (np.nextafter(edges, -np.inf), np.nextafter(edges, np.inf))
    return np.concatenate((edges, *neighbours, [0.0, -0.0, -FARTHEST, FARTHEST]))


@settings(max_examples=60, deadline=None)
@given(EDGES, st.lists(FINITE, max_size=12))
def test_any_value_among_any_edges(edges: NDArray[np.float64], values: list[float]) -> None:
    tried = np.concatenate((around(edges), values))[np.newaxis]
    np.testing.assert_array_equal(EdgeIndex([edges]).count_below(tried), searched([edges], tried))


@pytest.mark.parametrize("scale", [1e-300, 1e-9, 1.0, 1e9, 1e300])
def test_quantile_edges_of_several_columns(scale: float) -> None:
    random = np.random.default_rng(1)
    columns = np.stack([random.normal(size=2000), random.lognormal(size=2000), random.random(2000)]) * scale
    edges = [np.quantile(column, np.linspace(0, 1, 33)) for column in columns]
    tried = np.concatenate((columns, np.stack([around(e) for e in edges])), axis=1)
    np.testing.assert_array_equal(EdgeIndex(edges).count_below(tried), searched(edges, tried))


def test_edges_that_share_a_slot_are_searched() -> None:
    edges = [np.array([0.0, 1e-9, 2e-9, 1.0, 1e6])]
    tried = around(edges[0])[np.newaxis]
    np.testing.assert_array_equal(EdgeIndex(edges).count_below(tried), searched(edges, tried))


@pytest.mark.parametrize("edges", [[], [1.0], [1.0, 1.0], [-FARTHEST, FARTHEST], [0.0, 5e-324]])
def test_edges_without_a_range_that_can_be_cut(edges: list[float]) -> None:
    column = np.array(edges)
    tried = around(column)[np.newaxis]
    np.testing.assert_array_equal(EdgeIndex([column]).count_below(tried), searched([column], tried))


def test_no_columns_have_no_cells() -> None:
    assert EdgeIndex([]).count_below(np.empty((0, 3))).shape == (0, 3)
