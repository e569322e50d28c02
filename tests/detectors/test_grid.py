from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from detectors import grid

FINITE = st.floats(allow_nan=False, allow_infinity=False)
GRID_INTEGERS = st.lists(st.integers(-(1 << 42), 1 << 42), min_size=1, max_size=40)


def _value(limbs: NDArray[np.int64]) -> int:
    return sum(int(limb) << (32 * i) for i, limb in enumerate(limbs))


def _array(values: list[int]) -> NDArray[np.int64]:
    return np.array(values, dtype=np.int64)


@settings(max_examples=40, deadline=None)
@given(st.lists(FINITE, min_size=1, max_size=20), st.floats(-1e6, 1e6), st.integers(-20, 20))
def test_a_value_is_placed_within_half_a_step_or_clipped_and_marked(
    raw: list[float], centre: float, exponent: int
) -> None:
    scale = math.ldexp(1.0, exponent)
    k, clipped = grid.quantise(np.array(raw), centre, scale)
    for value, placed, was_clipped in zip(raw, k.tolist(), clipped.tolist(), strict=True):
        z = (value - centre) / scale
        assert was_clipped == (abs(z) > grid.Z_LIMIT)
        assert abs(placed) <= 1 << 42
        if not was_clipped:
            assert abs(placed / grid.GRID - z) <= 0.5 / grid.GRID


@settings(max_examples=40, deadline=None)
@given(GRID_INTEGERS)
def test_sums_and_squares_are_exact(values: list[int]) -> None:
    k = _array(values)
    cell = np.zeros(len(k), dtype=np.intp)
    assert _value(grid.sum_limbs(k)) == sum(values)
    assert _value(grid.square_limbs(k)) == sum(v * v for v in values)
    assert _value(grid.sum_by_cell(k, cell, 1)[0]) == sum(values)
    assert _value(grid.square_by_cell(k, cell, 1)[0]) == sum(v * v for v in values)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(-(1 << 42), 1 << 42), st.integers(0, 4)), min_size=1, max_size=40))
def test_every_cell_has_its_own_exact_sum(rows: list[tuple[int, int]]) -> None:
    k, cell = _array([row[0] for row in rows]), np.array([row[1] for row in rows], dtype=np.intp)
    sums, squares = grid.sum_by_cell(k, cell, 5), grid.square_by_cell(k, cell, 5)
    for i in range(5):
        mine = [value for value, where in rows if where == i]
        assert _value(sums[i]) == sum(mine)
        assert _value(squares[i]) == sum(v * v for v in mine)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(-(1 << 60), 1 << 60), min_size=3, max_size=3))
def test_carrying_keeps_the_value_and_gives_the_only_form(raw: list[int]) -> None:
    limbs = grid.carry(_array(raw))
    assert _value(limbs) == _value(_array(raw))
    assert all(0 <= limb < 1 << 32 for limb in limbs[:-1].tolist())
    assert np.array_equal(grid.carry(limbs), limbs)


@settings(max_examples=40, deadline=None)
@given(GRID_INTEGERS, st.integers(0, 40))
def test_equal_sums_have_equal_bytes_whatever_the_split(values: list[int], cut: int) -> None:
    k = _array(values)
    for total in (grid.sum_limbs, grid.square_limbs):
        parts = grid.carry(total(k[cut:]) + total(k[:cut][::-1]))
        assert parts.tobytes() == total(k).tobytes()


def test_the_largest_batch_of_the_largest_values_does_not_overflow() -> None:
    k = np.full(grid.MAX_BATCH_ROWS, -(1 << 42), dtype=np.int64)
    cell = np.zeros(len(k), dtype=np.intp)
    assert _value(grid.sum_limbs(k)) == -(1 << 42) * len(k)
    assert _value(grid.square_limbs(k)) == (1 << 84) * len(k)
    assert _value(grid.sum_by_cell(k, cell, 1)[0]) == -(1 << 42) * len(k)
    assert _value(grid.square_by_cell(k, cell, 1)[0]) == (1 << 84) * len(k)


def test_sums_are_right_where_uncentred_float_sums_are_not() -> None:
    rng = np.random.default_rng(101)
    raw = 1e9 + rng.normal(0, 1e-3, 100_000)
    k, _ = grid.quantise(raw, 1e9, 2.0**-10)
    mean = 1e9 + float(grid.to_float(grid.sum_limbs(k))) / grid.GRID * 2.0**-10 / len(raw)
    exact = math.fsum(x - 1e9 for x in raw.tolist()) / len(raw)
    assert mean - 1e9 == pytest.approx(exact, abs=1.3e-7)
    variance = float(grid.to_float(grid.square_limbs(k))) / grid.GRID**2 * 2.0**-20 / len(raw) - exact**2
    assert variance == pytest.approx(np.var(raw - 1e9), rel=1e-9)


def test_no_value_has_the_sum_zero() -> None:
    none = np.zeros(0, dtype=np.int64)
    assert grid.sum_limbs(none).tolist() == [0, 0]
    assert grid.square_limbs(none).tolist() == [0, 0, 0]
    assert grid.sum_by_cell(none, np.zeros(0, dtype=np.intp), 2).tolist() == [[0, 0], [0, 0]]
