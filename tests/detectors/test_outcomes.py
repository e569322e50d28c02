"""Tallies of labels: counts against numpy, sums against numpy, and any order or split gives the same bytes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import brier_score_loss, confusion_matrix, log_loss

from detectors import grid
from detectors.columns import Labelled
from detectors.groups import GroupOutcomes, Groups, group_offsets
from detectors.outcomes import Outcomes
from detectors.tables import Tables, empty_tables
from tests.detectors.labelled_samples import (
    binary_layout,
    binary_sample,
    multiclass_sample,
    regression_sample,
)

SAMPLES = {
    "binary": binary_sample(1, 700),
    "subjects": binary_sample(2, 700, layout=binary_layout(subjects=True)),
    "multiclass": multiclass_sample(3, 700),
    "many classes": multiclass_sample(4, 700, classes=40),
    "regression": regression_sample(5, 700),
}
TALLIES = (Outcomes(), GroupOutcomes())


@pytest.mark.parametrize("name", SAMPLES)
@settings(max_examples=10, deadline=None)
@given(order=st.randoms(use_true_random=False), cut=st.integers(0, 700))
def test_any_order_and_split_of_the_rows_gives_the_same_bytes(name: str, order: object, cut: int) -> None:
    sample = SAMPLES[name]
    rows = list(range(len(sample.labelled)))
    order.shuffle(rows)  # type: ignore[attr-defined]
    parts = [sample.take(np.array(part, dtype=np.intp)).tables for part in (rows[:cut], rows[cut:])]
    assert (parts[0] + parts[1]).to_bytes() == sample.tables.to_bytes()


@pytest.mark.parametrize("name", SAMPLES)
def test_a_replaced_label_leaves_no_trace(name: str) -> None:
    sample = SAMPLES[name]
    for tally in TALLIES:
        kept, replaced = (
            tally.count(sample.take(rows).labelled, sample.layout) for rows in (slice(500), slice(500, 700))
        )
        both = tally.count(sample.labelled, sample.layout)
        assert (both - replaced).to_bytes() == kept.to_bytes()


@pytest.mark.parametrize("name", SAMPLES)
def test_no_rows_count_as_empty_tables(name: str) -> None:
    sample = SAMPLES[name]
    nothing = sample.take(slice(0))
    for tally in TALLIES:
        counted = tally.count(nothing.labelled, sample.layout)
        assert counted.to_bytes() == empty_tables(tally.specs(sample.layout)).to_bytes()
    assert Groups().count(nothing.columns, sample.layout).to_bytes() == (
        empty_tables(Groups().specs(sample.layout)).to_bytes()
    )


@pytest.mark.parametrize("name", SAMPLES)
def test_tables_carry_the_name_of_their_tally(name: str) -> None:
    for tally in (*TALLIES, Groups()):
        assert all(spec.name.startswith(f"{tally.name}.") for spec in tally.specs(SAMPLES[name].layout))


def test_the_confusion_matrix_is_that_of_scikit_learn() -> None:
    sample = SAMPLES["multiclass"]
    counted = Outcomes().count(sample.labelled, sample.layout).ints("outcomes.confusion").sum(axis=0)
    expected = confusion_matrix(sample.labelled.truth, sample.labelled.prediction, labels=range(5))
    np.testing.assert_array_equal(counted, expected)


def test_sub_tables_hold_the_rows_of_their_bucket() -> None:
    sample = SAMPLES["binary"]
    counted = Outcomes().count(sample.labelled, sample.layout).ints("outcomes.confusion").sum(axis=(1, 2))
    np.testing.assert_array_equal(counted, np.bincount(sample.labelled.bucket, minlength=16))


def test_above_32_classes_only_margins_are_kept() -> None:
    sample = SAMPLES["many classes"]
    counted = Outcomes().count(sample.labelled, sample.layout)
    assert "outcomes.confusion" not in counted
    assert "outcomes.scores" not in counted
    truth, prediction = sample.labelled.truth, sample.labelled.prediction
    margins = counted.ints("outcomes.margins").sum(axis=0)
    np.testing.assert_array_equal(margins[:40, 0], [(truth == k).sum() for k in range(40)])
    np.testing.assert_array_equal(margins[:40, 1], [(prediction == k).sum() for k in range(40)])
    np.testing.assert_array_equal(margins[:40, 2], [((truth == k) & (prediction == k)).sum() for k in range(40)])


def test_two_undeclared_classes_are_never_a_hit() -> None:
    layout = binary_layout(scored=False, groups=())
    rows = Labelled(
        np.array([2.0]), np.array([2.0]), np.zeros((0, 1)), np.zeros((0, 1), np.int16), np.zeros(1, np.uint8)
    )
    many = multiclass_sample(1, 1, classes=40).layout
    far = Labelled(
        np.array([40.0]), np.array([40.0]), np.full((40, 1), np.nan), np.zeros((1, 1), np.int16), rows.bucket
    )
    assert Outcomes().count(rows, layout).ints("outcomes.confusion")[0, 2, 2] == 1
    np.testing.assert_array_equal(Outcomes().count(far, many).ints("outcomes.margins")[0, 40], [1, 1, 0])


def test_score_cells_are_a_histogram_per_class() -> None:
    sample = SAMPLES["binary"]
    cells = Outcomes().count(sample.labelled, sample.layout).ints("outcomes.scores").sum(axis=0)[0]
    for positive in (0, 1):
        scores = sample.labelled.scores[0][sample.labelled.truth == positive]
        np.testing.assert_array_equal(cells[positive], np.histogram(scores, sample.layout.score_edges)[0])


def test_a_score_of_one_lies_in_the_last_cell() -> None:
    sample = binary_sample(1, 1)
    row = sample.labelled
    one = Labelled(np.ones(1), np.ones(1), np.ones((1, 1)), row.groups, row.bucket)
    assert Outcomes().count(one, sample.layout).ints("outcomes.scores").sum(axis=(0, 1))[1, -1] == 1


def test_rows_without_a_score_are_in_no_score_table() -> None:
    sample = binary_sample(6, 300)
    scores = sample.labelled.scores.copy()
    scores[0, :100] = np.nan
    row = sample.labelled
    gaps = Labelled(row.truth, row.prediction, scores, row.groups, row.bucket)
    counted = Outcomes().count(gaps, sample.layout)
    assert counted.ints("outcomes.scores").sum() == 200
    assert counted.ints("outcomes.losses").sum() == 200
    assert counted.ints("outcomes.confusion").sum() == 300
    assert GroupOutcomes().count(gaps, sample.layout).ints("group_outcomes.scores").sum() == 400


def test_binary_losses_are_those_of_scikit_learn() -> None:
    sample = SAMPLES["binary"]
    counted = Outcomes().count(sample.labelled, sample.layout)
    truth, score = sample.labelled.truth, sample.labelled.scores[0]
    assert mean_loss(counted, "log_loss") == pytest.approx(log_loss(truth, score), abs=1e-9)
    assert mean_loss(counted, "brier") == pytest.approx(brier_score_loss(truth, score), abs=1e-9)


def test_multiclass_losses_are_those_of_scikit_learn() -> None:
    sample = SAMPLES["multiclass"]
    counted = Outcomes().count(sample.labelled, sample.layout)
    truth, scores = sample.labelled.truth, sample.labelled.scores.T
    assert mean_loss(counted, "log_loss") == pytest.approx(log_loss(truth, scores), abs=1e-9)
    expected = brier_score_loss(truth, scores, labels=[0, 1, 2, 3], scale_by_half=False)
    assert mean_loss(counted, "brier") == pytest.approx(expected, abs=1e-9)


def test_a_certain_wrong_score_has_the_largest_loss_that_scikit_learn_gives() -> None:
    sample = binary_sample(1, 2)
    row = sample.labelled
    wrong = Labelled(np.array([1.0, 0.0]), row.prediction, np.array([[0.0, 1.0]]), row.groups, row.bucket)
    counted = Outcomes().count(wrong, sample.layout)
    assert mean_loss(counted, "log_loss") == pytest.approx(log_loss([1, 0], [0.0, 1.0]), abs=1e-9)


def mean_loss(counted: Tables, name: str) -> float:
    limbs = counted.ints(f"outcomes.{name}").sum(axis=0)
    return float(grid.to_float(limbs) / grid.GRID / counted.ints("outcomes.losses").sum())


def test_group_margins_give_the_group_x_prediction_x_label_cube() -> None:
    sample = SAMPLES["subjects"]
    offsets = group_offsets(sample.layout)
    margins = GroupOutcomes().count(sample.labelled, sample.layout).ints("group_outcomes.margins")
    assert margins.shape[0] == 16
    row = sample.labelled
    for i, offset in enumerate(offsets[:-1]):
        for code in range(sample.layout.groups[i].codes):
            chosen = row.groups[i] == code
            truth, prediction = row.truth[chosen] == 1, row.prediction[chosen] == 1
            found = margins[:, offset + code, 1].sum(axis=0)
            np.testing.assert_array_equal(found, [truth.sum(), prediction.sum(), (truth & prediction).sum()])


def test_inferences_are_counted_by_group_and_predicted_class() -> None:
    sample = SAMPLES["multiclass"]
    counted = Groups().count(sample.columns, sample.layout)
    row = sample.labelled
    np.testing.assert_array_equal(
        counted.ints("groups.predicted"), np.bincount(row.prediction.astype(int), minlength=5)
    )
    expected = [[((row.groups[0] == g) & (row.prediction == k)).sum() for k in range(5)] for g in range(4)]
    np.testing.assert_array_equal(counted.ints("groups.predictions")[0], expected)


def test_an_event_without_a_prediction_is_in_no_group_table() -> None:
    sample = binary_sample(1, 3)
    columns = sample.columns
    prediction = np.array([np.nan, 0.0, 1.0])
    gaps = type(columns)(
        *(prediction if name == "prediction" else getattr(columns, name) for name in columns.__slots__)
    )
    assert Groups().count(gaps, sample.layout).ints("groups.predicted").sum() == 2


def test_group_score_sums_are_the_scores_of_the_group() -> None:
    sample = SAMPLES["binary"]
    limbs = GroupOutcomes().count(sample.labelled, sample.layout).ints("group_outcomes.score_sums")[0]
    sums = grid.to_float(limbs).sum(axis=1) / grid.GRID
    row = sample.labelled
    for code in range(4):
        assert sums[code] == pytest.approx(row.scores[0][row.groups[0] == code].sum(), abs=1e-6)


def test_residual_sums_are_those_of_the_group() -> None:
    sample = SAMPLES["regression"]
    counted = GroupOutcomes().count(sample.labelled, sample.layout)
    row = sample.labelled
    errors = grid.to_float(counted.ints("group_outcomes.errors")[0]) / grid.GRID * sample.layout.target_scale
    for code in range(4):
        chosen = row.groups[0] == code
        assert counted.ints("group_outcomes.rows")[0, code] == chosen.sum()
        assert errors[code] == pytest.approx((row.prediction - row.truth)[chosen].sum(), abs=1e-6)
