from __future__ import annotations

import math

from detectors.families import RULES
from detectors.layout import Task
from detectors.performance import MEASURES
from detectors.ranges import UNBOUNDED, fits, largest_effect, performance_of


def test_every_performance_measure_belongs_to_one_kind_of_task() -> None:
    errors, classes = performance_of(Task.REGRESSION), performance_of(Task.BINARY)
    assert sorted((*errors, *classes, "label_coverage")) == sorted(MEASURES)
    assert performance_of(Task.MULTICLASS) == classes


def test_measures_know_what_values_they_can_have() -> None:
    assert [fits("roc_auc", value) for value in (-0.1, 0.0, 1.0, 1.1)] == [False, True, True, False]
    assert [fits("mcc", value) for value in (-1.0, -1.1)] == [True, False]
    assert fits("mae", 1e9)
    assert not fits("mae", -1.0)


def test_only_known_measures_have_an_effect_without_an_end_and_no_default_exceeds_its_end() -> None:
    assert set(RULES) > UNBOUNDED
    assert all(rule.tolerance <= largest_effect(metric) for metric, rule in RULES.items() if rule.tolerance < math.inf)
