"""Measures of scores against labels: areas under curves, losses, calibration; formulas in docs/statistics.md."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from detectors import auc, calibration, grid
from detectors.classification import MIN_CLASS_LABELS, Ints, Support
from detectors.estimates import Estimate, Floats, divide
from detectors.jackknife import Jackknife
from detectors.layout import Layout, Task
from detectors.readings import Detail, Reading, Scale, shown_classes, single
from detectors.reasons import NO_LABELS, TOO_FEW_LABELS
from detectors.tables import Tables


def read_scores(tables: Tables, layout: Layout, covered: Support, scale: Scale) -> Iterator[Reading]:
    """Every measure of one side that needs scores."""
    if "outcomes.scores" in tables:
        cells = tables.ints("outcomes.scores")
        jackknife = Jackknife.over(cells[:, 0].sum(axis=(1, 2)), scale.z)
        stacked = jackknife.stack(cells).astype(np.float64)
        yield from _areas(stacked, layout, scale, jackknife)
        if layout.task is Task.BINARY:
            yield from _precision_areas(stacked[:, 0], layout, covered, scale, jackknife)
        yield from _calibration(stacked, tables.ints("outcomes.score_sums"), scale, jackknife)
    if "outcomes.losses" in tables:
        yield from _losses(tables, scale)


def _areas(stacked: Floats, layout: Layout, scale: Scale, jackknife: Jackknife) -> Iterator[Reading]:
    """ROC AUC one against the rest, per class; for multi-class also their mean and their mean weighted by labels."""
    _, subjects = shown_classes(layout)
    areas = auc.roc_area(stacked)
    for i, subject in enumerate(subjects):
        cells, phi = stacked[0, i], scale.inflation("roc_auc", subject)
        jackknifed = scale.clustered
        estimate = jackknife.logit(areas[:, i], phi) if jackknifed else auc.delong_estimate(cells, scale.z, phi)
        bound = (("cell_error_at_most", f"{float(auc.half_bound(cells)):.3g}"),)
        yield _area("roc_auc", subject, estimate, cells, bound)
    if layout.task is Task.MULTICLASS:
        yield from _mean_areas(stacked, areas, scale, jackknife)


def _area(metric: str, subject: str, estimate: Estimate, cells: Floats, detail: Detail = ()) -> Reading:
    """An area of one class; it decides from 30 labels of both classes on."""
    enough = cells.sum(axis=-1).min() >= MIN_CLASS_LABELS
    return single(
        metric,
        estimate,
        int(cells.sum()),
        subject=subject,
        reason=TOO_FEW_LABELS,
        blocked=None if enough else TOO_FEW_LABELS,
        detail=detail,
    )


def _mean_areas(stacked: Floats, areas: Floats, scale: Scale, jackknife: Jackknife) -> Iterator[Reading]:
    labelled = stacked[:, :, 1].sum(axis=-1)
    present = ~np.isnan(areas[0])
    n = int(stacked[0, 0].sum())
    weights = {"roc_auc": np.ones_like(labelled[:, present]), "roc_auc_weighted": labelled[:, present]}
    for metric, weight in weights.items():
        mean = divide((areas[:, present] * weight).sum(axis=1), weight.sum(axis=1))
        yield single(metric, jackknife.logit(mean, scale.inflation(metric, "")), n, reason=TOO_FEW_LABELS)


def _precision_areas(
    cells: Floats, layout: Layout, covered: Support, scale: Scale, jackknife: Jackknife
) -> Iterator[Reading]:
    """Average precision as observed, and at the reference's prevalence."""
    low, high = auc.precision_bounds(cells[0])
    bounds = (("cells_lower", f"{float(low):.6g}"), ("cells_upper", f"{float(high):.6g}"))
    raw = jackknife.logit(auc.average_precision(cells), scale.inflation("pr_auc", ""))
    yield _area("pr_auc", "", raw, cells[0], bounds)
    name = "pr_auc_at_reference_prevalence"
    share = covered.shares[covered.classes == layout.positive_code]
    if len(covered.classes) < 2 or not len(share):
        return
    weighted = auc.average_precision(cells, float(share[0]))
    yield _area(name, "", jackknife.logit(weighted, scale.inflation(name, "")), cells[0])


def _calibration(stacked: Floats, score_sums: Ints, scale: Scale, jackknife: Jackknife) -> Iterator[Reading]:
    """Root of the debiased squared calibration error, and the plain ECE; for multi-class over the classes' means."""
    sums = grid.to_float(jackknife.stack(score_sums)) / grid.GRID
    n = int(stacked[0, 0].sum())
    squared = calibration.squared_error(stacked, sums).mean(axis=1)
    estimate = jackknife.estimate(squared, scale.inflation("calibration_error", ""))
    rooted = Estimate(*(np.sqrt(np.maximum(part, 0.0)) for part in estimate))
    yield single("calibration_error", rooted, n)
    plain = calibration.expected_calibration_error(stacked, sums).mean(axis=1)
    expected = float(calibration.expected_under_calibration(stacked[:1], sums[:1]).mean())
    name = "expected_calibration_error"
    estimate = jackknife.estimate(plain, scale.inflation(name, ""), low=0.0)
    yield single(name, estimate, n, expected=None if np.isnan(expected) else expected)


def _losses(tables: Tables, scale: Scale) -> Iterator[Reading]:
    rows = tables.ints("outcomes.losses")
    jackknife = Jackknife.over(rows, scale.z)
    for metric in ("log_loss", "brier"):
        yield mean_of_sums(
            metric,
            tables.ints(f"outcomes.{metric}"),
            tables.ints(f"outcomes.{metric}_squares"),
            rows,
            scale,
            jackknife,
        )


def mean_of_sums(
    metric: str, sums: Ints, squares: Ints, rows: Ints, scale: Scale, jackknife: Jackknife, unit: float = 1.0
) -> Reading:
    """Mean of a positive quantity kept as limbs by sub-table, in units of ``unit``.

    The detail names the design effect: the jackknife's variance over that of independent events; far above 1, the events
    of one subject are alike.
    """
    n = jackknife.stack(rows)
    means = divide(grid.to_float(jackknife.stack(sums)) / grid.GRID, n)
    second = divide(grid.to_float(squares.sum(axis=0)) / grid.GRID**2, n[0])
    independent = divide(second - np.square(means[0]), n[0])
    effect = divide(jackknife.variance(means), independent)
    estimate = jackknife.positive(means * unit, scale.inflation(metric, ""))
    detail = () if np.isnan(effect) else (("design_effect", f"{float(effect):.3g}"),)
    return single(metric, estimate, int(n[0]), reason=NO_LABELS, detail=detail)
