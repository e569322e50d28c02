"""Whatever the rows, every measurement is well formed; and every measure is on its page."""

from __future__ import annotations

import math
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from detectors.bias import Bias
from detectors.columns import Labelled
from detectors.layout import Layout, Task
from detectors.measurement import Measurement, Stage
from detectors.performance import Performance
from tests.detectors.labelled_samples import (
    Sample,
    binary_layout,
    binary_sample,
    by_key,
    frame,
    multiclass_sample,
    regression_sample,
)

MULTICLASS = multiclass_sample(4, 400)
SAMPLES = {
    "scored": binary_sample(1, 400),
    "unscored": binary_sample(2, 400, layout=binary_layout(scored=False)),
    "subjects": binary_sample(3, 400, layout=binary_layout(subjects=True)),
    "multiclass": MULTICLASS,
    "multiclass of subjects": Sample(replace(MULTICLASS.layout, subjects=True), MULTICLASS.labelled),
    "many classes": multiclass_sample(5, 400, classes=40),
    "regression": regression_sample(6, 400),
}
PAGE = Path(__file__).resolve().parents[2] / "docs" / "statistics.md"


def everything(window: Sample, reference: Sample | None) -> list[Measurement]:
    favourable = window.layout.classes[0] if window.layout.classes else None
    found = []
    for stage in Stage:
        tables = None if reference is None else reference.tables
        at = frame(window.layout, tables, stage, favourable=favourable)
        for family in (Performance(), Bias()):
            found += list(family.measure(window.tables, at))
    by_key(found)
    return found


def assert_well_formed(found: Measurement) -> None:
    for part in (found.value, found.lower, found.upper, found.effect, found.effect_lower, found.baseline):
        assert part is None or math.isfinite(part), found
    assert (found.value is not None) or found.reason, found
    if found.value is not None and found.lower is not None and found.upper is not None:
        assert found.lower - 1e-9 <= found.value <= found.upper + 1e-9, found
    if found.effect is not None:
        assert found.effect_lower is not None or found.blocked, found
    if found.effect is not None and found.effect_lower is not None:
        assert found.effect_lower <= found.effect + 1e-9, found
        assert found.resolution is not None, found


@pytest.mark.parametrize("name", SAMPLES)
@settings(max_examples=15, deadline=None)
@given(rows=st.lists(st.integers(0, 399), max_size=40), known=st.booleans())
def test_any_few_rows_give_well_formed_measurements(name: str, rows: list[int], known: bool) -> None:
    sample = SAMPLES[name]
    window = sample.take(np.array(rows, dtype=np.intp))
    for found in everything(window, sample if known else None):
        assert_well_formed(found)


@pytest.mark.parametrize("name", SAMPLES)
def test_a_window_equal_to_its_reference_has_no_effect(name: str) -> None:
    sample = SAMPLES[name]
    for found in everything(sample, sample):
        if found.baseline is not None and found.effect is not None and found.metric not in ("label_coverage",):
            gap = found.value if found.metric.endswith("_difference") else 0.0
            if found.metric == "demographic_parity_ratio":
                continue
            assert found.effect == pytest.approx(gap, abs=1e-9), found


def test_errors_beyond_the_last_cell_have_no_quantile_there() -> None:
    row = regression_sample(7, 500).labelled
    wild = np.where(np.arange(500) < 60, row.truth + 1000.0, row.prediction)
    sample = Sample(regression_sample(7, 1).layout, Labelled(row.truth, wild, row.scores, row.groups, row.bucket))
    found = by_key(Performance().measure(sample.tables, frame(sample.layout)))
    assert found["absolute_error_p50", ""].value is not None
    assert found["absolute_error_p90", ""].reason == "beyond_the_cells"
    assert dict(found["rmse", ""].detail).get("clipped") is None


def test_cells_that_do_not_start_at_zero_have_their_quantiles_too() -> None:
    base = regression_sample(8, 2000)
    layout = Layout(
        task=Task.REGRESSION,
        numeric=(),
        categorical=(),
        error_edges=(1.0, 2.0, 4.0, 30.0),
        target_centre=50.0,
        target_scale=8.0,
    )
    row = base.labelled
    sample = Sample(layout, Labelled(row.truth, row.prediction, row.scores, row.groups[:0], row.bucket))
    found = by_key(Performance().measure(sample.tables, frame(layout)))["absolute_error_p50", ""]
    raw = np.quantile(np.abs(row.prediction - row.truth), 0.5)
    assert found.value == pytest.approx(raw, abs=0.1)


def test_equal_labels_have_no_r2() -> None:
    row = regression_sample(9, 300).labelled
    sample = Sample(
        regression_sample(9, 1).layout,
        Labelled(np.full(300, 42.0), row.prediction, row.scores, row.groups, row.bucket),
    )
    found = by_key(Performance().measure(sample.tables, frame(sample.layout)))
    assert (found["r2", ""].value, found["r2", ""].reason) == (None, "no_spread")
    assert found["mae", ""].value is not None


def test_perfect_predictions_have_a_mae_of_zero_and_a_rise_of_minus_one() -> None:
    row = regression_sample(10, 500).labelled
    perfect = Sample(
        regression_sample(10, 1).layout, Labelled(row.truth, row.truth, row.scores, row.groups, row.bucket)
    )
    found = by_key(Performance().measure(perfect.tables, frame(perfect.layout, regression_sample(11, 5000).tables)))
    assert found["mae", ""].value == 0.0
    assert found["mae", ""].effect == -1.0


def test_every_measure_has_its_heading_on_the_page_of_statistics() -> None:
    headed = {
        name for line in PAGE.read_text().splitlines() if line.startswith("#") for name in re.findall(r"`(\w+)`", line)
    }
    measured = {found.metric for sample in SAMPLES.values() for found in everything(sample, sample)}
    ruled = {rule.metric for family in (Performance(), Bias()) for rule in family.rules}
    assert measured | ruled <= headed
