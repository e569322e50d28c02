"""The bias family against Fairlearn, and what it decides, hides and blocks."""

from __future__ import annotations

import fairlearn.metrics as fl
import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.metrics import precision_score

from detectors.bias import Bias
from detectors.columns import Labelled
from detectors.group_rates import GroupRate
from detectors.layout import GroupSet
from detectors.measurement import Measurement, Stage
from tests.detectors.labelled_samples import (
    Sample,
    binary_layout,
    binary_sample,
    by_key,
    frame,
    multiclass_sample,
    regression_sample,
)


def unequal(seed: int, n: int, gap: float, layout: object = None) -> Sample:
    """Group F is refused ``gap`` of the predictions that would be favourable."""
    sample = binary_sample(seed, n, layout=layout)  # type: ignore[arg-type]
    row = sample.labelled
    refused = (row.groups[0] == 1) & (np.random.default_rng(seed).random(n) < gap)
    prediction = np.where(refused, 0.0, row.prediction)
    return Sample(sample.layout, Labelled(row.truth, prediction, row.scores, row.groups, row.bucket))


def measure(
    window: Sample, stage: Stage, reference: Sample | None = None, **changes: object
) -> dict[tuple[str, str], Measurement]:
    tables = None if reference is None else reference.tables
    return by_key(Bias().measure(window.tables, frame(window.layout, tables, stage, **changes)))


def rows_of(sample: Sample) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int16]]:
    """Truth, prediction and group of the rows with a declared group of the first set."""
    row = sample.labelled
    known = row.groups[0] > 0
    return row.truth[known], row.prediction[known], row.groups[0][known]


SAMPLE = unequal(51, 6000, 0.3)
PARITY, OUTCOMES = measure(SAMPLE, Stage.WINDOW), measure(SAMPLE, Stage.LABELS)


@pytest.mark.parametrize(
    ("metric", "expected"),
    [
        ("demographic_parity_difference", fl.demographic_parity_difference),
        ("demographic_parity_ratio", fl.demographic_parity_ratio),
        ("equal_opportunity_difference", fl.equal_opportunity_difference),
        ("equalized_odds_difference", fl.equalized_odds_difference),
    ],
)
def test_gaps_are_those_of_fairlearn(metric: str, expected: object) -> None:
    truth, prediction, group = rows_of(SAMPLE)
    value = expected(truth, prediction, sensitive_features=group)  # type: ignore[operator]
    assert (PARITY | OUTCOMES)[metric, "sex"].value == pytest.approx(value, abs=1e-9)


@pytest.mark.parametrize(
    ("metric", "rate"),
    [
        ("false_positive_rate_difference", fl.false_positive_rate),
        ("false_negative_rate_difference", fl.false_negative_rate),
        ("predictive_parity_difference", precision_score),
        ("accuracy_difference", lambda truth, prediction: float((truth == prediction).mean())),
    ],
)
def test_further_gaps_are_those_of_fairlearns_metric_frame(metric: str, rate: object) -> None:
    truth, prediction, group = rows_of(SAMPLE)
    expected = fl.MetricFrame(metrics=rate, y_true=truth, y_pred=prediction, sensitive_features=group).difference()
    assert OUTCOMES[metric, "sex"].value == pytest.approx(expected, abs=1e-9)


def test_rates_are_given_by_group() -> None:
    _, prediction, group = rows_of(SAMPLE)
    assert PARITY["group_selection_rate", "sex=F"].value == pytest.approx(prediction[group == 1].mean())


def test_parity_is_due_at_the_windows_end_and_the_rest_with_the_labels() -> None:
    assert {metric for metric, _ in PARITY} == {
        "demographic_parity_difference",
        "demographic_parity_ratio",
        "group_selection_rate",
    }
    assert not {metric for metric, _ in OUTCOMES} & {metric for metric, _ in PARITY}


def test_a_gap_names_its_two_groups_and_breaks_its_bound_by_interval() -> None:
    gap = measure(unequal(52, 12_000, 0.6), Stage.WINDOW)["demographic_parity_difference", "sex"]
    assert dict(gap.detail)["lower"] == "sex=F"
    assert gap.effect == gap.value
    assert gap.effect_lower is not None
    assert gap.tolerance == 0.1
    assert gap.effect_lower > 0.1


def test_equal_groups_break_nothing() -> None:
    for stage in (Stage.WINDOW, Stage.LABELS):
        for found in measure(binary_sample(53, 6000), stage).values():
            if found.effect_lower is not None and found.tolerance is not None:
                assert found.effect_lower <= found.tolerance


def test_four_fifths_is_judged_by_what_the_ratio_lacks_to_one() -> None:
    found = measure(unequal(54, 12_000, 0.5), Stage.WINDOW)["demographic_parity_ratio", "sex"]
    assert found.value is not None
    assert found.upper is not None
    assert found.effect == pytest.approx(1 - found.value)
    assert found.effect_lower == pytest.approx(1 - found.upper)
    assert found.tolerance == pytest.approx(0.2)
    assert found.effect_lower > 0.2


def test_the_settings_tolerances_are_used() -> None:
    found = measure(
        SAMPLE,
        Stage.WINDOW,
        tolerances={"demographic_parity_ratio": 0.9, "demographic_parity_difference": 0.05},
    )
    assert found["demographic_parity_ratio", "sex"].tolerance == pytest.approx(0.1)
    assert found["demographic_parity_difference", "sex"].tolerance == 0.05


def test_only_parity_opportunity_and_odds_are_judged() -> None:
    judged = {metric for (metric, _), found in (PARITY | OUTCOMES).items() if found.effect is not None}
    assert judged == {
        "demographic_parity_difference",
        "demographic_parity_ratio",
        "equal_opportunity_difference",
        "equalized_odds_difference",
    }


def test_a_group_below_the_deciding_size_is_left_out_and_named() -> None:
    row = binary_sample(55, 3000).labelled
    group = np.where(np.arange(3000) < 60, 3, 1 + np.arange(3000) % 2)
    groups = np.stack((group, row.groups[1])).astype(np.int16)
    sample = Sample(binary_layout(), Labelled(row.truth, row.prediction, row.scores, groups, row.bucket))
    found = measure(sample, Stage.WINDOW)["demographic_parity_difference", "sex"]
    assert dict(found.detail)["left_out"] == "sex=X"
    known = group < 3
    expected = fl.demographic_parity_difference(
        row.truth[known], row.prediction[known], sensitive_features=group[known]
    )
    assert found.value == pytest.approx(expected, abs=1e-9)


def test_the_deciding_size_applies_to_each_rates_own_denominator() -> None:
    sample = binary_sample(56, 900)
    assert measure(sample, Stage.WINDOW)["demographic_parity_difference", "sex"].value is not None
    found = measure(sample, Stage.LABELS)["equal_opportunity_difference", "sex"]
    assert (found.value, found.reason) == (None, "too_few_per_group")


def test_a_named_group_is_the_one_that_others_are_compared_with() -> None:
    found = measure(SAMPLE, Stage.WINDOW, best_group={"sex": ("X",)})["demographic_parity_difference", "sex"]
    assert "sex=X" in (dict(found.detail)["higher"], dict(found.detail)["lower"])


def test_a_favourable_class_other_than_the_positive_one_turns_the_rates_round() -> None:
    found = measure(SAMPLE, Stage.WINDOW, favourable="no")
    _, prediction, group = rows_of(SAMPLE)
    assert found["group_selection_rate", "sex=F"].value == pytest.approx(1 - prediction[group == 1].mean())


def test_a_multiclass_model_is_measured_for_its_favourable_class() -> None:
    sample = multiclass_sample(57, 6000)
    truth, prediction, group = rows_of(sample)
    found = measure(sample, Stage.WINDOW, favourable="c03") | measure(sample, Stage.LABELS, favourable="c03")
    expected = fl.demographic_parity_difference(truth == 3, prediction == 3, sensitive_features=group)
    assert found["demographic_parity_difference", "sex"].value == pytest.approx(expected, abs=1e-9)
    expected = fl.equalized_odds_difference(truth == 3, prediction == 3, sensitive_features=group)
    assert found["equalized_odds_difference", "sex"].value == pytest.approx(expected, abs=1e-9)


def test_a_multiclass_model_without_a_favourable_class_has_accuracy_parity_only() -> None:
    sample = multiclass_sample(57, 6000)
    assert measure(sample, Stage.WINDOW) == {}
    assert {metric for metric, _ in measure(sample, Stage.LABELS)} == {"accuracy_difference", "group_accuracy"}


def test_a_bound_already_broken_in_the_reference_is_a_ticket_and_pages_only_when_worse() -> None:
    reference = unequal(58, 20_000, 0.4)
    same = measure(unequal(59, 12_000, 0.4), Stage.WINDOW, reference)
    ticket = same["bias_in_reference", "sex: demographic_parity_difference"]
    assert ticket.effect_lower is not None
    assert ticket.tolerance is not None
    assert ticket.effect_lower > ticket.tolerance
    assert ticket.n > 10_000
    unchanged = same["demographic_parity_difference", "sex"]
    assert unchanged.effect_lower is not None
    assert unchanged.effect_lower < 0.1
    worse = measure(unequal(60, 12_000, 1.0), Stage.WINDOW, reference)["demographic_parity_difference", "sex"]
    assert worse.effect_lower is not None
    assert worse.effect_lower > 0.1


def test_a_sound_reference_opens_no_ticket() -> None:
    found = measure(SAMPLE, Stage.WINDOW, binary_sample(61, 20_000))
    assert not [metric for metric, _ in found if metric == "bias_in_reference"]
    assert found["demographic_parity_difference", "sex"].baseline is not None


def test_an_intersection_is_named_by_all_its_attributes() -> None:
    both = GroupSet(attributes=("sex", "age"), groups=(("F", "young"), ("M", "old")))
    sample = binary_sample(62, 2000, layout=binary_layout(groups=(both,)))
    found = measure(sample, Stage.WINDOW)
    assert ("demographic_parity_difference", "sex x age") in found
    assert ("group_selection_rate", "sex=F, age=young") in found


def test_alike_events_of_one_subject_widen_the_gap() -> None:
    rows = np.repeat(np.arange(600), 10)
    alone, crowd = (unequal(63, 600, 0.5, binary_layout(subjects=subjects)).take(rows) for subjects in (False, True))
    narrow, wide = (measure(sample, Stage.WINDOW)["demographic_parity_difference", "sex"] for sample in (alone, crowd))
    assert narrow.value == wide.value
    assert wide.resolution > 2 * narrow.resolution  # type: ignore[operator]


def test_provisional_gaps_never_decide() -> None:
    found = measure(SAMPLE, Stage.LABELS, provisional=True)
    assert found["equalized_odds_difference", "sex"].blocked == "provisional"


def test_a_model_without_groups_yields_nothing() -> None:
    sample = binary_sample(64, 300, layout=binary_layout(groups=()))
    assert measure(sample, Stage.WINDOW) == {}
    assert measure(sample, Stage.LABELS) == {}


def test_a_window_without_events_has_no_gap() -> None:
    empty = SAMPLE.take(slice(0)).tables
    found = by_key(Bias().measure(empty, frame(SAMPLE.layout, stage=Stage.WINDOW)))
    assert found["demographic_parity_difference", "sex"].reason == "too_few_per_group"


def test_calibration_is_given_within_each_group() -> None:
    row = binary_sample(65, 9000).labelled
    random = np.random.default_rng(1)
    truth = (random.random(9000) < row.scores[0]).astype(np.float64)
    skewed = np.where(row.groups[0] == 2, np.minimum(row.scores[0] + 0.15, 1.0), row.scores[0])
    sample = Sample(binary_layout(), Labelled(truth, row.prediction, skewed[None], row.groups, row.bucket))
    found = measure(sample, Stage.LABELS)
    sound, off = (found["group_calibration_error", f"sex={name}"] for name in ("F", "M"))
    assert sound.lower == 0.0
    assert off.lower is not None
    assert off.lower > 0.08


def test_a_regression_has_its_mean_residual_by_group() -> None:
    row = regression_sample(66, 6000).labelled
    shifted = row.prediction + np.where(row.groups[0] == 3, 1.0, 0.0)
    layout = regression_sample(66, 1).layout
    sample = Sample(layout, Labelled(row.truth, shifted, row.scores, row.groups, row.bucket))
    found = measure(sample, Stage.LABELS)
    means = [(shifted - row.truth)[row.groups[0] == code].mean() for code in (1, 2, 3)]
    gap = found["mean_error_difference", "sex"]
    assert gap.value == pytest.approx(max(means) - min(means), abs=1e-8)
    assert dict(gap.detail)["higher"] == "sex=X"
    assert gap.lower is not None
    assert gap.lower > 0.5
    assert found["group_mean_error", "sex=X"].value == pytest.approx(means[2], abs=1e-8)


def rate(hits: list[int], totals: list[int], rest: int = 0) -> GroupRate:
    return GroupRate(np.array([hits]), np.array([totals]), rest)


def test_a_rate_is_hidden_where_its_cell_or_the_rest_of_it_is_small() -> None:
    assert rate([50, 9, 91, 50], [100, 100, 100, 100]).published(10).tolist() == [True, False, False, True]


def test_a_hidden_group_takes_the_smallest_shown_one_with_it() -> None:
    assert rate([3, 50, 90], [6, 100, 200]).published(10).tolist() == [False, False, True]
    assert rate([3, 50, 90], [6, 100, 200], rest=40).published(10).tolist() == [False, True, True]


def test_groups_without_events_hide_nobody() -> None:
    assert rate([0, 50, 90], [0, 100, 200]).published(10).tolist() == [False, True, True]


def test_a_hidden_rate_has_a_named_reason_and_no_numbers() -> None:
    row = binary_sample(67, 2000).labelled
    groups = np.stack((np.where(np.arange(2000) < 6, 3, 1 + np.arange(2000) % 2), row.groups[1])).astype(np.int16)
    sample = Sample(binary_layout(), Labelled(row.truth, row.prediction, row.scores, groups, row.bucket))
    hidden = measure(sample, Stage.WINDOW)["group_selection_rate", "sex=X"]
    assert hidden == Measurement("group_selection_rate", "sex=X", reason="small_cell", direction="none")
