from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.layout import name_hash
from detectors.measurement import Measurement, Stage, Track
from detectors.quality import Quality
from detectors.tables import Tables
from tests.detectors.events import category, feature_layout, number
from tests.detectors.populations import most_allowed
from tests.detectors.windows_of import count, frame, one

LAYOUT = feature_layout(
    number("x", minimum=0.0, maximum=10.0),
    number("optional", required=False),
    category("c", rare=(name_hash("boat"),)),
    category("declared", ("a", "b"), closed=True),
    category("unknown", ()),
)


def _window(n: int = 100, **features: list[object]) -> Tables:
    sound: dict[str, list[object]] = {
        "x": [1.0] * n,
        "optional": [1.0] * n,
        "c": ["car"] * n,
        "declared": ["a"] * n,
        "unknown": ["u"] * n,
    }
    return count(LAYOUT, {**sound, **features})


def _measure(window: Tables, reference: Tables | None = None, **more: object) -> list[Measurement]:
    return list(Quality().measure(window, frame(LAYOUT, reference, **more)))


def test_shares_count_what_their_names_say() -> None:
    found = _measure(
        _window(
            10,
            x=[None, None, None, "?", 11.0, -1.0, 10.0, 0.0, 1.0, 1.0],
            c=["plane", "ship", "boat", None, 2.5, "car", "car", "car", "car", "car"],
        )
    )
    assert one(found, "missing_share", "x").value == 0.3
    assert one(found, "invalid_share", "x").value == 0.1
    assert one(found, "unusable_share", "x").value == 0.4
    assert one(found, "unusable_share_severe", "x").value == 0.4
    assert one(found, "envelope_share", "x").value == 0.2
    assert one(found, "missing_share", "c").value == 0.1
    assert one(found, "invalid_share", "c").value == 0.1
    assert one(found, "unseen_share", "c").value == 0.2


def test_a_missing_value_of_an_optional_column_is_usable_and_an_invalid_one_is_not() -> None:
    found = _measure(_window(4, optional=[None, None, "?", 1.0]))
    assert one(found, "missing_share", "optional").value == 0.5
    assert one(found, "unusable_share", "optional").value == 0.25


def test_a_level_that_was_not_declared_is_unseen() -> None:
    assert one(_measure(_window(4, declared=["a", "z", "z", "b"])), "unseen_share", "declared").value == 0.5


def test_where_no_level_is_known_none_is_unseen() -> None:
    found = one(_measure(_window()), "unseen_share", "unknown")
    assert (found.value, found.reason) == (None, "no_reference")


def test_numbers_have_no_unseen_levels_and_only_declared_ranges_an_envelope() -> None:
    found = _measure(_window())
    assert {m.subject for m in found if m.metric == "unseen_share"} == {"c", "declared", "unknown"}
    assert {m.subject for m in found if m.metric == "envelope_share"} == {"x"}


def test_unseen_levels_are_named() -> None:
    found = one(_measure(_window(4, c=["plane", "ship", "plane", "car"])), "unseen_share", "c")
    assert found.detail == (("names", "plane, ship"),)


def test_the_interval_is_wilsons() -> None:
    found = one(_measure(_window(1_000, x=[None] * 30 + [1.0] * 970)), "missing_share", "x")
    z, n, p = 3.0, 1_000, 0.03
    centre, half = p + z * z / (2 * n), z * np.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    assert found.lower == pytest.approx((centre - half) / (1 + z * z / n), rel=1e-12)
    assert found.upper == pytest.approx((centre + half) / (1 + z * z / n), rel=1e-12)


def test_the_effect_is_the_rise_above_the_reference_with_newcombes_interval() -> None:
    reference = _window(5_000, x=[None] * 500 + [1.0] * 4_500)
    window = _window(1_000, x=[None] * 150 + [1.0] * 850)
    found = one(_measure(window, reference), "missing_share", "x")
    before = one(_measure(reference), "missing_share", "x")
    assert found.baseline == 0.1
    assert found.effect == pytest.approx(0.05, rel=1e-12)
    lower = 0.05 - np.hypot(0.15 - found.lower, before.upper - 0.1)  # type: ignore[operator]
    assert found.effect_lower == pytest.approx(lower, rel=1e-12)


def test_without_a_reference_a_share_is_compared_with_nothing_wrong() -> None:
    found = one(_measure(_window(100, x=[None] * 10 + [1.0] * 90)), "unusable_share", "x")
    assert found.baseline is None
    assert (found.effect, found.effect_lower) == (found.value, found.lower)


def test_a_column_that_the_reference_lacked_altogether_is_compared_with_nothing_wrong() -> None:
    layout_only = count(LAYOUT, {"x": []})
    assert one(_measure(_window(), layout_only), "missing_share", "x").effect == 0.0


def test_phi_widens_the_interval() -> None:
    window = _window(1_000, x=[None] * 30 + [1.0] * 970)
    plain = one(_measure(window), "unusable_share", "x")
    inflated = one(_measure(window, phi={("unusable_share", "x"): 4.0}), "unusable_share", "x")
    assert inflated.effect_lower < plain.effect_lower  # type: ignore[operator]
    assert inflated.value == plain.value


@pytest.mark.parametrize("window", [Tables({}, {}), count(LAYOUT, {"x": []})])
def test_a_window_without_events_yields_nothing(window: Tables) -> None:
    assert _measure(window, _window()) == []


def test_quality_is_not_measured_again_when_labels_are_due() -> None:
    assert _measure(_window(), stage=Stage.LABELS) == []


def test_one_point_is_a_ticket_and_twenty_points_are_harm() -> None:
    rules = {rule.metric: (rule.track, rule.tolerance, rule.open_after) for rule in Quality().rules}
    assert rules["unusable_share"] == (Track.HEALTH, 0.01, 2)
    assert rules["unusable_share_severe"] == (Track.HARM, 0.20, 1)
    assert rules["unseen_share"] == (Track.HEALTH, 0.01, 2)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.one_of(st.none(), st.just("?"), st.floats(-20, 20)), min_size=1, max_size=30))
def test_shares_equal_those_counted_by_hand(raw: list[object]) -> None:
    found = _measure(_window(len(raw), x=raw))
    numbers = [value for value in raw if isinstance(value, float)]
    assert one(found, "missing_share", "x").value == pytest.approx(raw.count(None) / len(raw))
    assert one(found, "invalid_share", "x").value == pytest.approx(raw.count("?") / len(raw))
    outside = sum(not 0.0 <= value <= 10.0 for value in numbers)
    assert one(found, "envelope_share", "x").value == pytest.approx(outside / len(raw))


@pytest.mark.parametrize(
    ("n", "before"), [(200, 0.0005), (2_000, 0.02), pytest.param(10_000, 0.3, marks=pytest.mark.slow)]
)
def test_a_rise_of_exactly_the_tolerance_breaches_no_more_often_than_the_docs_say(n: int, before: float) -> None:
    runs = 5_000
    reference = _window(50_000, x=[None] * round(50_000 * before) + [1.0] * round(50_000 * (1 - before)))
    drawn = np.random.default_rng(81).binomial(n, before + 0.01, size=runs)
    breaches = 0
    for missing, times in zip(*(part.tolist() for part in np.unique(drawn, return_counts=True)), strict=True):
        if missing <= n * (before + 0.01):
            continue  # no rise above the tolerance, no breach
        found = one(_measure(_window(n, x=[None] * missing + [1.0] * (n - missing)), reference), "unusable_share", "x")
        breaches += times * (found.effect_lower > 0.01)  # type: ignore[operator]
    assert breaches <= most_allowed(runs, 0.0055)
