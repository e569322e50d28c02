"""From raw values to numbers: NaN where a value is missing, an infinity where it is not a finite number.

That code lets one vectorised pass tell the flaws of all columns at once. ``true`` and ``false`` are 1 and 0, as they are to
the models themselves; a number in quotes is text, and so invalid: a producer that starts to quote its numbers has changed.
"""

from __future__ import annotations

import math
import struct
from array import array
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_PLAIN = frozenset((float, int, bool, type(None)))


def numbers(values: Sequence[Any] | None, size: int) -> Floats:
    """(size,) float64 of raw values, not to be written to; ``None`` stands for a column that no event carries."""
    if values is None:
        return np.full(size, np.nan)
    if isinstance(values, array):
        return np.frombuffer(values, dtype=np.float64)
    try:
        return np.frombuffer(struct.pack(f"{size}d", *values), dtype=np.float64)  # the fast path: refuses None and text
    except struct.error:
        return _numbers_with_gaps(values)


def finite(values: Floats) -> Floats:
    """A copy in which infinities, which stand for invalid, are NaN."""
    return np.where(np.isinf(values), np.nan, values)


def _numbers_with_gaps(values: Sequence[Any]) -> Floats:
    if set(map(type, values)) <= _PLAIN:
        try:
            return np.array(values, dtype=np.float64)
        except OverflowError:  # an integer beyond the range of float64
            pass
    return np.fromiter(map(_number, values), dtype=np.float64, count=len(values))


def _number(value: object) -> float:
    if value is None:
        return math.nan
    if not isinstance(value, float | int | np.floating | np.integer | np.bool_):
        return math.inf
    try:
        return float(value)
    except OverflowError:
        return math.inf
