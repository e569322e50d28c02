"""Bias in numbers, not rates: calibration within groups, and a regression's mean residual by group; they inform."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from detectors import calibration, grid
from detectors.estimates import Estimate, Floats, divide
from detectors.family import Frame
from detectors.gaps import compared_pairs, largest_difference, pair_z
from detectors.group_rates import Ints, of_groups
from detectors.jackknife import Jackknife
from detectors.measurement import Measurement
from detectors.performance import number
from detectors.reasons import PROVISIONAL, SMALL_CELL, TOO_FEW_PER_GROUP, ZERO_DENOMINATOR
from detectors.tables import Tables


def calibration_errors(window: Tables, frame: Frame, index: int, names: tuple[str, ...]) -> Iterator[Measurement]:
    """``group_calibration_error`` per group: the root of the debiased squared calibration error of its scores."""
    cells = of_groups(window.ints("group_outcomes.scores"), frame.layout, index)
    sums = of_groups(window.ints("group_outcomes.score_sums"), frame.layout, index)
    n = cells.sum(axis=(0, 2, 3))
    estimate = _squared_calibration(cells, sums, frame, frame.layout.groups[index].name)
    rooted = Estimate(*(np.sqrt(np.maximum(part, 0.0)) for part in estimate))
    yield from _by_group("group_calibration_error", rooted, n, frame, names)


def mean_residuals(
    window: Tables, frame: Frame, index: int, names: tuple[str, ...], best: int | None
) -> Iterator[Measurement]:
    """``group_mean_error`` per group, mean(prediction - truth), and ``mean_error_difference``, the largest gap of those."""
    rows = of_groups(window.ints("group_outcomes.rows"), frame.layout, index)
    n = rows.sum(axis=0)
    group_set = frame.layout.groups[index].name
    yield from _by_group(
        "group_mean_error", _mean_error(window, frame, index, frame.z, "group_mean_error"), n, frame, names
    )
    metric = "mean_error_difference"
    usable = (n >= frame.min_decide) & ~np.isnan(_mean_error(window, frame, index, frame.z, metric).lower)
    pairs = compared_pairs(usable, best)
    gap = largest_difference(_mean_error(window, frame, index, pair_z(frame.z, pairs), metric), pairs)
    detail = () if gap.worst is None else (("higher", names[gap.worst[0]]), ("lower", names[gap.worst[1]]))
    yield Measurement(
        metric=metric,
        subject=group_set,
        value=number(gap.value),
        lower=number(gap.lower),
        upper=number(gap.upper),
        n=int(n.sum()),
        reason=TOO_FEW_PER_GROUP if np.isnan(gap.value) else None,
        blocked=PROVISIONAL if frame.provisional else None,
        detail=detail,
    )


def _by_group(
    metric: str, estimate: Estimate, n: NDArray[np.int64], frame: Frame, names: tuple[str, ...]
) -> Iterator[Measurement]:
    blocked = PROVISIONAL if frame.provisional else None
    for i, name in enumerate(names):
        if n[i] < frame.min_publish:
            yield Measurement(metric=metric, subject=name, reason=SMALL_CELL, direction="none")
            continue
        value, lower, upper = (number(part[i]) for part in estimate)
        reason = None if value is not None else ZERO_DENOMINATOR
        yield Measurement(metric, name, value, reason, int(n[i]), lower, upper, direction="none", blocked=blocked)


def _squared_calibration(cells: Ints, sums: Ints, frame: Frame, group_set: str) -> Estimate:
    phi = frame.inflation("group_calibration_error", group_set)
    if frame.layout.subjects:
        jackknife = Jackknife.over(cells.sum(axis=(1, 2, 3)), frame.z)
        stacked, of_scores = jackknife.stack(cells).astype(np.float64), grid.to_float(jackknife.stack(sums)) / grid.GRID
        return jackknife.estimate(calibration.squared_error(stacked, of_scores), phi)
    counts, of_scores = cells[0].astype(np.float64), grid.to_float(sums[0]) / grid.GRID
    value = calibration.squared_error(counts, of_scores)
    half = frame.z * np.sqrt(phi * calibration.squared_error_variance(counts, of_scores))
    return Estimate(value, value - half, value + half)


def _mean_error(window: Tables, frame: Frame, index: int, z: float, metric: str) -> Estimate:
    """(G,) mean residuals in the target's units."""
    rows, errors, squares = (
        of_groups(window.ints(f"group_outcomes.{name}"), frame.layout, index) for name in ("rows", "errors", "squares")
    )
    phi, unit = frame.inflation(metric, frame.layout.groups[index].name), frame.layout.target_scale
    if frame.layout.subjects:
        jackknife = Jackknife.over(rows.sum(axis=1), z)
        means = divide(grid.to_float(jackknife.stack(errors)) / grid.GRID, jackknife.stack(rows))
        return jackknife.estimate(means * unit, phi)
    n: Floats = rows[0].astype(np.float64)
    mean = divide(grid.to_float(errors[0]) / grid.GRID, n)
    second = divide(grid.to_float(squares[0]) / grid.GRID**2, n)
    half = z * np.sqrt(phi * divide(np.maximum(second - np.square(mean), 0.0), n - 1)) * unit
    return Estimate(mean * unit, mean * unit - half, mean * unit + half)
