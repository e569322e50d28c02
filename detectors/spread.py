"""How much the chunks of a reference differ from each other: variance inflation and automatic tolerances.

Chunks of one trusted period should differ by chance alone. They differ by more, because events of one user or one hour are
not independent. For each metric and subject

    phi = max(1, X^2 / df)

is the factor by which the variance between chunks exceeds that of independent events. For distances between distributions
X^2 is Pearson's statistic of the chunks x cells table of the column; cells need no smallest count, since the mean of X^2 is
df whatever the counts are. For all other measures it is Cochran's Q = sum w_i (v_i - v)^2, w_i = 1 / se_i^2, v the weighted
mean, with the standard errors that the measures themselves state (half their interval at z = 1). Both are the classical
estimate of overdispersion (McCullagh & Nelder 1989, section 4.5). Gaps between groups take that of the groups' rates
(group_spread.py).

``auto`` is the largest lower limit of the effect when each chunk is compared with all others: what a trusted period has been
seen to do is no incident. It holds for the rules that allow it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from detectors.cells import CATEGORICAL, NUMERIC
from detectors.chunks import MIN_CHUNKS
from detectors.group_spread import pool_groups
from detectors.layout import BELOW, Layout
from detectors.measurement import Measurement
from detectors.tables import Kind, Tables

Key = tuple[str, str]
Floats = NDArray[np.float64]

UNFIT = frozenset({"calibration_error", "expected_calibration_error", "group_calibration_error"})
"""Measures that are never negative and near 0 when all is well: the kink there would be read as spread. They inform only."""

DISTANCES = frozenset(
    {
        "js_distance",
        "psi",
        "hellinger",
        "total_variation",
        "ks",
        "wasserstein",
        "chi_square",
        "linf",
        "cramers_v",
    }
)
"""Measures that are never negative, so that their mean over chunks says nothing of their spread."""

Z_OF_SPREAD = 1.0
"""At z = 1 half an interval is the standard error, also of the intervals that are not symmetric at 3."""

Z_OF_AUTO = 3.0
"""Lower limits of chunks are taken at the smallest z that any stream uses: a larger one would only lower them."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """One stretch of the reference.

    Attributes:
        predictions: inference events with a prediction.
    """

    tables: Tables
    predictions: int


@dataclass(frozen=True, slots=True)
class Spread:
    """phi and auto by (metric, subject); absent where phi is 1 and where there is no positive lower limit."""

    phi: Mapping[Key, float] = field(default_factory=dict)
    auto: Mapping[Key, float] = field(default_factory=dict)


Measure = Callable[[Chunk, Tables, float, Mapping[Key, float]], Iterable[Measurement]]
"""A chunk, what it is compared with, z and phi, to all measurements."""


def spread_of(
    chunks: Sequence[Chunk], whole: Tables, layout: Layout, measure: Measure, measure_automatic: Measure
) -> Spread:
    """The spread of a reference's chunks; empty with fewer than 10.

    Args:
        chunks: of window length; whole: the sum over all of the reference, of which they are parts.
        measure: all measures; measure_automatic: only those whose tolerance the reference may raise.
    """
    if len(chunks) < MIN_CHUNKS:
        return Spread()
    others = [others_of(whole, chunk.tables) for chunk in chunks]
    phi = _inflation(chunks, others, layout, measure)
    auto: dict[Key, float] = {}
    for chunk, rest in zip(chunks, others, strict=True):
        for found in measure_automatic(chunk, rest, Z_OF_AUTO, phi):
            if found.effect_lower is not None and found.effect_lower > 0:
                key = (found.metric, found.subject)
                auto[key] = max(auto.get(key, 0.0), found.effect_lower)
    return Spread(phi, auto)


def others_of(whole: Tables, chunk: Tables) -> Tables:
    """The reference without one chunk; extremes and names, which cannot be taken back, stay those of the whole."""
    kept = {name: spec for name, spec in chunk.specs.items() if spec.kind in (Kind.COUNT, Kind.LIMBS)}
    return whole - Tables(kept, {name: chunk.arrays[name] for name in kept})


def column_inflation(chunks: Sequence[Tables], layout: Layout) -> dict[str, float]:
    """X^2 / df of chunks x cells by column name, values only (missing and invalid belong to data quality)."""
    names = {
        NUMERIC: ([column.name for column in layout.numeric], layout.numeric_offsets),
        CATEGORICAL: ([column.name for column in layout.categorical], layout.categorical_offsets),
    }
    return {
        column: pearson_ratio(np.stack([chunk.ints(table)[first + BELOW : stop] for chunk in chunks]))
        for table, (columns, offsets) in names.items()
        for column, first, stop in zip(columns, offsets[:-1], offsets[1:], strict=True)
    }


def pearson_ratio(counts: NDArray[np.int64]) -> float:
    """Pearson's X^2 / df of a table of (rows, cells) counts; 1 where there is no degree of freedom."""
    table = counts[np.ix_(counts.sum(axis=1) > 0, counts.sum(axis=0) > 0)].astype(np.float64)
    degrees = (table.shape[0] - 1) * (table.shape[1] - 1)
    if degrees < 1:
        return 1.0
    expected = table.sum(axis=1, keepdims=True) * table.sum(axis=0, keepdims=True) / table.sum()
    return float(((table - expected) ** 2 / expected).sum() / degrees)


def cochran_ratio(values: Floats, errors: Floats) -> float:
    """Cochran's Q / (k - 1) of k values with their standard errors."""
    weights = errors**-2.0
    mean = (weights * values).sum() / weights.sum()
    return float((weights * (values - mean) ** 2).sum() / (len(values) - 1))


def _inflation(chunks: Sequence[Chunk], others: Sequence[Tables], layout: Layout, measure: Measure) -> dict[Key, float]:
    values: defaultdict[Key, list[float]] = defaultdict(list)
    errors: defaultdict[Key, list[float]] = defaultdict(list)
    distances: set[Key] = set()
    for chunk, rest in zip(chunks, others, strict=True):
        for found in measure(chunk, rest, Z_OF_SPREAD, {}):
            key = (found.metric, found.subject)
            if found.metric in DISTANCES:
                distances.add(key)
            elif found.metric not in UNFIT and (error := _standard_error(found)) is not None:
                assert found.value is not None
                values[key].append(found.value)
                errors[key].append(error)
    columns = column_inflation([chunk.tables for chunk in chunks], layout)
    ratios = {key: columns.get(key[1], 1.0) for key in distances}
    for key in values:
        if len(values[key]) >= MIN_CHUNKS:
            ratios[key] = cochran_ratio(np.array(values[key]), np.array(errors[key]))
    ratios |= pool_groups(ratios, layout)
    return {key: ratio for key, ratio in ratios.items() if ratio > 1.0}


def _standard_error(found: Measurement) -> float | None:
    if found.value is None or found.lower is None or found.upper is None or not found.upper > found.lower:
        return None
    return (found.upper - found.lower) / (2 * Z_OF_SPREAD)
