"""Variance inflation and automatic tolerances."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import pytest
from scipy import stats

from detectors.cells import NUMERIC
from detectors.layout import FIRST_VALUE, Layout, NumericColumn, Role, Task
from detectors.measurement import Measurement
from detectors.spread import Chunk, cochran_ratio, column_inflation, others_of, pearson_ratio, spread_of
from detectors.tables import Kind, Tables, TableSpec, make_tables, total

LAYOUT = Layout(
    task=Task.REGRESSION,
    numeric=(NumericColumn(name="x", role=Role.FEATURE, edges=tuple(float(i) for i in range(9)), centre=4, scale=4),),
    categorical=(),
)
CELLS = LAYOUT.numeric[0].cells
SPEC = TableSpec(NUMERIC, Kind.COUNT, (CELLS,))
LOWEST = TableSpec("cells.minimum", Kind.MINIMUM, (1,))


def chunk_of(values: np.ndarray) -> Chunk:
    counts = np.bincount(values + FIRST_VALUE, minlength=CELLS)
    return Chunk(make_tables([(SPEC, counts), (LOWEST, np.array([float(values.min())]))]), len(values))


def independent(rng: np.random.Generator, rows: int = 400) -> Chunk:
    return chunk_of(rng.integers(0, 8, rows))


def clustered(rng: np.random.Generator, users: int = 40, each: int = 10) -> Chunk:
    """Every user repeats one value: the design effect is ``each``."""
    return chunk_of(np.repeat(rng.integers(0, 8, users), each))


def share_of_first(chunk: Chunk, rest: Tables, z: float, phi: Mapping[tuple[str, str], float]) -> Iterator[Measurement]:
    """A share with its interval, a distance, and a gap with a lower limit."""
    counts, others = chunk.tables.ints(NUMERIC), rest.ints(NUMERIC)
    p, n = counts[FIRST_VALUE] / counts.sum(), counts.sum()
    half = z * np.sqrt(p * (1 - p) / n * phi.get(("share", "x"), 1.0))
    gap = p - others[FIRST_VALUE] / others.sum()
    yield Measurement("share", "x", value=p, lower=p - half, upper=p + half, effect_lower=gap - half)
    yield Measurement("js_distance", "x", value=abs(gap))
    yield Measurement("silent", "x", reason="no_reference")


def share_alone(chunk: Chunk, rest: Tables, z: float, phi: Mapping[tuple[str, str], float]) -> Iterator[Measurement]:
    yield from (found for found in share_of_first(chunk, rest, z, phi) if found.metric == "share")


def nothing(chunk: Chunk, rest: Tables, z: float, phi: Mapping[tuple[str, str], float]) -> Iterator[Measurement]:
    yield from ()


def test_pearson_ratio_is_scipys_statistic_by_its_degrees_of_freedom() -> None:
    counts = np.random.default_rng(1).integers(1, 30, (12, 6))
    oracle = stats.chi2_contingency(counts)
    assert pearson_ratio(counts) == pytest.approx(oracle.statistic / oracle.dof, rel=1e-12)


def test_cells_and_chunks_without_events_are_left_out() -> None:
    counts = np.random.default_rng(2).integers(1, 30, (12, 6))
    padded = np.zeros((13, 8), dtype=np.int64)
    padded[:12, 1:7] = counts
    assert pearson_ratio(padded) == pearson_ratio(counts)


def test_a_constant_column_has_no_spread() -> None:
    assert pearson_ratio(np.array([[5], [9], [3]])) == 1.0


def test_independent_events_have_a_ratio_of_one() -> None:
    rng = np.random.default_rng(3)
    ratios = [column_inflation([independent(rng).tables for _ in range(30)], LAYOUT)["x"] for _ in range(40)]
    assert np.mean(ratios) == pytest.approx(1.0, abs=0.03)


def test_rare_cells_do_not_bias_the_ratio() -> None:
    rng = np.random.default_rng(4)
    shares = np.array([0.9, 0.09, 0.005, 0.003, 0.002])
    ratios = [pearson_ratio(rng.multinomial(100, shares, size=20)) for _ in range(400)]
    assert np.mean(ratios) == pytest.approx(1.0, abs=0.05)


def test_ten_equal_events_per_user_inflate_the_variance_tenfold() -> None:
    rng = np.random.default_rng(5)
    ratios = [column_inflation([clustered(rng).tables for _ in range(30)], LAYOUT)["x"] for _ in range(20)]
    assert np.mean(ratios) == pytest.approx(10.0, rel=0.05)


def test_cochrans_ratio_is_one_for_values_that_differ_by_their_stated_errors() -> None:
    rng = np.random.default_rng(6)
    errors = rng.uniform(0.5, 2.0, 4000)
    assert cochran_ratio(rng.normal(3.0, errors), errors) == pytest.approx(1.0, abs=0.05)
    assert cochran_ratio(rng.normal(3.0, 2 * errors), errors) == pytest.approx(4.0, abs=0.2)


def test_fewer_than_ten_chunks_say_nothing() -> None:
    rng = np.random.default_rng(7)
    chunks = [clustered(rng) for _ in range(9)]
    spread = spread_of(chunks, total(c.tables for c in chunks), LAYOUT, share_of_first, share_alone)
    assert (spread.phi, spread.auto) == ({}, {})


def test_shares_and_distances_get_the_inflation_of_clustered_events() -> None:
    rng = np.random.default_rng(8)
    chunks = [clustered(rng) for _ in range(200)]
    spread = spread_of(chunks, total(c.tables for c in chunks), LAYOUT, share_of_first, nothing)
    assert spread.phi["js_distance", "x"] == pytest.approx(10.0, rel=0.15)
    assert spread.phi["share", "x"] == pytest.approx(10.0, rel=0.35)
    assert ("silent", "x") not in spread.phi


def test_auto_is_the_largest_lower_limit_against_the_other_chunks() -> None:
    rng = np.random.default_rng(9)
    odd = chunk_of(np.concatenate((np.zeros(200, dtype=np.int64), rng.integers(0, 8, 200))))
    chunks = [*(independent(rng) for _ in range(11)), odd]
    whole = total(c.tables for c in chunks)
    spread = spread_of(chunks, whole, LAYOUT, share_of_first, share_alone)
    (expected,) = (
        m.effect_lower
        for m in share_of_first(odd, others_of(whole, odd.tables), 3.0, spread.phi)
        if m.metric == "share"
    )
    assert spread.auto == {("share", "x"): expected}


def test_the_rest_of_a_reference_is_the_sum_of_the_other_chunks() -> None:
    rng = np.random.default_rng(10)
    chunks = [independent(rng) for _ in range(3)]
    rest = others_of(total(c.tables for c in chunks), chunks[0].tables)
    expected = total(c.tables for c in chunks[1:])
    np.testing.assert_array_equal(rest.ints(NUMERIC), expected.ints(NUMERIC))
