from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial import distance

from detectors.cutting import cut_edges
from detectors.drift import Drift
from detectors.layout import Layout
from detectors.measurement import Measurement, Stage
from detectors.tables import Tables, total
from tests.detectors.events import category, feature_layout, number
from tests.detectors.windows_of import count, frame, one

EVERYWHERE = {"js_distance", "psi", "hellinger", "total_variation", "chi_square"}
NUMBERS = {"ks", "wasserstein", "mean_shift", "quantile_shift"}
CATEGORIES = {"linf", "cramers_v"}


def _layout(reference: np.ndarray) -> Layout:
    return feature_layout(number("x", cut_edges(reference), centre=0.0), category("c", ("a", "b", "d")))


def _sides(
    n: int = 2_000, shift: float = 0.0, shares: tuple[float, ...] = (0.5, 0.3, 0.2)
) -> tuple[Layout, Tables, Tables]:
    rng = np.random.default_rng(71)
    reference, window = rng.normal(0, 1, 20_000), rng.normal(shift, 1, n)
    layout = _layout(reference)
    before, after = rng.choice(["a", "b", "d"], 20_000, p=(0.5, 0.3, 0.2)), rng.choice(["a", "b", "d"], n, p=shares)
    return (
        layout,
        count(layout, {"x": window.tolist(), "c": after.tolist()}),
        count(layout, {"x": reference.tolist(), "c": before.tolist()}),
    )


def _measure(window: Tables, layout: Layout, reference: Tables | None, **more: object) -> list[Measurement]:
    return list(Drift().measure(window, frame(layout, reference, **more)))


def test_every_column_has_the_measures_of_its_kind() -> None:
    layout, window, reference = _sides()
    found = _measure(window, layout, reference)
    assert {m.metric for m in found if m.subject == "x"} == EVERYWHERE | NUMBERS
    assert {m.metric for m in found if m.subject == "c"} == EVERYWHERE | CATEGORIES
    assert len(found) == 9 + 7


def test_the_deciding_measure_is_the_jensen_shannon_distance_of_the_cells() -> None:
    layout, window, reference = _sides(shift=0.5)
    found = one(_measure(window, layout, reference), "js_distance", "x")
    x, y = (tables.ints("cells.numeric")[2:] for tables in (window, reference))
    p, q = ((counts + 0.5) / (counts.sum() + len(counts) / 2) for counts in (x, y))
    assert found.value == pytest.approx(distance.jensenshannon(p, q, base=2), rel=1e-9)
    assert found.n == 2_000


def test_no_change_is_within_the_interval_and_a_change_is_above_it() -> None:
    same = one(_measure(*_swap(_sides())), "js_distance", "x")
    moved = one(_measure(*_swap(_sides(shift=1.0))), "js_distance", "x")
    assert same.effect_lower == 0.0
    assert same.effect is not None
    assert same.effect < 0.08
    assert same.value == pytest.approx(same.expected, rel=0.5)
    assert moved.effect_lower is not None
    assert moved.effect_lower > 0.1
    assert moved.p_value is not None
    assert moved.p_value < 1e-6


def _swap(sides: tuple[Layout, Tables, Tables]) -> tuple[Tables, Layout, Tables]:
    return sides[1], sides[0], sides[2]


def test_the_effect_of_a_small_unchanged_window_is_clear_though_its_value_is_above_the_tolerance() -> None:
    found = one(_measure(*_swap(_sides(n=500))), "js_distance", "x")
    assert found.value is not None
    assert found.value > 0.1
    assert found.effect is not None
    assert found.effect < 0.08
    assert found.resolution is not None
    assert found.resolution < 0.1


def test_an_effect_with_an_interval_lies_in_it_and_every_resolution_is_positive() -> None:
    for found in _measure(*_swap(_sides(shift=0.2, shares=(0.4, 0.4, 0.2)))):
        if found.effect is None:
            continue
        assert found.effect_lower is not None
        assert found.effect_upper is not None
        assert found.resolution is not None
        assert found.effect_lower <= found.effect <= found.effect_upper
        assert found.resolution > 0.0


def test_a_new_level_is_drift_and_is_named_as_unseen() -> None:
    layout, window, reference = _sides()
    window = window + count(layout, {"x": [0.0] * 1_000, "c": ["new"] * 1_000})
    found = one(_measure(window, layout, reference), "js_distance", "c")
    assert found.effect_lower is not None
    assert found.effect_lower > 0.1
    assert "unseen levels: 0.0 % to 33.3 %" in dict(found.detail)["moved"]


def test_the_cells_that_moved_most_are_named_first() -> None:
    layout, window, reference = _sides(shares=(0.1, 0.3, 0.6))
    moved = dict(one(_measure(window, layout, reference), "js_distance", "c").detail)["moved"]
    assert moved.startswith(("a: ", "d: "))
    assert "b: " not in moved.split("; ")[0]


def test_missing_and_invalid_values_are_no_drift() -> None:
    layout, window, reference = _sides()
    flawed = window + count(layout, {"x": [None] * 5_000 + ["?"] * 5_000, "c": [None] * 5_000 + [2.5] * 5_000})
    assert _measure(flawed, layout, reference) == _measure(window, layout, reference)


def test_phi_makes_the_lower_end_lower() -> None:
    layout, window, reference = _sides(shift=0.5)
    plain = one(_measure(window, layout, reference), "js_distance", "x")
    inflated = one(_measure(window, layout, reference, phi={("js_distance", "x"): 4.0}), "js_distance", "x")
    assert plain.value == inflated.value
    assert inflated.effect_lower is not None
    assert plain.effect_lower is not None
    assert inflated.effect_lower < plain.effect_lower


def test_without_a_reference_only_the_deciding_measure_answers_and_says_why_not() -> None:
    layout, window, _ = _sides()
    found = _measure(window, layout, None)
    assert {(m.metric, m.subject, m.value, m.reason) for m in found} == {
        ("js_distance", "x", None, "no_reference"),
        ("js_distance", "c", None, "no_reference"),
    }


def test_a_column_without_values_says_so_and_the_others_are_measured() -> None:
    layout, _, reference = _sides()
    window = count(layout, {"x": [None] * 100, "c": ["a"] * 100})
    found = _measure(window, layout, reference)
    assert one(found, "js_distance", "x").reason == "no_values"
    assert one(found, "js_distance", "c").value is not None


def test_a_column_of_which_the_reference_has_no_value_says_so() -> None:
    layout = feature_layout(number("x", edges=()), category("c"))
    reference = count(layout, {"x": [None] * 50, "c": ["car"] * 50})
    found = _measure(count(layout, {"x": [1.0] * 50, "c": ["car"] * 50}), layout, reference)
    assert one(found, "js_distance", "x").reason == "no_reference_values"


def test_a_constant_reference_still_judges_and_says_which_shifts_have_no_unit() -> None:
    layout = feature_layout(number("x", cut_edges(np.full(1_000, 2.0)), centre=2.0))
    reference = count(layout, {"x": [2.0] * 1_000})
    same = _measure(count(layout, {"x": [2.0] * 1_000}), layout, reference)
    moved = _measure(count(layout, {"x": [3.0] * 1_000}), layout, reference)
    assert one(same, "js_distance", "x").effect_lower == 0.0
    assert one(moved, "js_distance", "x").effect_lower > 0.8  # type: ignore[operator]
    for metric in ("mean_shift", "quantile_shift", "wasserstein"):
        assert one(moved, metric, "x").reason == "no_spread_in_reference"


@pytest.mark.parametrize("window", [Tables({}, {}), None])
def test_a_window_without_events_yields_nothing(window: Tables | None) -> None:
    layout, some, reference = _sides()
    empty = count(layout, {"x": [], "c": []}) if window is None else window
    assert _measure(empty, layout, reference) == []
    assert some is not None


def test_drift_is_not_measured_again_when_labels_are_due() -> None:
    layout, window, reference = _sides()
    assert _measure(window, layout, reference, stage=Stage.LABELS) == []


def test_a_single_event_is_measured_without_a_warning() -> None:
    layout, _, reference = _sides()
    found = _measure(count(layout, {"x": [0.1], "c": ["a"]}), layout, reference)
    assert all(m.value is None or np.isfinite(m.value) for m in found)
    assert one(found, "js_distance", "x").resolution > 0.1  # type: ignore[operator]


_EXTREME = st.one_of(st.none(), st.floats(allow_nan=False, allow_infinity=False), st.sampled_from([0.0, 1.0, "x"]))


@settings(max_examples=40, deadline=None)
@given(st.lists(_EXTREME, max_size=15), st.lists(_EXTREME, min_size=1, max_size=15))
def test_whatever_the_values_every_number_is_finite_or_has_a_reason(
    window: list[object], reference: list[object]
) -> None:
    finite = np.array([float(v) for v in reference if isinstance(v, float)])
    layout = feature_layout(number("x", cut_edges(finite) if len(finite) else (), centre=0.0))
    for found in _measure(count(layout, {"x": window}), layout, count(layout, {"x": reference})):
        numbers = [v for v in dataclasses.asdict(found).values() if isinstance(v, float)]
        assert all(np.isfinite(v) for v in numbers)
        assert (found.value is None) == (found.reason is not None)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 300), st.randoms(use_true_random=False))
def test_measurements_do_not_depend_on_order_or_split(cut: int, random: object) -> None:
    rng = np.random.default_rng(72)
    layout, _, reference = _SIDES
    rows = list(zip(rng.normal(0.3, 1, 300).tolist(), rng.choice(["a", "b", "z"], 300).tolist(), strict=True))
    shuffled = list(rows)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    parts = [_count_rows(layout, part) for part in (shuffled[:cut], shuffled[cut:])]
    assert _measure(total(parts), layout, reference) == _measure(_count_rows(layout, rows), layout, reference)


_SIDES = _sides()


def _count_rows(layout: Layout, rows: list[tuple[float, str]]) -> Tables:
    return count(layout, {"x": [row[0] for row in rows], "c": [row[1] for row in rows]})


def test_a_seeded_window_gives_the_recorded_numbers() -> None:
    found = _measure(*_swap(_sides(shift=0.3, shares=(0.4, 0.4, 0.2))))
    recorded = {(m.metric, m.subject): m.value for m in found}
    assert recorded == {key: pytest.approx(value, rel=1e-8) for key, value in GOLDEN.items()}


GOLDEN: dict[tuple[str, str], float] = {
    ("chi_square", "c"): 98.17174726,
    ("chi_square", "x"): 212.5622408,
    ("cramers_v", "c"): 0.06680083943,
    ("hellinger", "c"): 0.08201443542,
    ("hellinger", "x"): 0.1178717637,
    ("js_distance", "c"): 0.09840581961,
    ("js_distance", "x"): 0.1410410953,
    ("ks", "x"): 0.114470796,
    ("linf", "c"): 0.1088681342,
    ("mean_shift", "x"): 0.3128285689,
    ("psi", "c"): 0.05393459068,
    ("psi", "x"): 0.1120291425,
    ("quantile_shift", "x"): 0.2046679643,
    ("total_variation", "c"): 0.1088681342,
    ("total_variation", "x"): 0.1262082411,
    ("wasserstein", "x"): 0.3128362573,
}
