"""Every performance measure against scikit-learn on the raw rows."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics as sk

from detectors.measurement import Measurement
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

EXACT = 1e-9


def measure(sample: Sample) -> dict[tuple[str, str], Measurement]:
    return by_key(Performance().measure(sample.tables, frame(sample.layout, sample.tables)))


BINARY = binary_sample(11, 3000)
TRUTH, PREDICTION, SCORE = BINARY.labelled.truth, BINARY.labelled.prediction, BINARY.labelled.scores[0]


@pytest.mark.parametrize(
    ("metric", "expected"),
    [
        ("accuracy", sk.accuracy_score(TRUTH, PREDICTION)),
        ("balanced_accuracy", sk.balanced_accuracy_score(TRUTH, PREDICTION)),
        ("precision", sk.precision_score(TRUTH, PREDICTION)),
        ("recall", sk.recall_score(TRUTH, PREDICTION)),
        ("specificity", sk.recall_score(TRUTH, PREDICTION, pos_label=0)),
        ("f1", sk.f1_score(TRUTH, PREDICTION)),
        ("mcc", sk.matthews_corrcoef(TRUTH, PREDICTION)),
        ("log_loss", sk.log_loss(TRUTH, SCORE)),
        ("brier", sk.brier_score_loss(TRUTH, SCORE)),
        ("f1_at_reference_prevalence", sk.f1_score(TRUTH, PREDICTION)),  # the window is its own reference here
        ("precision_at_reference_prevalence", sk.precision_score(TRUTH, PREDICTION)),
    ],
)
def test_binary_measures_are_those_of_scikit_learn(metric: str, expected: float) -> None:
    assert measure(BINARY)[metric, ""].value == pytest.approx(expected, abs=EXACT)


def test_binary_areas_are_those_of_scikit_learn_on_the_cells_and_near_them_on_the_raw_scores() -> None:
    found = measure(BINARY)
    cell = np.searchsorted(BINARY.layout.score_edges, SCORE, side="right")
    assert found["roc_auc", ""].value == pytest.approx(sk.roc_auc_score(TRUTH, cell), abs=EXACT)
    assert found["pr_auc", ""].value == pytest.approx(sk.average_precision_score(TRUTH, cell), abs=EXACT)
    bound = float(dict(found["roc_auc", ""].detail)["cell_error_at_most"])
    assert found["roc_auc", ""].value == pytest.approx(sk.roc_auc_score(TRUTH, SCORE), abs=bound)
    detail = dict(found["pr_auc", ""].detail)
    raw = sk.average_precision_score(TRUTH, SCORE)
    assert float(detail["cells_lower"]) <= raw <= float(detail["cells_upper"])


@pytest.mark.parametrize("classes", [4, 40])
def test_multiclass_measures_are_those_of_scikit_learn(classes: int) -> None:
    sample = multiclass_sample(12, 5000, classes)
    truth, prediction = sample.labelled.truth, sample.labelled.prediction
    found = measure(sample)
    assert found["accuracy", ""].value == pytest.approx(sk.accuracy_score(truth, prediction), abs=EXACT)
    assert found["mcc", ""].value == pytest.approx(sk.matthews_corrcoef(truth, prediction), abs=EXACT)
    for average in ("macro", "weighted", "micro"):
        scores = sk.precision_recall_fscore_support(truth, prediction, average=average, zero_division=0)[:3]
        for metric, expected in zip(("precision", "recall", "f1"), scores, strict=True):
            assert found[f"{metric}_{average}", ""].value == pytest.approx(expected, abs=EXACT)
    per_class = sk.precision_recall_fscore_support(truth, prediction, labels=range(classes), zero_division=np.nan)[:3]
    for metric, values in zip(("precision", "recall", "f1"), per_class, strict=True):
        for name, expected in zip(sample.layout.classes, values, strict=True):
            value = found[metric, name].value
            assert (np.nan if value is None else value) == pytest.approx(expected, abs=EXACT, nan_ok=True)
    losses = sk.log_loss(truth, sample.labelled.scores.T, labels=range(classes))
    assert found["log_loss", ""].value == pytest.approx(losses, abs=EXACT)


def test_multiclass_areas_are_those_of_scikit_learn_on_the_cells() -> None:
    sample = multiclass_sample(13, 4000)
    truth, found = sample.labelled.truth, measure(sample)
    cells = np.searchsorted(sample.layout.score_edges, sample.labelled.scores, side="right")
    areas = [sk.roc_auc_score(truth == k, cells[k]) for k in range(4)]
    for name, area in zip(sample.layout.classes, areas, strict=True):
        assert found["roc_auc", name].value == pytest.approx(area, abs=EXACT)
    shares = [(truth == k).mean() for k in range(4)]
    assert found["roc_auc", ""].value == pytest.approx(np.mean(areas), abs=EXACT)
    assert found["roc_auc_weighted", ""].value == pytest.approx(np.average(areas, weights=shares), abs=EXACT)


def test_balanced_accuracy_of_multiclass_is_that_of_scikit_learn() -> None:
    sample = multiclass_sample(14, 4000)
    expected = sk.balanced_accuracy_score(sample.labelled.truth, sample.labelled.prediction)
    assert measure(sample)["balanced_accuracy", ""].value == pytest.approx(expected, abs=EXACT)


def test_regression_measures_are_those_of_scikit_learn() -> None:
    sample = regression_sample(15, 3000)
    truth, prediction, found = sample.labelled.truth, sample.labelled.prediction, measure(sample)
    expected = {
        "mean_error": (prediction - truth).mean(),
        "mae": sk.mean_absolute_error(truth, prediction),
        "rmse": sk.root_mean_squared_error(truth, prediction),
        "mape": sk.mean_absolute_percentage_error(truth, prediction),
        "smape": (2 * abs(prediction - truth) / (abs(truth) + abs(prediction))).mean(),
        "r2": sk.r2_score(truth, prediction),
        "correlation": np.corrcoef(truth, prediction)[0, 1],
    }
    for metric, value in expected.items():
        assert found[metric, ""].value == pytest.approx(value, rel=EXACT), metric


def test_quantiles_of_the_absolute_error_lie_in_the_cell_of_the_raw_quantile() -> None:
    sample = regression_sample(16, 3000)
    size = np.abs(sample.labelled.prediction - sample.labelled.truth)
    found = measure(sample)
    for share in (50, 90, 95):
        measurement = found[f"absolute_error_p{share}", ""]
        detail = {name: float(text) for name, text in measurement.detail}
        raw = float(np.quantile(size, share / 100, method="inverted_cdf"))
        assert detail["cell_lower"] <= raw <= detail["cell_upper"]
        assert measurement.value == pytest.approx(raw, abs=0.3125)


def test_every_interval_of_a_clustered_stream_exists_and_holds_its_value() -> None:
    for sample in (binary_sample(17, 4000, layout=binary_layout(subjects=True)), binary_sample(17, 4000)):
        for measurement in measure(sample).values():
            assert measurement.value is not None
            assert measurement.lower is not None
            assert measurement.upper is not None
            assert measurement.lower <= measurement.value <= measurement.upper
