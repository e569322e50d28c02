"""Sums of a regression's errors against numpy on the raw rows."""

from __future__ import annotations

import numpy as np
import pytest

from detectors import grid
from detectors.columns import Labelled
from detectors.error_sums import CLIPPED, FOURTH_BITS, RELATIVE_ROWS, ROWS
from detectors.layout import Layout
from detectors.outcomes import Outcomes
from detectors.tables import Tables
from tests.detectors.labelled_samples import regression_sample

SAMPLE = regression_sample(1, 3000)
ERROR = SAMPLE.labelled.prediction - SAMPLE.labelled.truth
TRUTH = SAMPLE.labelled.truth
SCALE = SAMPLE.layout.target_scale


def count(rows: Labelled, layout: Layout) -> Tables:
    return Outcomes().count(rows, layout)


def sums(tables: Tables, name: str, bits: float) -> float:
    return float(grid.to_float(tables.ints(f"outcomes.{name}").sum(axis=0)) / bits)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("errors", ERROR / SCALE),
        ("absolute", np.abs(ERROR) / SCALE),
        ("targets", (TRUTH - 50.0) / SCALE),
        ("relative", np.abs(ERROR / TRUTH)),
        ("symmetric", 2 * np.abs(ERROR) / (np.abs(TRUTH) + np.abs(SAMPLE.labelled.prediction))),
    ],
)
def test_sums_are_those_of_numpy(name: str, expected: np.ndarray) -> None:
    assert sums(count(SAMPLE.labelled, SAMPLE.layout), name, grid.GRID) == pytest.approx(expected.sum(), rel=1e-8)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("squares", np.square(ERROR / SCALE)),
        ("target_squares", np.square((TRUTH - 50.0) / SCALE)),
        ("products", ERROR / SCALE * (TRUTH - 50.0) / SCALE),
    ],
)
def test_sums_of_products_are_those_of_numpy(name: str, expected: np.ndarray) -> None:
    assert sums(count(SAMPLE.labelled, SAMPLE.layout), name, grid.GRID**2) == pytest.approx(expected.sum(), rel=1e-8)


def test_sums_of_fourth_powers_are_those_of_numpy() -> None:
    found = sums(count(SAMPLE.labelled, SAMPLE.layout), "fourths", float(1 << 2 * FOURTH_BITS))
    assert found == pytest.approx((np.square(np.square(ERROR / SCALE))).sum(), rel=1e-4)


def test_products_are_exact_at_the_ends_of_the_grid() -> None:
    far = 1 << 42
    k, other = np.array([far, -far, far - 1, -3]), np.array([far, far, -far + 1, far])
    limbs = grid.product_by_cell(k, other, np.zeros(4, dtype=np.intp), 1)[0]
    exact = sum(int(a) * int(b) for a, b in zip(k, other, strict=True))
    assert sum(int(limb) << 32 * i for i, limb in enumerate(limbs)) == exact


def test_absolute_errors_fall_into_half_open_cells_with_two_open_ends() -> None:
    cells = count(SAMPLE.labelled, SAMPLE.layout).ints("outcomes.cells").sum(axis=0)
    edges = np.array(SAMPLE.layout.error_edges)
    assert cells[0] == 0
    np.testing.assert_array_equal(cells[1:-1], np.histogram(np.abs(ERROR), edges)[0])
    assert cells[-1] == (np.abs(ERROR) >= edges[-1]).sum()


def test_a_truth_of_zero_has_no_relative_error() -> None:
    rows = SAMPLE.take(slice(2)).labelled
    zero = Labelled(np.array([0.0, 2.0]), np.array([1.0, 3.0]), rows.scores, rows.groups, rows.bucket)
    tables = count(zero, SAMPLE.layout)
    np.testing.assert_array_equal(tables.ints("outcomes.rows").sum(axis=0)[[ROWS, RELATIVE_ROWS]], [2, 1])
    assert sums(tables, "relative", grid.GRID) == 0.5


def test_errors_beyond_4096_scales_are_clipped_and_counted() -> None:
    rows = SAMPLE.take(slice(1)).labelled
    far = Labelled(np.array([1.0]), np.array([1e300]), rows.scores, rows.groups, rows.bucket)
    tables = count(far, SAMPLE.layout)
    assert tables.ints("outcomes.rows")[:, CLIPPED].sum() == 1
    assert sums(tables, "errors", grid.GRID) == 4096.0


def test_perfect_predictions_of_zero_have_no_symmetric_error() -> None:
    rows = SAMPLE.take(slice(1)).labelled
    zero = Labelled(np.zeros(1), np.zeros(1), rows.scores, rows.groups, rows.bucket)
    assert sums(count(zero, SAMPLE.layout), "symmetric", grid.GRID) == 0.0
