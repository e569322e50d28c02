"""What only detectors know about a settings file."""

from __future__ import annotations

import pytest

from agent.validate import check_names
from detectors.families import FAMILIES, MEASURES, RULES

FAMILY_NAMES = [family.name for family in FAMILIES]


def told(task: str, **model: object) -> dict[str, str]:
    written = {"systems": [{"models": [{"task": task, **model}]}]}
    return {
        problem.path.removeprefix("systems[0].models[0]."): problem.what
        for problem in check_names(written, RULES, FAMILY_NAMES, MEASURES)
    }


@pytest.mark.parametrize(
    ("task", "metric", "value", "what"),
    [
        ("regression", "roc_auc", 0.9, "the performance of a regression model has no roc_auc"),
        ("binary", "mae", 3, "the performance of a binary model has no mae"),
        ("binary", "psi", 0.1, "the performance of a binary model has no psi"),
        ("binary", "roc_auc", 7, "roc_auc cannot be 7"),
        ("multiclass", "mcc", -1.5, "mcc cannot be -1.5"),
    ],
)
def test_a_baseline_that_cannot_be_is_a_mistake(task: str, metric: str, value: float, what: str) -> None:
    assert told(task, baseline={metric: value}) == {f"baseline.{metric}": what}


def test_a_baseline_that_can_be_is_none() -> None:
    assert told("binary", baseline={"roc_auc": 1, "log_loss": 3.5}) == {}
    assert told("regression", baseline={"mae": 12.5, "r2": -3, "mean_error": -1}) == {}


def test_a_tolerance_that_no_effect_can_exceed_is_a_mistake() -> None:
    thresholds = {"js_distance": {"tolerance": 2}, "psi": {"tolerance": 2}, "mae": {"tolerance": 1.5}, "ks": None}
    what = "2 is above 1, the largest effect of js_distance: it would never breach"
    assert told("binary", thresholds=thresholds) == {"thresholds.js_distance.tolerance": what}
    assert told("binary", thresholds={"js_distance": {"tolerance": 1}}) == {}


def test_what_has_not_the_form_of_settings_is_passed_over() -> None:
    assert told("unknown", baseline={"roc_auc": 7}) == {}
    assert told("binary", baseline={"roc_auc": "much"}, thresholds={"js_distance": {"tolerance": "2"}}) == {}
