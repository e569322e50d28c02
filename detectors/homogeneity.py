"""The two-sample chi-square test: how surprising the window would be if nothing had changed. It informs, never decides.

Cells with an expected count below 5 (in the smaller side) are pooled first: for numbers with the neighbours that follow, for
categories into one rest cell. X^2 / phi is compared with a chi-square of (groups - 1) degrees of freedom.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special

from detectors.comparison import Comparison, Floats, Ints

MIN_EXPECTED = 5.0


@dataclass(frozen=True, slots=True)
class ChiSquare:
    """(R,) statistic after pooling, degrees of freedom (0 where everything was pooled into one cell), p-value."""

    statistic: Floats
    freedom: Ints
    p_value: Floats


def chi_square(pair: Comparison, numeric: int, phi: Floats) -> ChiSquare:
    """The test for every column; the first ``numeric`` rows are pooled by neighbours, the others into a rest cell."""
    groups = _groups(pair, numeric)
    rows, width = len(groups), groups.shape[1] + 1
    place = (groups + np.arange(rows).reshape(-1, 1) * width).ravel()
    x = np.bincount(place, weights=pair.x.ravel(), minlength=rows * width).reshape(rows, width)
    y = np.bincount(place, weights=pair.y.ravel(), minlength=rows * width).reshape(rows, width)
    statistic = pearson(x, y)
    freedom = np.maximum(np.count_nonzero(x + y, axis=1) - 1, 0)
    p_value = np.where(freedom > 0, special.chdtrc(np.maximum(freedom, 1), statistic / phi), 1.0)
    return ChiSquare(statistic, freedom.astype(np.int64), p_value)


def pearson(x: Floats | Ints, y: Floats | Ints) -> Floats:
    """(R,) X^2 of a 2 x K table per row: sum (m x - n y)^2 / (n m (x + y)); empty cells add nothing."""
    n, m = x.sum(axis=1, keepdims=True).astype(np.float64), y.sum(axis=1, keepdims=True).astype(np.float64)
    both = (x + y) * (n * m)
    terms = np.divide(np.square(m * x - n * y), both, out=np.zeros(both.shape), where=both > 0)
    statistic: Floats = terms.sum(axis=1)
    return statistic


def cramers_v(pair: Comparison) -> Floats:
    """(R,) Cramer's V of side x cell: sqrt(X^2 / (n + m)), without pooling; 0 no association, 1 full."""
    association: Floats = np.sqrt(pearson(pair.x, pair.y) / (pair.n + pair.m))
    return association


def _groups(pair: Comparison, numeric: int) -> Ints:
    """(R, K) the group each cell is pooled into."""
    smaller = np.minimum(pair.n, pair.m) / (pair.n + pair.m)
    expected = smaller.reshape(-1, 1) * (pair.x + pair.y)
    groups = np.zeros(expected.shape, dtype=np.int64)
    for row in range(numeric):
        groups[row] = _neighbours(expected[row].tolist())
    rest = expected[numeric:] < MIN_EXPECTED
    groups[numeric:] = np.where(rest, 0, np.arange(1, expected.shape[1] + 1))
    return _with_large_rest(groups, expected, numeric)


def _neighbours(expected: list[float]) -> Ints:
    """Groups of consecutive cells with an expected count of at least 5 each; a remainder joins the last group."""
    groups, group, held = [], 0, 0.0
    for value in expected:
        groups.append(group)
        held += value
        if held >= MIN_EXPECTED:
            group, held = group + 1, 0.0
    return np.minimum(groups, max(group - 1, 0))


def _with_large_rest(groups: Ints, expected: Floats, numeric: int) -> Ints:
    """A rest cell that is itself below 5 takes in the smallest other cell."""
    for row in range(numeric, len(groups)):
        in_rest = groups[row] == 0
        held = expected[row][in_rest].sum()
        if 0 < held < MIN_EXPECTED and not in_rest.all():
            groups[row, np.where(in_rest, np.inf, expected[row]).argmin()] = 0
    return groups
