"""Family "performance": how good the predictions were, once their labels are there.

Every measure is read on both sides, window and reference, in the same way. The deciding ones are compared: the effect is the
drop below the reference (for MAE the relative rise), its interval holds the uncertainty of both. One primary measure pages
(ROC AUC of a scored binary model, else balanced accuracy, else MAE); accuracy, recall, and F1 and precision at the
reference's prevalence make a ticket; all others inform.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from detectors.cells import hold_events
from detectors.classification import Support, read_classes, support
from detectors.comparison import CellIndex
from detectors.coverage import blocking, coverages, label_count, measure_coverage
from detectors.estimates import Estimate, difference, exactly, relative_rise
from detectors.family import Frame, InferenceTally, LabelTally
from detectors.groups import Groups
from detectors.layout import Layout, Task
from detectors.layouts import PREDICTION
from detectors.measurement import Measurement, Rule, Stage, Track
from detectors.outcomes import Outcomes
from detectors.readings import Reading, Scale
from detectors.reasons import NO_LABELS, NO_PREDICTIONS, NO_REFERENCE, PROVISIONAL, TOO_FEW_LABELS
from detectors.regression import read_errors
from detectors.scores import read_scores
from detectors.tables import Tables

ERRORS = ("log_loss", "brier", "calibration_error", "expected_calibration_error", "mae", "rmse", "mape", "smape")
TICKETS = ("accuracy", "recall", "f1_at_reference_prevalence", "precision_at_reference_prevalence")
MEASURES = (
    "label_coverage",
    "roc_auc", "roc_auc_weighted", "pr_auc", "pr_auc_at_reference_prevalence", "log_loss", "brier", "calibration_error",
    "expected_calibration_error",
    "accuracy", "balanced_accuracy", "precision", "precision_at_reference_prevalence", "recall", "specificity", "f1",
    "f1_at_reference_prevalence", "mcc",
    *(f"{metric}_{mean}" for metric in ("precision", "recall", "f1") for mean in ("macro", "weighted", "micro")),
    "mae", "mean_error", "rmse", "mape", "smape", "r2", "correlation",
    "absolute_error_p50", "absolute_error_p90", "absolute_error_p95",
)  # fmt: skip


def _harm(metric: str, tolerance: float, minimum_n: int) -> Rule:
    return Rule(metric, "performance", Track.HARM, tolerance, 1, 2, minimum_n, auto=True, stage=Stage.LABELS)


class Performance:
    """Measures labelled windows; a window without labels yields its label coverage and named absences."""

    name = "performance"
    tallies: tuple[InferenceTally | LabelTally, ...] = (Groups(), Outcomes())
    measures: tuple[str, ...] = MEASURES
    rules: tuple[Rule, ...] = (
        _harm("roc_auc", 0.02, 60),
        _harm("balanced_accuracy", 0.02, 60),
        _harm("mae", 0.10, 200),
        *(Rule(m, "performance", Track.HEALTH, 0.03, 2, 2, 200, auto=True, stage=Stage.LABELS) for m in TICKETS),
        Rule("label_coverage", "performance", Track.HEALTH, 0.2, 2, 2, 0, stage=Stage.LABELS),
    )

    def measure(self, window: Tables, frame: Frame) -> Iterator[Measurement]:
        if frame.stage is not Stage.LABELS:
            return
        found = coverages(window, frame)
        yield from measure_coverage(found, frame)
        if not label_count(window, frame.layout):
            reason = NO_PREDICTIONS if _lacks_predictions(window, frame.layout) else NO_LABELS
            yield Measurement(primary(frame.layout), reason=reason, direction=direction(primary(frame.layout)))
            return
        yield from _compare(window, frame, blocking(found))


def _lacks_predictions(window: Tables, layout: Layout) -> bool:
    """There are events, and none has a prediction that a label could be held against."""
    index = layout.derived(CellIndex.of)
    if PREDICTION not in index.names or not hold_events(window):
        return False
    return not index.counts(window)[index.names.index(PREDICTION)].any()


def primary(layout: Layout) -> str:
    """The one performance measure that pages."""
    if layout.task is Task.REGRESSION:
        return "mae"
    return "roc_auc" if layout.task is Task.BINARY and layout.scored else "balanced_accuracy"


def decides(layout: Layout, metric: str, subject: str) -> bool:
    """Whether the measure has an effect to judge: the primary and the tickets; of single classes only recall."""
    if subject:
        return metric == "recall"
    return metric == primary(layout) or metric in TICKETS


def direction(metric: str) -> str:
    if metric == "mean_error":
        return "none"
    return "higher_is_worse" if metric in ERRORS or metric.startswith("absolute_error") else "lower_is_worse"


def _compare(window: Tables, frame: Frame, blocked: str | None) -> Iterator[Measurement]:
    reference = frame.reference
    if reference is not None and not label_count(reference, frame.layout):
        reference = None
    covered = None if frame.layout.task is Task.REGRESSION else support(window, reference)
    baselines = {}
    if reference is not None:
        baselines = {(r.metric, r.subject): r for r in _read(reference, covered, frame)}
    for reading in _read(window, covered, frame):
        baseline = _baseline(reading, baselines.get((reading.metric, reading.subject)), reference, frame)
        measurement = informing(reading, baseline)
        if decides(frame.layout, reading.metric, reading.subject):
            measurement = _deciding(measurement, reading, baseline, blocked)
        yield replace(measurement, blocked=PROVISIONAL) if frame.provisional else measurement


def _read(side: Tables, covered: Support | None, frame: Frame) -> Iterator[Reading]:
    """All readings of one side."""
    scale = Scale(frame.z, frame.inflation, frame.layout.subjects)
    if covered is None:
        yield from read_errors(side, frame.layout, scale)
        return
    yield from read_classes(side, frame.layout, covered, scale)
    yield from read_scores(side, frame.layout, covered, scale)


def _baseline(reading: Reading, found: Reading | None, reference: Tables | None, frame: Frame) -> Estimate | None:
    """The reference's reading; without a reference the stated value, which is taken as exact."""
    if found is not None:
        return None if np.isnan(found.value) else found.estimate
    if reference is None and not reading.subject and reading.metric in frame.baseline:
        return exactly(frame.baseline[reading.metric])
    return None


def informing(reading: Reading, baseline: Estimate | None) -> Measurement:
    """The reading as a measurement without an effect."""
    value = number(reading.value)
    return Measurement(
        metric=reading.metric,
        subject=reading.subject,
        value=value,
        reason=reading.reason if value is None else None,
        n=reading.n,
        lower=number(reading.lower),
        upper=number(reading.upper),
        baseline=None if baseline is None else number(baseline.value),
        expected=reading.expected,
        direction=direction(reading.metric),
        detail=reading.detail,
    )


def _deciding(
    measurement: Measurement, reading: Reading, baseline: Estimate | None, blocked: str | None
) -> Measurement:
    blocked = blocked or reading.blocked
    if measurement.value is None:
        return replace(measurement, reason=blocked or measurement.reason, blocked=blocked)
    if baseline is None:
        return replace(measurement, reason=blocked or NO_REFERENCE, blocked=blocked or NO_REFERENCE)
    estimate = reading.estimate
    effect = relative_rise(estimate, baseline) if reading.metric == "mae" else difference(baseline, estimate)
    return with_effect(replace(measurement, blocked=blocked), effect)


def with_effect(measurement: Measurement, effect: Estimate) -> Measurement:
    """The measurement with what is judged; the resolution is the lower half-width of its interval."""
    value, lower, upper = (number(part) for part in effect)
    if value is None or lower is None:
        missing = measurement.blocked or TOO_FEW_LABELS
        return replace(measurement, effect=value, reason=missing, blocked=missing)
    return replace(measurement, effect=value, effect_lower=lower, effect_upper=upper, resolution=value - lower)


def number(value: object) -> float | None:
    """A float, or ``None`` for what is not finite."""
    result = float(value)  # type: ignore[arg-type]
    return result if np.isfinite(result) else None
