"""Cutting a column into cells: edges by reference mass, levels by reference mass, and the grid of its sums.

Every inner edge lies midway between two neighbouring reference values, so a value that is written with fewer digits, or
that goes through a float32, stays in its cell. Reference values that are one and the same float32 are never separated: a
producer that sends 0.1 as float32 sends 0.10000000149, and both are the same atom.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from detectors.layout import MAX_LEVELS, NUMERIC_CELLS, SCORE_CELLS, name_hash

Floats = NDArray[np.float64]

_SMALLEST_FLOAT32 = float(np.finfo(np.float32).tiny)
_MAX_EXPONENT = 1000
"""Scales stay between 2^-1000 and 2^1000, so that neither a scale nor its reciprocal leaves float64."""


def cut_edges(values: Floats, cells: int = NUMERIC_CELLS) -> tuple[float, ...]:
    """Edges of about ``cells`` cells of about equal mass.

    An atom (a value with more than 1/cells of the mass) gets a cell of its own; the runs between atoms share the cells that
    are left in proportion to their mass, at least one each, so a column whose atoms alternate with rare values may have a
    few cells more. Fewer distinct values than cells give one cell a value.

    Args:
        values: (n,) finite, in any order.
        cells: wanted number of value cells.

    Returns:
        (K + 1,) strictly increasing edges, the first below and the last above every value; empty when there is no value.
    """
    if not len(values):
        return ()
    low, high, count = _groups(values)
    cuts = _cuts(count, cells)
    inner = high[cuts] / 2 + low[cuts + 1] / 2
    inner = np.where(inner > high[cuts], inner, low[cuts + 1])
    return (_just_below(float(low[0])), *inner.tolist(), _just_above(float(high[-1])))


def cut_scores(scores: Floats) -> tuple[float, ...]:
    """Edges of about 128 score cells of about equal mass, which cover [0, 1] wholly; empty when there is no score.

    Cells by mass, not uniform: a fraud model has nearly all scores below 0.05, where uniform cells see one or two values.
    """
    edges = cut_edges(scores, SCORE_CELLS)
    return (0.0, *edges[1:-1], float(np.nextafter(1.0, 2.0))) if edges else ()


def cut_errors(errors: Floats) -> tuple[float, ...]:
    """Edges of about 128 cells of absolute errors by mass, from 0; empty when there is no error."""
    edges = cut_edges(errors, SCORE_CELLS)
    return (0.0, *edges[1:]) if edges else ()


def cut_levels(counts: Mapping[str, int]) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """Levels with a cell of their own, the 256 with the most mass (ties by name), and the sorted hashes of the others."""
    ranked = sorted(counts, key=lambda name: (-counts[name], name))
    return tuple(ranked[:MAX_LEVELS]), tuple(sorted(name_hash(name) for name in ranked[MAX_LEVELS:]))


def power_of_two_near(width: float) -> float:
    """The power of two nearest to ``width`` > 0 on the logarithmic scale; exact on every machine (no logarithm is taken)."""
    mantissa, exponent = math.frexp(width)
    rounded = exponent if mantissa >= math.sqrt(0.5) else exponent - 1
    return math.ldexp(1.0, max(-_MAX_EXPONENT, min(_MAX_EXPONENT, rounded)))


def grid_of(values: Floats, declared_iqr: float | None = None) -> tuple[float, float]:
    """Centre and scale of a column's exact sums (grid.py).

    The centre is the median, the scale the power of two near the interquartile range. Where that range is 0 (more than half
    of the mass on one value) the declared one is used, else the standard deviation, else the size of the median, else 1.

    Args:
        values: (n,) finite, n >= 1.
    """
    ordered = np.sort(values)
    first, median, third = (float(q) for q in np.quantile(ordered, (0.25, 0.5, 0.75)))
    with np.errstate(over="ignore", invalid="ignore"):
        widths = (third - first, declared_iqr or 0.0, float(np.std(ordered)), abs(median))
    width = next((w for w in widths if w > 0 and math.isfinite(w)), 1.0)
    return median, power_of_two_near(width)


def _groups(values: Floats) -> tuple[Floats, Floats, NDArray[np.int64]]:
    """Runs of values that are the same float32: lowest, highest and number of each, in ascending order."""
    ordered = np.sort(values)
    with np.errstate(over="ignore", under="ignore"):
        single = ordered.astype(np.float32)
    beyond = np.isinf(single) | (np.abs(ordered) < _SMALLEST_FLOAT32)
    key = np.where(beyond, ordered, single.astype(np.float64))
    starts = np.flatnonzero(np.concatenate(([True], key[1:] != key[:-1])))
    stops = np.append(starts[1:], len(ordered))
    return ordered[starts], ordered[stops - 1], stops - starts


def _cuts(count: NDArray[np.int64], cells: int) -> NDArray[np.intp]:
    """Groups after which a cell ends, ascending; never the last group."""
    atom = count * cells > count.sum()
    at = np.flatnonzero(atom)
    left = cells - len(at)
    rest = int(count[~atom].sum())
    chosen = [at, at - 1]
    for start, stop in _runs(~atom):
        run = np.cumsum(count[start:stop])
        share = max(1, round(left * int(run[-1]) / rest))
        chosen.append(start + np.searchsorted(run, run[-1] * np.arange(1, share) / share))
    cuts = np.unique(np.concatenate(chosen)).astype(np.intp)
    return cuts[(cuts >= 0) & (cuts < len(count) - 1)]


def _runs(mask: NDArray[np.bool_]) -> Iterator[tuple[int, int]]:
    """[start, stop) of each run of true values."""
    steps = np.flatnonzero(np.diff(np.concatenate(([False], mask, [False]))))
    yield from zip(steps[::2].tolist(), steps[1::2].tolist(), strict=True)


def _just_below(value: float) -> float:
    """The next lower float32, so that a float32 rounding of ``value`` is not below it."""
    return -_just_above(-value)


def _just_above(value: float) -> float:
    """The next higher float32 (float64 beyond its range); never infinite, which JSON cannot say."""
    with np.errstate(over="ignore", under="ignore"):
        above = float(np.nextafter(np.float32(value), np.float32(np.inf)))
    if math.isfinite(above) and above > value:
        return above
    return min(math.nextafter(value, math.inf), sys.float_info.max)
