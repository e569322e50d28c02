"""What the spread of chunks is for: intervals that hold when events of one user are not independent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import ndtri

from detectors.cells import NUMERIC, CellTally
from detectors.cutting import cut_edges, grid_of
from detectors.drift import Drift
from detectors.family import Frame
from detectors.layout import FIRST_VALUE, Layout, NumericColumn, Role, Task
from detectors.measurement import Measurement, Stage
from detectors.spread import Chunk, spread_of
from detectors.tables import Tables, empty_tables, total

USERS, EACH, ICC = 100, 10, 0.3
CHUNKS, WINDOWS = 30, 300
Z = 1.96
Floats = NDArray[np.float64]


def draw(rng: np.random.Generator) -> Floats:
    """Ten events each of 100 users: one of eight values, that of the user with probability sqrt(.3), so that two events of
    one user agree in their cells with intraclass correlation .3."""
    own = np.repeat(rng.integers(0, 8, USERS), EACH)
    other = rng.integers(0, 8, USERS * EACH)
    return np.where(rng.random(USERS * EACH) < np.sqrt(ICC), own, other).astype(np.float64)


def layout_of(values: Floats) -> Layout:
    centre, scale = grid_of(values)
    column = NumericColumn(name="x", role=Role.FEATURE, edges=cut_edges(values), centre=centre, scale=scale)
    return Layout(task=Task.REGRESSION, numeric=(column,), categorical=())


def tables_of(values: Floats, layout: Layout) -> Tables:
    """Cell counts of the column; what drift reads besides is left empty."""
    tables = empty_tables(CellTally().specs(layout))
    cell = np.searchsorted(layout.edges[0], values, side="right") + FIRST_VALUE - 1
    tables.arrays[NUMERIC] = np.bincount(cell, minlength=layout.numeric[0].cells)
    return tables


@pytest.fixture(scope="module")
def misses() -> dict[str, float]:
    """Shares of unchanged windows whose interval excludes no drift, with and without the measured inflation."""
    rng = np.random.default_rng(21)
    rows = [draw(rng) for _ in range(CHUNKS)]
    layout = layout_of(np.concatenate(rows))
    chunks = [Chunk(tables_of(values, layout), len(values)) for values in rows]
    whole = total(chunk.tables for chunk in chunks)

    def measure(chunk: Chunk, rest: Tables, z: float, phi: Mapping[tuple[str, str], float]) -> Iterator[Measurement]:
        frame = Frame(layout=layout, reference=rest, z=z, stage=Stage.WINDOW, phi=phi)
        yield from (m for m in Drift().measure(chunk.tables, frame) if m.metric == "js_distance")

    spread = spread_of(chunks, whole, layout, measure, measure)
    windows = [Chunk(tables_of(draw(rng), layout), USERS * EACH) for _ in range(WINDOWS)]

    def missed(phi: Mapping[tuple[str, str], float]) -> float:
        found = [m.effect_lower for window in windows for m in measure(window, whole, Z, phi)]
        return float(np.mean([lower is not None and lower > 0 for lower in found]))

    return {"measured": missed(spread.phi), "ignored": missed({}), "phi": spread.phi["js_distance", "x"]}


def test_ten_events_of_a_user_make_naive_intervals_miss(misses: dict[str, float]) -> None:
    assert misses["ignored"] > 0.15


def test_with_the_spread_of_the_reference_they_hold(misses: dict[str, float]) -> None:
    nominal = 0.025
    noise = -float(ndtri(0.01)) * np.sqrt(nominal * (1 - nominal) / WINDOWS)
    assert misses["measured"] <= nominal + noise


def test_the_inflation_is_the_design_effect_of_clusters(misses: dict[str, float]) -> None:
    """Kish: 1 + (m - 1) ICC = 3.7."""
    assert misses["phi"] == pytest.approx(1 + (EACH - 1) * ICC, rel=0.25)
