"""Exact sums: floats on an integer grid, kept in limbs.

A float64 sum depends on the order of its terms, so two partitions, a restart or a replay would give other bits. Here a
value x becomes the integer k = round((x - centre) / scale * 2^30), |k| <= 2^42, and integers are summed exactly.

A sum is stored as limbs along the last axis: total = limb[0] + limb[1] 2^32 (+ limb[2] 2^64), with all limbs but the
last in [0, 2^32) after ``carry``. That form is unique, so equal sums have equal bytes. Two limbs hold 2^52 values, three
limbs hold as many squares.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FRACTION_BITS = 30
GRID = float(1 << FRACTION_BITS)
Z_LIMIT = 4096.0
LIMB_BITS = 32
MAX_BATCH_ROWS = 1 << 20
"""More rows in one call could overflow an int64 partial sum of squares' halves."""

_LIMB_MASK = np.int64((1 << LIMB_BITS) - 1)
_HALF_BITS = 21
_HALF_MASK = np.int64((1 << _HALF_BITS) - 1)


def quantise(
    values: NDArray[np.float64], centre: NDArray[np.float64] | float, scale: NDArray[np.float64] | float
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Place finite values on the grid.

    Args:
        values: any shape; every value finite.
        centre, scale: broadcast against ``values``; ``scale`` is a power of two.

    Returns:
        k of the same shape, int64, |k| <= 2^42, and the mask of values that were clipped at |z| = 4096.
    """
    with np.errstate(over="ignore"):
        z = values - centre
        z /= scale  # in place, here and below: a new array for each operation costs several times the operation
    clipped = np.abs(z) > Z_LIMIT
    np.clip(z, -Z_LIMIT, Z_LIMIT, out=z)
    z *= GRID
    return np.rint(z, out=z).astype(np.int64), clipped


def carry(limbs: NDArray[np.int64]) -> NDArray[np.int64]:
    """The unique form of the same sums: all limbs but the last in [0, 2^32)."""
    result = limbs.copy()
    for i in range(result.shape[-1] - 1):
        result[..., i + 1] += result[..., i] >> LIMB_BITS
        result[..., i] &= _LIMB_MASK
    return result


def sum_by_cell(k: NDArray[np.int64], cell: NDArray[np.intp], cells: int) -> NDArray[np.int64]:
    """Exact sums of grid integers by cell.

    Args:
        k, cell: (n,), n <= MAX_BATCH_ROWS times the number of columns flattened into it.

    Returns:
        limbs, (cells, 2), carried.
    """
    low = np.bincount(cell, weights=(k & _HALF_MASK).astype(np.float64), minlength=cells).astype(np.int64)
    high = np.bincount(cell, weights=(k >> _HALF_BITS).astype(np.float64), minlength=cells).astype(np.int64)
    limbs = np.empty((cells, 2), dtype=np.int64)
    limbs[:, 0] = low + ((high & ((1 << 11) - 1)) << _HALF_BITS)
    limbs[:, 1] = high >> 11
    return carry(limbs)


def sum_limbs(k: NDArray[np.int64]) -> NDArray[np.int64]:
    """Exact sums along the last axis: (..., n) -> limbs (..., 2), carried; n <= MAX_BATCH_ROWS."""
    total = k.sum(axis=-1)
    limbs = np.zeros((*total.shape, 2), dtype=np.int64)
    limbs[..., 0] = total
    return carry(limbs)


def square_limbs(k: NDArray[np.int64]) -> NDArray[np.int64]:
    """Exact sums of k^2 along the last axis: (..., n) -> limbs (..., 3), carried; n <= MAX_BATCH_ROWS.

    With k = a 2^21 + b: k^2 = a^2 2^42 + 2ab 2^21 + b^2; each partial sum stays below 2^63.
    """
    a = k >> _HALF_BITS
    b = k & _HALF_MASK
    return _three_limbs((b * b).sum(axis=-1), (2 * a * b).sum(axis=-1), (a * a).sum(axis=-1))


def square_by_cell(k: NDArray[np.int64], cell: NDArray[np.intp], cells: int) -> NDArray[np.int64]:
    """Exact sums of k^2 by cell: (n,) -> limbs (cells, 3), carried; n <= MAX_BATCH_ROWS."""
    a = k >> _HALF_BITS
    b = k & _HALF_MASK
    ones, middles, highs = (_int64_by_cell(term, cell, cells) for term in (b * b, 2 * a * b, a * a))
    return _three_limbs(ones, middles, highs)


def product_by_cell(
    k: NDArray[np.int64], other: NDArray[np.int64], cell: NDArray[np.intp], cells: int
) -> NDArray[np.int64]:
    """Exact sums of k * other by cell: (n,), (n,) -> limbs (cells, 3), carried; n <= MAX_BATCH_ROWS."""
    a, c = k >> _HALF_BITS, other >> _HALF_BITS
    b, d = k & _HALF_MASK, other & _HALF_MASK
    ones, middles, highs = (_int64_by_cell(term, cell, cells) for term in (b * d, a * d + b * c, a * c))
    return _three_limbs(ones, middles, highs)


def _int64_by_cell(term: NDArray[np.int64], cell: NDArray[np.intp], cells: int) -> NDArray[np.int64]:
    """Exact int64 sums by cell; bincount adds floats, so the halves are summed apart."""
    low = np.bincount(cell, weights=(term & _LIMB_MASK).astype(np.float64), minlength=cells).astype(np.int64)
    high = np.bincount(cell, weights=(term >> LIMB_BITS).astype(np.float64), minlength=cells).astype(np.int64)
    return (high << LIMB_BITS) + low


def _three_limbs(ones: NDArray[np.int64], middles: NDArray[np.int64], highs: NDArray[np.int64]) -> NDArray[np.int64]:
    """ones + middles 2^21 + highs 2^42 as three limbs."""
    limbs = np.zeros((*np.shape(ones), 3), dtype=np.int64)
    limbs[..., 0] = (ones & _LIMB_MASK) + ((middles & ((1 << 11) - 1)) << 21)
    limbs[..., 1] = (ones >> LIMB_BITS) + (middles >> 11) + ((highs & ((1 << 22) - 1)) << 10)
    limbs[..., 2] = highs >> 22
    return carry(limbs)


def to_float(limbs: NDArray[np.int64]) -> NDArray[np.float64]:
    """Sums as floats, in grid units: divide by 2^30 (or 2^60 for squares) and rescale yourself."""
    total = np.zeros(limbs.shape[:-1], dtype=np.float64)
    for i in reversed(range(limbs.shape[-1])):
        total = total * float(1 << LIMB_BITS) + limbs[..., i]
    return total
