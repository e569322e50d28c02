"""The window benchmark compares like with like."""

from __future__ import annotations

import numpy as np

from bench import events, windows
from detectors.layout import FIRST_VALUE


def test_the_detectors_count_exactly_what_plain_bincounts_count() -> None:
    data = events.rows(2_000)
    layout = windows.layout_of(events.rows(5_000, seed=1))
    rows = windows.rows_of(data, layout)
    plain = windows.plain_bincounts(rows.columns, layout)()
    column = next(i for i, one in enumerate(layout.numeric) if one.name == "x03")
    counted = np.concatenate([np.zeros(FIRST_VALUE - 1, dtype=np.int64), np.asarray(plain[column])])
    assert rows.columns.numeric.shape[1] == len(data)
    assert np.asarray(plain[column]).sum() == len(data)
    assert len(counted) <= layout.numeric[column].cells


def test_every_family_measures_something() -> None:
    layout = windows.layout_of(events.rows(5_000, seed=1))
    tables = windows.count(windows.rows_of(events.rows(2_000), layout), layout)
    measured = {found.metric for found in windows.measure(tables, tables, layout)}
    assert {"js_distance", "missing_share", "roc_auc", "demographic_parity_difference"} <= measured


def test_the_fastest_of_several_calls_counts() -> None:
    assert windows.fastest(lambda: None) < 0.01
