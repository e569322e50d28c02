"""What the performance family decides: baselines, effects, what blocks, what informs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from detectors.columns import Labelled
from detectors.groups import Groups
from detectors.measurement import Measurement, Stage
from detectors.outcomes import Outcomes
from detectors.performance import Performance, primary
from tests.detectors.labelled_samples import (
    Sample,
    binary_layout,
    binary_sample,
    by_key,
    frame,
    multiclass_sample,
    regression_sample,
)

REFERENCE = binary_sample(21, 20_000)


def measure(
    window: Sample, reference: Sample | None = REFERENCE, **changes: object
) -> dict[tuple[str, str], Measurement]:
    tables = None if reference is None else reference.tables
    return by_key(Performance().measure(window.tables, frame(window.layout, tables, **changes)))


def relabelled(sample: Sample, truth: np.ndarray) -> Sample:
    row = sample.labelled
    return Sample(sample.layout, Labelled(truth, row.prediction, row.scores, row.groups, row.bucket))


def test_nothing_is_measured_before_the_labels_are_due() -> None:
    assert measure(REFERENCE.take(slice(500)), stage=Stage.WINDOW) == {}


def test_the_primary_measure_is_auc_then_balanced_accuracy_then_mae() -> None:
    assert primary(binary_layout()) == "roc_auc"
    assert primary(binary_layout(scored=False)) == "balanced_accuracy"
    assert primary(multiclass_sample(1, 5).layout) == "balanced_accuracy"
    assert primary(regression_sample(1, 5).layout) == "mae"


def test_only_the_primary_and_the_tickets_have_an_effect() -> None:
    found = measure(binary_sample(22, 3000))
    assert {metric for (metric, _), m in found.items() if m.effect is not None} == {
        "label_coverage",
        "roc_auc",
        "accuracy",
        "recall",
        "f1_at_reference_prevalence",
        "precision_at_reference_prevalence",
    }


def test_a_weaker_model_shows_as_a_drop_of_auc_whose_interval_excludes_the_tolerance() -> None:
    drop = measure(binary_sample(23, 10_000, signal=0.9))["roc_auc", ""]
    assert drop.baseline is not None
    assert drop.value is not None
    assert drop.effect == pytest.approx(drop.baseline - drop.value)
    assert drop.effect_lower is not None
    assert drop.effect_lower > 0.02
    assert drop.resolution == pytest.approx(drop.effect - drop.effect_lower)


def test_a_shift_of_the_prior_moves_raw_f1_but_not_f1_at_the_references_prevalence() -> None:
    pool = binary_sample(24, 40_000)
    positive = np.flatnonzero(pool.labelled.truth == 1)[:1000]
    negative = np.flatnonzero(pool.labelled.truth == 0)[:18_000]
    found = measure(pool.take(np.concatenate((positive, negative))))
    f1, weighted = found["f1", ""], found["f1_at_reference_prevalence", ""]
    assert f1.value is not None
    assert f1.baseline is not None
    assert f1.value < f1.baseline - 0.2
    assert weighted.effect == pytest.approx(0.0, abs=0.03)
    assert f1.effect is None
    ap, at_prevalence = found["pr_auc", ""], found["pr_auc_at_reference_prevalence", ""]
    assert ap.value is not None
    assert at_prevalence.value is not None
    assert at_prevalence.value > ap.value + 0.2


def test_the_interval_of_the_effect_holds_the_references_uncertainty() -> None:
    window = binary_sample(25, 5000)
    small, large = (measure(window, REFERENCE.take(slice(n)))["roc_auc", ""] for n in (1000, 20_000))
    assert small.resolution is not None
    assert large.resolution is not None
    assert small.resolution > 1.5 * large.resolution


def test_without_a_reference_deciding_measures_say_so() -> None:
    found = measure(binary_sample(26, 1000), None)
    assert found["roc_auc", ""].value is not None
    assert found["roc_auc", ""].effect is None
    assert found["roc_auc", ""].blocked == "no_reference"


def test_a_reference_without_labels_is_no_reference_for_performance() -> None:
    window = binary_sample(26, 1000)
    unlabelled = Groups().count(REFERENCE.columns, REFERENCE.layout)
    found = by_key(Performance().measure(window.tables, frame(window.layout, unlabelled)))
    assert found["roc_auc", ""].blocked == "no_reference"


def test_a_stated_baseline_is_compared_with_as_a_known_value() -> None:
    found = measure(binary_sample(26, 5000), None, baseline={"roc_auc": 0.95})["roc_auc", ""]
    assert found.value is not None
    assert found.lower is not None
    assert found.effect == pytest.approx(0.95 - found.value)
    assert found.effect_upper == pytest.approx(0.95 - found.lower)
    assert found.blocked is None


def test_fewer_than_30_labels_of_a_class_do_not_decide_an_auc() -> None:
    pool = binary_sample(27, 3000)
    positive, negative = (np.flatnonzero(pool.labelled.truth == k) for k in (1, 0))
    few, enough = (pool.take(np.concatenate((positive[:n], negative[:300]))) for n in (29, 30))
    assert measure(few)["roc_auc", ""].blocked == "too_few_labels"
    assert measure(enough)["roc_auc", ""].blocked is None


def test_a_window_of_one_class_has_no_auc_and_no_recall_of_the_other() -> None:
    pool = binary_sample(28, 1000)
    found = measure(pool.take(np.flatnonzero(pool.labelled.truth == 0)))
    assert (found["roc_auc", ""].value, found["roc_auc", ""].reason) == (None, "too_few_labels")
    assert (found["recall", ""].value, found["recall", ""].reason) == (None, "too_few_labels")


def test_a_window_without_labels_names_that_and_nothing_else() -> None:
    window = binary_sample(29, 100)
    tables = Groups().count(window.columns, window.layout)
    empty = Outcomes().count(window.take(slice(0)).labelled, window.layout)
    found = by_key(Performance().measure(tables + empty, frame(window.layout, REFERENCE.tables)))
    assert found["roc_auc", ""].reason == "no_labels"
    assert [metric for metric, _ in found if metric != "label_coverage"] == ["roc_auc"]


def test_balanced_accuracy_covers_the_classes_with_30_labels_against_the_same_classes_of_the_reference() -> None:
    reference, pool = multiclass_sample(30, 20_000, scored=False), multiclass_sample(31, 6000, scored=False)
    rare = np.flatnonzero(pool.labelled.truth == 0)[:20]
    window = pool.take(np.concatenate((rare, np.flatnonzero(pool.labelled.truth > 0))))
    found = measure(window, reference)["balanced_accuracy", ""]

    def mean_recall(sample: Sample) -> float:
        truth, prediction = sample.labelled.truth, sample.labelled.prediction
        return float(np.mean([(prediction == k)[truth == k].mean() for k in (1, 2, 3)]))

    assert found.value == pytest.approx(mean_recall(window))
    assert found.baseline == pytest.approx(mean_recall(reference))
    assert found.blocked is None


def test_balanced_accuracy_is_blocked_where_the_covered_classes_hold_less_than_80_percent() -> None:
    reference, pool = multiclass_sample(30, 20_000, scored=False), multiclass_sample(31, 6000, scored=False)
    common = np.flatnonzero(pool.labelled.truth == 3)[:20]
    window = pool.take(np.concatenate((common, np.flatnonzero(pool.labelled.truth < 3))))
    assert measure(window, reference)["balanced_accuracy", ""].blocked == "too_few_labels"


def test_the_effect_on_mae_is_the_relative_rise() -> None:
    found = measure(regression_sample(32, 5000, noise=2.6), regression_sample(33, 20_000))["mae", ""]
    assert found.value is not None
    assert found.baseline is not None
    assert found.effect == pytest.approx(found.value / found.baseline - 1)
    assert found.effect_lower is not None
    assert 0.15 < found.effect_lower < found.effect


def test_provisional_values_are_shown_and_never_decide() -> None:
    found = measure(binary_sample(34, 1000), provisional=True)
    assert all(m.blocked == "provisional" for m in found.values())
    assert found["roc_auc", ""].value is not None


def test_phi_widens_the_interval_by_its_root() -> None:
    window = binary_sample(35, 20_000)
    plain, wide = (measure(window, phi={("accuracy", ""): phi})["accuracy", ""] for phi in (1.0, 4.0))
    assert wide.resolution == pytest.approx(2 * plain.resolution, rel=0.02)  # type: ignore[operator]


def test_a_class_that_was_never_declared_counts_as_wrong_for_accuracy() -> None:
    window = binary_sample(36, 1000, layout=binary_layout(scored=False))
    other = relabelled(window, np.full(1000, 2.0))
    assert measure(other, None)["accuracy", ""].value == 0.0


def test_an_alike_crowd_of_events_shows_in_the_design_effect() -> None:
    window = binary_sample(37, 800)
    rows = np.repeat(np.arange(800), 12)
    copies = window.take(rows)
    assert float(dict(measure(copies)["brier", ""].detail)["design_effect"]) > 4
    assert float(dict(measure(window)["brier", ""].detail)["design_effect"]) < 3


def test_the_measurements_of_a_seeded_window_are_these() -> None:
    found = measure(binary_sample(38, 4000))
    golden = {
        "accuracy": (0.771250000, 0.750730447, 0.790551668),
        "roc_auc": (0.849461050, 0.829007788, 0.867857761),
        "f1": (0.667876588, 0.636138812, 0.698159577),
        "mcc": (0.501127685, 0.456691069, 0.545564302),
        "log_loss": (0.450956267, 0.429617307, 0.473355126),
        "calibration_error": (0.070636025, 0.000000000, 0.099982283),
    }
    for metric, expected in golden.items():
        m = found[metric, ""]
        assert (m.value, m.lower, m.upper) == pytest.approx(expected, abs=1e-8), metric


def test_measuring_changes_nothing() -> None:
    window = binary_sample(39, 500)
    before = window.tables
    bytes_before = before.to_bytes()
    first = list(Performance().measure(before, frame(window.layout, REFERENCE.tables)))
    second = list(Performance().measure(before, frame(window.layout, REFERENCE.tables)))
    assert first == second
    assert before.to_bytes() == bytes_before
    assert replace(first[0]) == second[0]
