"""What values a stated figure can have: a performance measure on its own scale, an effect on that of its tolerance."""

from __future__ import annotations

import math

from detectors.layout import Task

OF_ERRORS = (
    "mae", "mean_error", "rmse", "mape", "smape", "r2", "correlation", "absolute_error_p50", "absolute_error_p90",
    "absolute_error_p95",
)  # fmt: skip
OF_CLASSES = (
    "roc_auc", "roc_auc_weighted", "pr_auc", "pr_auc_at_reference_prevalence", "log_loss", "brier", "calibration_error",
    "expected_calibration_error",
    "accuracy", "balanced_accuracy", "precision", "precision_at_reference_prevalence", "recall", "specificity", "f1",
    "f1_at_reference_prevalence", "mcc",
    *(f"{metric}_{mean}" for metric in ("precision", "recall", "f1") for mean in ("macro", "weighted", "micro")),
)  # fmt: skip
_VALUES = {
    "mean_error": (-math.inf, math.inf),
    "r2": (-math.inf, 1.0),
    "correlation": (-1.0, 1.0),
    "mcc": (-1.0, 1.0),
    "smape": (0.0, 2.0),
    "brier": (0.0, 2.0),
    **dict.fromkeys(
        ("mae", "rmse", "mape", "absolute_error_p50", "absolute_error_p90", "absolute_error_p95", "log_loss"),
        (0.0, math.inf),
    ),
}
UNBOUNDED = frozenset(
    {"mae", "psi", "mean_shift", "quantile_shift", "volume", "latency_p50", "latency_p95", "latency_p99"}
)
"""Deciding measures whose effect has no largest value; that of all others, shares and distances, is 1."""


def performance_of(task: Task) -> tuple[str, ...]:
    """Names of the performance measures that a model of this task has."""
    return OF_ERRORS if task is Task.REGRESSION else OF_CLASSES


def values_of(metric: str) -> tuple[float, float]:
    """Smallest and largest value of a performance measure, both possible."""
    return _VALUES.get(metric, (0.0, 1.0))


def fits(metric: str, value: float) -> bool:
    """Whether a performance measure can have this value."""
    low, high = values_of(metric)
    return low <= value <= high


def largest_effect(metric: str) -> float:
    """The largest effect that a deciding measure can have; a tolerance above it would never be exceeded."""
    return math.inf if metric in UNBOUNDED else 1.0
