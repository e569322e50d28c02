"""Measures of predicted classes against labels; formulas in docs/statistics.md.

All of them follow from the labelled, predicted and hit counts per class, except those at the reference's prevalence, which
weight the rows of the confusion matrix.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detectors.estimates import Estimate, Floats, divide, exactly
from detectors.jackknife import Jackknife
from detectors.layout import Layout, Task
from detectors.outcomes import HIT, LABELLED, PREDICTED
from detectors.readings import Reading, Scale, each, shown_classes, single
from detectors.reasons import TOO_FEW_LABELS, ZERO_DENOMINATOR
from detectors.tables import Tables

MIN_CLASS_LABELS = 30
MIN_SUPPORTED_MASS = 0.8

Ints = NDArray[np.int64]


def margins(tables: Tables) -> Ints:
    """(16, K + 1, 3): labelled, predicted, hit per sub-table and class."""
    if "outcomes.margins" in tables:
        return tables.ints("outcomes.margins")
    confusion = tables.ints("outcomes.confusion")
    hits = np.diagonal(confusion, axis1=1, axis2=2).copy()
    hits[:, -1] = 0
    return np.stack((confusion.sum(axis=2), confusion.sum(axis=1), hits), axis=2)


@dataclass(frozen=True, slots=True)
class Support:
    """The classes that balanced accuracy covers, the same for window and reference.

    Attributes:
        classes: codes of the classes with 30 labels on both sides.
        shares: their shares in the reference's labels (in the window's where there is no reference); they add to 1.
        enough: there are at least two, and they hold 80 % of those labels.
    """

    classes: NDArray[np.intp]
    shares: Floats
    enough: bool


def support(window: Tables, reference: Tables | None) -> Support:
    """What window and reference can both speak of."""
    sides = [margins(tables)[:, :-1, LABELLED].sum(axis=0) for tables in (window, reference) if tables is not None]
    classes = np.flatnonzero(np.min(sides, axis=0) >= MIN_CLASS_LABELS)
    mass = divide(sides[-1], sides[-1].sum())[classes]
    enough = len(classes) >= 2 and bool(mass.sum() >= MIN_SUPPORTED_MASS)
    return Support(classes, divide(mass, mass.sum()), enough)


def read_classes(tables: Tables, layout: Layout, covered: Support, scale: Scale) -> Iterator[Reading]:
    """Every measure of one side that needs no score."""
    counts = margins(tables)
    jackknife = Jackknife.over(counts[:, :, LABELLED].sum(axis=1), scale.z)
    yield _accuracy(counts, scale, jackknife)
    yield _balanced_accuracy(counts, covered, scale, jackknife)
    yield _matthews(counts, scale, jackknife)
    yield from _per_class(counts, layout, scale, jackknife)
    if layout.task is Task.MULTICLASS:
        yield from _averages(counts, scale, jackknife)
    if "outcomes.confusion" in tables:
        yield from _at_prevalence(tables.ints("outcomes.confusion"), layout, covered, scale, jackknife)


def _accuracy(counts: Ints, scale: Scale, jackknife: Jackknife) -> Reading:
    hits, totals = counts[:, :, HIT].sum(axis=1), counts[:, :, LABELLED].sum(axis=1)
    estimate = scale.rate(hits, totals, scale.inflation("accuracy", ""), jackknife)
    return single("accuracy", estimate, int(totals.sum()))


def _balanced_accuracy(counts: Ints, covered: Support, scale: Scale, jackknife: Jackknife) -> Reading:
    """Mean recall of the covered classes."""
    chosen = counts[:, covered.classes]
    return single(
        "balanced_accuracy",
        _mean_recall(chosen[:, :, HIT], chosen[:, :, LABELLED], scale, jackknife),
        int(chosen[:, :, LABELLED].sum()),
        reason=TOO_FEW_LABELS,
        blocked=None if covered.enough else TOO_FEW_LABELS,
    )


def _mean_recall(hits: Ints, labelled: Ints, scale: Scale, jackknife: Jackknife) -> Estimate:
    """Its limits join those of the recalls, independent proportions, by MOVER: the distance of a limit is the root of the
    sum of their squared distances over their number. Where subjects tie the classes together it is a jackknife."""
    classes, phi = hits.shape[1], scale.inflation("balanced_accuracy", "")
    if not classes:
        return exactly(np.nan)
    if scale.clustered:
        recalls = divide(jackknife.stack(hits), jackknife.stack(labelled))
        return jackknife.estimate(recalls.mean(axis=1), phi, 0.0, 1.0)
    recall = scale.rate(hits, labelled, phi, jackknife)
    value = recall.value.mean()
    below, above = (np.sqrt(np.square(limit - recall.value).sum()) / classes for limit in (recall.lower, recall.upper))
    return Estimate(np.asarray(value), np.asarray(value - below), np.asarray(value + above))


def _matthews(counts: Ints, scale: Scale, jackknife: Jackknife) -> Reading:
    """Matthews correlation, for more classes R_K (Gorodkin 2004): covariance of label and prediction indicators."""
    stacked = jackknife.stack(counts).astype(np.float64)
    labelled, predicted, hits = (stacked[..., i] for i in (LABELLED, PREDICTED, HIT))
    n = labelled.sum(axis=1)
    covariance = hits.sum(axis=1) * n - (labelled * predicted).sum(axis=1)
    spread = (np.square(n) - np.square(labelled).sum(axis=1)) * (np.square(n) - np.square(predicted).sum(axis=1))
    estimate = jackknife.estimate(divide(covariance, np.sqrt(spread)), scale.inflation("mcc", ""), low=-1.0, high=1.0)
    return single("mcc", estimate, int(n[0]))


def _per_class(counts: Ints, layout: Layout, scale: Scale, jackknife: Jackknife) -> Iterator[Reading]:
    codes, subjects = shown_classes(layout)
    labelled, predicted, hits = (counts[:, codes, i] for i in (LABELLED, PREDICTED, HIT))
    everything = counts[:, :, LABELLED].sum(axis=1)[:, None]
    pairs = {
        "precision": (hits, predicted),
        "recall": (hits, labelled),
        "specificity": (everything - labelled - predicted + hits, everything - labelled),
    }
    for metric, (part, whole) in pairs.items():
        estimate = scale.rate(part, whole, scale.phi(metric, subjects), jackknife)
        reason = TOO_FEW_LABELS if metric == "recall" else ZERO_DENOMINATOR
        yield from each(metric, subjects, estimate, whole.sum(axis=0), reason)
    f1 = _f1(hits, labelled + predicted - hits, scale.phi("f1", subjects), scale, jackknife)
    yield from each("f1", subjects, f1, labelled.sum(axis=0))


def _f1(hits: Ints, union: Ints, phi: Floats | float, scale: Scale, jackknife: Jackknife) -> Estimate:
    """F1 = 2 J / (1 + J) with J = TP / (TP + FP + FN), a proportion."""
    return Estimate(*(2 * part / (1 + part) for part in scale.rate(hits, union, phi, jackknife)))


def _averages(counts: Ints, scale: Scale, jackknife: Jackknife) -> Iterator[Reading]:
    """Precision, recall and F1 over all declared classes: macro, weighted by labels, micro."""
    stacked = jackknife.stack(counts[:, :-1])
    labelled, predicted, hits = (stacked[..., i].astype(np.float64) for i in (LABELLED, PREDICTED, HIT))
    n = int(counts[:, :, LABELLED].sum())
    present = (labelled + predicted)[0] > 0
    ratios = {
        "precision": _or_zero(hits, predicted),
        "recall": _or_zero(hits, labelled),
        "f1": _or_zero(2 * hits, labelled + predicted),
    }
    for metric, values in ratios.items():
        macro, weighted = f"{metric}_macro", f"{metric}_weighted"
        mean = values[:, present].mean(axis=1) if present.any() else np.full(len(values), np.nan)
        by_label = divide((values * labelled).sum(axis=1), labelled.sum(axis=1))
        yield single(macro, jackknife.estimate(mean, scale.inflation(macro, ""), 0.0, 1.0), n)
        yield single(weighted, jackknife.estimate(by_label, scale.inflation(weighted, ""), 0.0, 1.0), n)
    labels, predictions, hit = (counts[:, :-1, i].sum(axis=1) for i in (LABELLED, PREDICTED, HIT))
    for metric, whole in (("precision_micro", predictions), ("recall_micro", labels)):
        yield single(metric, scale.rate(hit, whole, scale.inflation(metric, ""), jackknife), int(whole.sum()))
    phi = scale.inflation("f1_micro", "")
    yield single("f1_micro", _f1(hit, labels + predictions - hit, phi, scale, jackknife), n)


def _at_prevalence(
    confusion: Ints, layout: Layout, covered: Support, scale: Scale, jackknife: Jackknife
) -> Iterator[Reading]:
    """Precision and F1 as they would be with the reference's class shares, over the covered classes.

    Row i of the confusion matrix is weighted to share_i: a shift of the prior alone leaves these measures where they were.
    """
    rows = jackknife.stack(confusion)[:, covered.classes].astype(np.float64)
    weighted = covered.shares[:, None] * divide(rows, rows.sum(axis=2, keepdims=True))
    predicted = weighted.sum(axis=1)[:, covered.classes]
    hits = np.diagonal(weighted[:, :, covered.classes], axis1=1, axis2=2)
    n = int(confusion[:, covered.classes].sum())
    for name, values in (
        ("precision_at_reference_prevalence", _or_zero(hits, predicted)),
        ("f1_at_reference_prevalence", _or_zero(2 * hits, covered.shares + predicted)),
    ):
        value = _of_positive_or_mean(values, layout, covered)
        estimate = jackknife.estimate(value, scale.inflation(name, ""), 0.0, 1.0)
        yield single(name, estimate, n, reason=TOO_FEW_LABELS, blocked=None if covered.enough else TOO_FEW_LABELS)


def _of_positive_or_mean(values: Floats, layout: Layout, covered: Support) -> Floats:
    """The positive class of a binary task, else the mean over the classes; NaN where they are not covered."""
    chosen = values
    if layout.task is Task.BINARY:
        chosen = values[:, covered.classes == layout.positive_code]
    return chosen.mean(axis=1) if chosen.shape[1] else np.full(len(values), np.nan)


def _or_zero(numerator: Floats, denominator: Floats) -> Floats:
    """0 where the denominator is 0, as scikit-learn's ``zero_division=0``; a row that does not exist stays NaN."""
    safe = np.where(denominator == 0.0, 1.0, denominator)
    return np.where(denominator == 0.0, 0.0, numerator / safe)
