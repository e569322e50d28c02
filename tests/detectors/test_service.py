from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.encode import encode
from detectors.measurement import Measurement, Stage
from detectors.service import LATENCY_EDGES, Service, ServiceTally
from detectors.tables import Tables, total
from tests.detectors.events import batch, feature_layout
from tests.detectors.windows_of import frame, one

LAYOUT = feature_layout()


def _count(latency: list[object], status: list[object] | None = None) -> Tables:
    values = {"latency_ms": latency, "status": status or [None] * len(latency)}
    return ServiceTally().count(encode(batch(len(latency), values), None, LAYOUT), LAYOUT)


def _measure(window: Tables, reference: Tables | None = None, **more: object) -> list[Measurement]:
    return list(Service().measure(window, frame(LAYOUT, reference, **more)))


def test_volume_is_the_number_of_events() -> None:
    assert one(_measure(_count([None] * 7)), "volume", "").value == 7.0


@pytest.mark.parametrize("window", [Tables({}, {}), _count([])])
def test_an_empty_window_yields_volume_zero_and_nothing_else(window: Tables) -> None:
    assert [(m.metric, m.value) for m in _measure(window)] == [("volume", 0.0)]


def test_the_error_rate_is_the_share_of_failures_above_the_reference() -> None:
    reference = _count([None] * 100, ["error"] * 2 + ["ok"] * 98)
    found = one(_measure(_count([None] * 50, ["timeout"] * 5 + ["ok"] * 45), reference), "error_rate", "")
    assert found.value == 0.1
    assert found.baseline == 0.02
    assert found.effect == pytest.approx(0.08)
    assert found.lower is not None
    assert found.upper is not None
    assert found.lower < 0.1 < found.upper


def test_quantiles_are_within_a_cell_of_numpys() -> None:
    rng = np.random.default_rng(91)
    raw = rng.lognormal(3, 0.8, 5_000)
    found = _measure(_count(raw.tolist()))
    for metric, share in (("latency_p50", 0.5), ("latency_p95", 0.95), ("latency_p99", 0.99)):
        measured = one(found, metric, "")
        assert measured.value == pytest.approx(np.quantile(raw, share), rel=0.02)
        assert measured.lower is not None
        assert measured.upper is not None
        assert measured.lower < measured.value < measured.upper  # type: ignore[operator]
    assert one(found, "latency_mean", "").value == pytest.approx(raw.mean(), rel=1e-9)


def test_a_quantile_never_lies_in_a_gap_that_no_event_fell_into() -> None:
    found = one(_measure(_count([1.0] * 60 + [1000.0] * 40)), "latency_p50", "")
    assert found.value == pytest.approx(1.0, rel=0.08)


def test_latencies_outside_all_cells_end_at_the_extremes() -> None:
    found = _measure(_count([5e6] * 10))
    assert LATENCY_EDGES[-1] <= one(found, "latency_p99", "").value <= 5e6  # type: ignore[operator]
    assert 0.0 <= one(_measure(_count([0.0] * 10)), "latency_p50", "").value <= LATENCY_EDGES[0]  # type: ignore[operator]


def test_events_that_do_not_say_their_latency_have_a_named_reason() -> None:
    assert one(_measure(_count([None] * 3)), "latency_p95", "").reason == "no_latency"


def test_service_is_not_measured_again_when_labels_are_due() -> None:
    assert _measure(_count([1.0]), stage=Stage.LABELS) == []


@settings(max_examples=50, deadline=None)
@given(st.lists(st.one_of(st.none(), st.floats(0, 1e7)), min_size=1, max_size=30), st.integers(0, 30))
def test_any_split_gives_the_same_bytes(raw: list[object], cut: int) -> None:
    parts = [_count(raw[cut:]), _count(raw[:cut])]
    assert total(parts).to_bytes() == _count(raw).to_bytes()


def test_latency_edges_are_increasing_and_thirty_two_to_a_decade() -> None:
    assert (np.diff(LATENCY_EDGES) > 0).all()
    assert len(LATENCY_EDGES) == 8 * 32 + 1
    assert LATENCY_EDGES[::32] == pytest.approx(10.0 ** np.arange(-2, 7))
