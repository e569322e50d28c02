from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors import cells, grid
from detectors.cells import CellTally
from detectors.encode import encode
from detectors.layout import Layout, name_hash
from detectors.tables import Tables, total
from tests.detectors.events import batch, category, feature_layout, number

EDGES = (0.0, 1.0, 2.0, 3.0)


def _count(layout: Layout, **features: object) -> Tables:
    values = {f"features.{name}": raw for name, raw in features.items()}
    size = len(next(iter(values.values())))  # type: ignore[arg-type]
    return CellTally().count(encode(batch(size, values), None, layout), layout)  # type: ignore[arg-type]


def test_every_value_falls_into_the_half_open_cell_of_its_edges() -> None:
    raw = [None, "x", -0.5, 0.0, 0.999, 1.0, 2.0, 2.999, 3.0, 7.0]
    tables = _count(feature_layout(number(edges=EDGES)), income=raw)
    assert tables.ints(cells.NUMERIC).tolist() == [1, 1, 1, 2, 1, 2, 2]


def test_a_column_without_edges_counts_any_value_as_one_cell() -> None:
    tables = _count(feature_layout(number(edges=())), income=[None, "x", 5.0, -5.0])
    assert tables.ints(cells.NUMERIC).tolist() == [1, 1, 2]


def test_counts_equal_numpy_histograms_of_every_column() -> None:
    rng = np.random.default_rng(7)
    edges = {f"x{i}": np.sort(rng.normal(size=33)) for i in range(3)}
    raw = {name: rng.normal(size=2000) for name in edges}
    layout = feature_layout(*(number(name, cut) for name, cut in edges.items()))
    counted = _count(layout, **{name: values.tolist() for name, values in raw.items()}).ints(cells.NUMERIC)
    for i, (name, cut) in enumerate(edges.items()):
        mine = counted[layout.numeric_offsets[i] : layout.numeric_offsets[i + 1]]
        oracle, _ = np.histogram(raw[name], bins=np.concatenate(([-np.inf], cut, [np.inf])))
        assert mine[:2].tolist() == [0, 0]
        assert mine[2:].tolist() == oracle.tolist()


def test_sums_and_squares_are_exact_on_the_grid() -> None:
    rng = np.random.default_rng(8)
    raw = rng.lognormal(3.0, 2.0, size=500)
    layout = feature_layout(number(edges=EDGES, centre=20.0, scale=16.0))
    tables = _count(layout, income=raw.tolist())
    k, _ = grid.quantise(raw, 20.0, 16.0)
    squares = tables.ints(cells.SQUARES)[0]
    sums = tables.ints(cells.SUMS).sum(axis=0)
    assert int(sums[0]) + (int(sums[1]) << 32) == sum(map(int, k))
    assert sum(int(limb) << (32 * i) for i, limb in enumerate(squares)) == sum(int(x) ** 2 for x in k)


def test_flawed_values_add_nothing_to_sums_and_extremes() -> None:
    layout = feature_layout(number(edges=EDGES, centre=5.0, minimum=1.0, maximum=2.0))
    tables = _count(layout, income=[None, "x", 1.5])
    assert grid.to_float(tables.ints(cells.SUMS)).sum() == -3.5 * grid.GRID
    assert tables.floats(cells.MINIMUM).tolist() == tables.floats(cells.MAXIMUM).tolist() == [1.5]
    assert tables.ints(cells.OUTSIDE).tolist() == [0]


def test_a_column_of_flaws_only_has_no_extremes() -> None:
    tables = _count(feature_layout(number()), income=[None, None])
    assert tables.floats(cells.MINIMUM).tolist() == [np.inf]
    assert tables.floats(cells.MAXIMUM).tolist() == [-np.inf]


def test_the_envelope_includes_both_of_its_bounds() -> None:
    tables = _count(feature_layout(number(minimum=0.0, maximum=1.0)), income=[-0.1, 0.0, 0.5, 1.0, 1.1, None])
    assert tables.ints(cells.OUTSIDE).tolist() == [2]


def test_a_value_beyond_the_grid_is_clipped_and_counted() -> None:
    tables = _count(feature_layout(number(centre=0.0, scale=1.0)), income=[4096.0, 4097.0, 1e300, -1e300])
    assert tables.ints(cells.CLIPPED).tolist() == [3]


def test_the_unseen_names_with_the_smallest_hashes_are_kept() -> None:
    names = [f"name-{i}" for i in range(40)]
    tables = _count(feature_layout(category()), purpose=[*names, *names, "car"])
    expected = sorted((name_hash(name), name) for name in names)[: cells.NAMES_KEPT]
    assert [(int(h), n.decode()) for h, n in tables[cells.UNSEEN][0]] == expected


def test_codes_are_counted_at_their_columns_offset() -> None:
    layout = feature_layout(category("a", ("x", "y")), category("b", ("z",)))
    counted = _count(layout, a=["x", "y", "y", None], b=["z", "z", "", 2.5]).ints(cells.CATEGORICAL)
    assert counted[:4].tolist() == [1, 0, 1, 2]
    assert counted[layout.categorical_offsets[1] :][:3].tolist() == [1, 1, 2]


@pytest.mark.parametrize("columns", [(), (number(),), (category(),)])
def test_the_specs_name_exactly_the_tables_that_are_filled(columns: tuple[object, ...]) -> None:
    layout = feature_layout(*columns)  # type: ignore[arg-type]
    tables = _count(layout, income=[1.0], purpose=["car"])
    assert tuple(tables.specs.values()) == CellTally().specs(layout)


def test_no_event_gives_the_neutral_tables() -> None:
    layout = feature_layout(number(), category())
    some = _count(layout, income=[1.0], purpose=["car"])
    none = _count(layout, income=[], purpose=[])
    assert (some + none).to_bytes() == some.to_bytes()


_INCOMES = st.one_of(st.none(), st.floats(allow_nan=True), st.just("x"))
_PURPOSES = st.one_of(st.none(), st.sampled_from(["car", "home", "a", "b", "c", "d"]), st.text(max_size=2))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(_INCOMES, _PURPOSES), min_size=1, max_size=40), st.randoms(use_true_random=False), st.data())
def test_any_order_and_any_split_give_the_same_bytes(
    rows: list[tuple[object, object]], random: object, data: st.DataObject
) -> None:
    layout = feature_layout(number(minimum=0.0), category())

    def count(part: list[tuple[object, object]]) -> Tables:
        return _count(layout, income=[row[0] for row in part], purpose=[row[1] for row in part])

    whole = count(rows)
    shuffled = list(rows)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    cut = data.draw(st.integers(0, len(rows)))
    parts = [count(shuffled[cut:]), count(shuffled[:cut])]
    assert total(parts).to_bytes() == whole.to_bytes()


def test_the_mean_of_a_cell_is_that_of_its_values() -> None:
    rng = np.random.default_rng(9)
    raw = rng.uniform(0, 3, size=3000)
    layout = feature_layout(number(edges=EDGES, centre=1.5, scale=1.0))
    tables = _count(layout, income=raw.tolist())
    sums = grid.to_float(tables.ints(cells.SUMS)) / grid.GRID
    counts = tables.ints(cells.NUMERIC)
    for i in range(3):
        inside = raw[(raw >= i) & (raw < i + 1)]
        assert 1.5 + sums[3 + i] / counts[3 + i] == pytest.approx(inside.mean(), rel=1e-9)
        exact = sum((Fraction(x) for x in inside), Fraction()) / len(inside)
        assert abs(Fraction(1.5 + sums[3 + i] / counts[3 + i]) - exact) < Fraction(1, 10**8)
