"""Label coverage, and where selective labels block a verdict."""

from __future__ import annotations

import numpy as np
import pytest

from detectors.bias import Bias
from detectors.coverage import blocking, coverages
from detectors.family import Frame
from detectors.groups import GroupOutcomes, Groups
from detectors.measurement import Measurement
from detectors.outcomes import Outcomes
from detectors.performance import Performance
from detectors.tables import Tables
from tests.detectors.labelled_samples import Sample, binary_sample, by_key, frame, regression_sample

SAMPLE = binary_sample(41, 4000)


def partly_labelled(keep: np.ndarray, sample: Sample = SAMPLE) -> Tables:
    """All rows predicted, the kept ones labelled."""
    rows = sample.take(np.flatnonzero(keep)).labelled
    labels = (tally.count(rows, sample.layout) for tally in (Outcomes(), GroupOutcomes()))
    tables = Groups().count(sample.columns, sample.layout)
    for part in labels:
        tables = tables + part
    return tables


def coverage(tables: Tables, **changes: object) -> dict[str, Measurement]:
    found = by_key(Performance().measure(tables, frame(SAMPLE.layout, **changes)))
    return {subject: m for (metric, subject), m in found.items() if metric == "label_coverage"}


def plain_frame() -> Frame:
    return frame(SAMPLE.layout)


def test_coverage_is_given_overall_per_predicted_class_and_per_group() -> None:
    keep = np.random.default_rng(1).random(4000) < 0.9
    found = coverage(partly_labelled(keep))
    row = SAMPLE.labelled
    assert found[""].value == pytest.approx(keep.mean())
    assert found["class=yes"].value == pytest.approx(keep[row.prediction == 1].mean())
    assert found["sex=F"].value == pytest.approx(keep[row.groups[0] == 1].mean())
    assert found["age=old"].value == pytest.approx(keep[row.groups[1] == 2].mean())


def test_the_effect_is_the_share_without_a_label_against_what_may_be_missing() -> None:
    found = coverage(partly_labelled(np.arange(4000) < 2800))
    assert found[""].effect == pytest.approx(0.3)
    assert found[""].tolerance == pytest.approx(0.2)
    assert found["class=no"].tolerance == pytest.approx(0.3)
    assert found[""].effect_lower is not None
    assert found[""].upper is not None
    assert found[""].effect_lower == pytest.approx(1 - found[""].upper)


def test_labels_that_lack_overall_block_every_verdict_on_labels() -> None:
    tables = partly_labelled(np.arange(4000) < 2800)
    found = by_key(Performance().measure(tables, frame(SAMPLE.layout, SAMPLE.tables)))
    assert found["roc_auc", ""].blocked == "labels_selective"
    assert found["roc_auc", ""].value is not None
    bias = by_key(Bias().measure(tables, frame(SAMPLE.layout)))
    assert bias["equal_opportunity_difference", "sex"].blocked == "labels_selective"


def test_labels_of_one_predicted_class_only_block_though_the_whole_is_covered() -> None:
    row = SAMPLE.labelled
    keep = (row.prediction == 0) | (np.random.default_rng(2).random(4000) < 0.5)
    tables = partly_labelled(keep)
    assert coverages(tables, plain_frame())[0].labelled / 4000 > 0.8
    assert blocking(coverages(tables, plain_frame())) == "labels_selective"


def test_labels_that_lack_for_a_group_block_the_bias_of_its_set_only() -> None:
    keep = (SAMPLE.labelled.groups[0] != 1) | (np.random.default_rng(3).random(4000) < 0.4)
    tables = partly_labelled(keep)
    bias = by_key(Bias().measure(tables, frame(SAMPLE.layout)))
    assert bias["equal_opportunity_difference", "sex"].blocked == "labels_selective"
    assert bias["equal_opportunity_difference", "age"].blocked is None
    assert blocking(coverages(tables, plain_frame())) is None


def test_a_small_window_is_not_called_selective_by_chance() -> None:
    small = SAMPLE.take(slice(20))
    keep = np.arange(20) < 14
    assert blocking(coverages(partly_labelled(keep, small), plain_frame())) is None


def test_within_a_sample_of_the_joins_coverage_is_that_of_the_sample() -> None:
    keep = np.arange(4000) < 950
    found = coverage(partly_labelled(keep), predictions=1000)
    assert found[""].value == pytest.approx(0.95)
    predicted = (SAMPLE.labelled.prediction == 1).sum() / 4
    assert found["class=yes"].n == round(predicted)


def test_a_regression_has_coverage_overall_and_per_group() -> None:
    sample = regression_sample(42, 2000)
    tables = partly_labelled(np.arange(2000) < 1800, sample)
    found = coverages(tables, frame(sample.layout))
    assert (found[0].labelled, found[0].predicted) == (1800, 2000.0)
    assert {part.subject for part in found[1:]} == {"sex=F", "sex=M", "sex=X"}


def test_groups_too_small_to_publish_have_no_coverage() -> None:
    small = SAMPLE.take(np.flatnonzero(SAMPLE.labelled.groups[0] != 3))
    tables = partly_labelled(np.ones(len(small.labelled), dtype=bool), small)
    assert "sex=X" not in coverage(tables)
