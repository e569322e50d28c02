"""How measures are called in sentences for people; docs/statistics.md uses the same words."""

from __future__ import annotations

_NAMES = {
    "roc_auc": "ROC AUC",
    "pr_auc": "PR AUC",
    "pr_auc_at_reference_prevalence": "PR AUC at reference prevalence",
    "f1": "F1",
    "mcc": "MCC",
    "mae": "MAE",
    "rmse": "RMSE",
    "mape": "MAPE",
    "smape": "sMAPE",
    "r2": "R²",
    "log_loss": "log-loss",
    "brier": "Brier score",
    "psi": "PSI",
    "js_distance": "Jensen-Shannon distance",
    "hellinger": "Hellinger distance",
    "ks": "Kolmogorov-Smirnov statistic",
    "wasserstein": "Wasserstein distance",
    "cramers_v": "Cramér's V",
    "f1_at_reference_prevalence": "F1 at reference prevalence",
}

_SHORTFALLS = frozenset({"demographic_parity_ratio", "label_coverage"})
"""Their effect is what they lack to 1."""
_RELATIVE = frozenset({"mae"})
"""Their effect is a share of the reference's value."""
_DOUBLINGS = frozenset({"volume"})
"""Their effect is a number of doublings, or of halvings."""


def spoken(metric: str) -> str:
    """The metric's name in a sentence: ``js_distance`` is "Jensen-Shannon distance"."""
    return _NAMES.get(metric, metric.replace("_", " "))


def capitalised(text: str) -> str:
    """The text as the beginning of a sentence; words that carry their own capitals stay as they are."""
    return text[:1].upper() + text[1:]


def number(value: float) -> str:
    """Four significant digits, without an exponent where that is readable."""
    return f"{value:.4g}"


def is_shortfall(metric: str) -> bool:
    """Whether the metric's effect is what it lacks to 1: hardly ever nothing, even where all is well."""
    return metric in _SHORTFALLS


def tolerance(metric: str, tau: float) -> str:
    """What was tolerated, on the scale on which a person reads the metric."""
    if is_shortfall(metric):
        return f"at least {number(1 - tau)} is wanted"
    if metric in _RELATIVE:
        return f"tolerance {number(100 * tau)} %"
    if metric in _DOUBLINGS:
        return f"tolerance a factor of {number(2**tau)}"
    return f"tolerance {number(tau)}"
