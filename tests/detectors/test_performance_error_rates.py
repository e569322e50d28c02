"""How often the limits that decide are wrong, by simulation; docs/statistics.md prints the figures.

A limit misses where the true effect lies outside of it. Windows and reference come from one distribution here, so the true
effect is 0, and at z = 1.96 a lower limit above 0 is a miss of nominal probability 2.5 %.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from detectors.bias import Bias
from detectors.columns import Labelled
from detectors.family import Frame
from detectors.measurement import Stage
from detectors.performance import Performance
from detectors.tables import Tables
from tests.detectors.labelled_samples import Sample, binary_layout, binary_sample, frame, regression_sample

Z = 1.96
NOMINAL = 0.025


def misses(draw: Callable[[int], Sample], reference: Callable[[int], Sample], runs: int) -> dict[str, float]:
    """Share of runs in which each deciding measure's lower limit lies above the true effect of 0."""
    found: Counter[str] = Counter()
    measured: Counter[str] = Counter()
    for run in range(runs):
        window, trusted = draw(1000 + run), reference(500_000 + run)
        at = Frame(layout=window.layout, reference=trusted.tables, z=Z, stage=Stage.LABELS)
        for m in Performance().measure(window.tables, at):
            if m.effect_lower is not None and m.metric != "label_coverage":
                measured[m.metric] += 1
                found[m.metric] += m.effect_lower > 0
    assert min(measured.values()) > 0.9 * runs
    return {metric: found[metric] / count for metric, count in measured.items()}


def clustered(seed: int, subjects: int, each: int = 10) -> Sample:
    """Events of one subject share its label and most of its score, and its group and sub-table."""
    layout = binary_layout(subjects=True)
    base = binary_sample(seed, subjects, layout=layout).take(np.repeat(np.arange(subjects), each))
    row = base.labelled
    noise = np.random.default_rng(seed).normal(0.0, 0.3, len(row))
    score = 1 / (1 + np.exp(-(np.log(row.scores[0] / (1 - row.scores[0])) + noise)))
    return Sample(layout, Labelled(row.truth, (score > 0.4).astype(float), score[None], row.groups, row.bucket))


def heavy_tailed(seed: int, n: int) -> Sample:
    base = regression_sample(seed, n)
    error = np.random.default_rng(seed).standard_t(3, n) * 2
    row = base.labelled
    return Sample(base.layout, Labelled(row.truth, row.truth + error, row.scores, row.groups, row.bucket))


def assert_near_nominal(rates: dict[str, float], runs: int, at_most: float) -> None:
    """The stated share, plus three standard errors of the simulation."""
    allowed = at_most + 3 * np.sqrt(at_most * (1 - at_most) / runs)
    assert {metric: rate for metric, rate in rates.items() if rate > allowed} == {}


def test_lower_limits_of_independent_events_miss_about_as_often_as_they_say() -> None:
    rates = misses(lambda seed: binary_sample(seed, 500), lambda seed: binary_sample(seed, 2000), 60)
    assert_near_nominal(rates, 60, NOMINAL)


def test_lower_limits_of_clustered_events_miss_about_as_often_as_they_say() -> None:
    rates = misses(lambda seed: clustered(seed, 300), lambda seed: clustered(seed, 600), 40)
    assert_near_nominal(rates, 40, 0.035)


@pytest.mark.slow
@pytest.mark.parametrize("n", [200, 1000, 10_000])
def test_classification_limits_keep_their_error_for_every_size(n: int) -> None:
    rates = misses(lambda seed: binary_sample(seed, n), lambda seed: binary_sample(seed, 10_000), 1000)
    print(n, rates)
    assert_near_nominal(rates, 1000, 0.035)


@pytest.mark.slow
@pytest.mark.parametrize("n", [200, 1000, 10_000])
def test_balanced_accuracy_keeps_its_error_for_every_size(n: int) -> None:
    layout = binary_layout(scored=False)
    rates = misses(
        lambda seed: binary_sample(seed, n, layout=layout),
        lambda seed: binary_sample(seed, 10_000, layout=layout),
        1000,
    )
    print(n, rates)
    assert_near_nominal(rates, 1000, 0.035)


@pytest.mark.slow
@pytest.mark.parametrize("draw", [regression_sample, heavy_tailed])
@pytest.mark.parametrize("n", [200, 1000, 10_000])
def test_mae_keeps_its_error_for_every_size_and_for_heavy_tails(draw: Callable[[int, int], Sample], n: int) -> None:
    rates = misses(lambda seed: draw(seed, n), lambda seed: draw(seed, 10_000), 1000)
    print(draw.__name__, n, rates)
    assert_near_nominal(rates, 1000, 0.04)


@pytest.mark.slow
@pytest.mark.parametrize("subjects", [100, 1000])
def test_clustered_limits_keep_their_error(subjects: int) -> None:
    rates = misses(lambda seed: clustered(seed, subjects), lambda seed: clustered(seed, 2000), 500)
    print(subjects, rates)
    assert_near_nominal(rates, 500, 0.04)


def gap_tables(seed: int, n: int, gap: float) -> Tables:
    """Two of three groups are refused ``gap`` of what the third is granted."""
    sample = binary_sample(seed, n)
    row = sample.labelled
    random = np.random.default_rng(seed + 7)
    granted = random.random(n) < np.where(row.groups[0] == 1, 0.5 - gap, 0.5)
    rows = Labelled(row.truth, granted.astype(float), row.scores, row.groups, row.bucket)
    return replace(sample, labelled=rows).tables


def breach_share(gap: float, n: int, runs: int, z: float) -> float:
    layout = binary_layout()
    at = replace(frame(layout, stage=Stage.WINDOW), z=z)
    breaches = 0
    for run in range(runs):
        for m in Bias().measure(gap_tables(run, n, gap), at):
            if m.metric == "demographic_parity_difference" and m.subject == "sex":
                breaches += m.effect_lower is not None and m.effect_lower > 0.1
    return breaches / runs


def test_a_gap_at_its_tolerance_seldom_breaches_and_one_of_twice_that_mostly_does() -> None:
    assert breach_share(0.1, 6000, 40, Z) <= NOMINAL + 3 * np.sqrt(NOMINAL / 40)
    assert breach_share(0.2, 6000, 20, 3.0) > 0.9


@pytest.mark.slow
@pytest.mark.parametrize("n", [1000, 10_000])
def test_a_gap_at_its_tolerance_keeps_its_error(n: int) -> None:
    share = breach_share(0.1, n, 1000, Z)
    print(n, share)
    assert share <= NOMINAL + 3 * np.sqrt(NOMINAL / 1000)


@pytest.mark.slow
def test_a_true_drop_of_auc_is_found() -> None:
    reference = binary_sample(1, 20_000)
    at = frame(reference.layout, reference.tables)
    for n, least in ((2000, 0.5), (10_000, 0.99)):
        found = 0
        for run in range(200):
            for m in Performance().measure(binary_sample(run, n, signal=0.9).tables, at):
                found += m.metric == "roc_auc" and m.effect_lower is not None and m.effect_lower > 0.02
        print(n, found / 200)
        assert found / 200 >= least
