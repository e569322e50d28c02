"""Gathering a reference's values."""

from __future__ import annotations

import numpy as np
import pytest

from config.errors import LayoutError
from detectors import sampler
from detectors.columns import Inferences, ModelKey
from detectors.declaration import Declaration, DeclaredColumn
from detectors.layout import Task
from detectors.sampler import Sampler

BINARY = Declaration(
    task=Task.BINARY,
    columns=(DeclaredColumn("income", "number"), DeclaredColumn("purpose", "category")),
    classes=("deny", "approve"),
    positive="approve",
)


def batch_of(**values: list[object]) -> Inferences:
    rows = len(next(iter(values.values())))
    return Inferences(
        ids=[f"e{i}" for i in range(rows)],
        occurred_us=np.arange(rows, dtype=np.int64),
        models=(ModelKey("s", "m", "1"),),
        model_of=np.zeros(rows, dtype=np.int32),
        partition=np.zeros(rows, dtype=np.int32),
        offset=np.arange(rows, dtype=np.int64),
        values={name.replace("__", "."): column for name, column in values.items()},
    )


def all_rows(batch: Inferences) -> np.ndarray:
    return np.arange(len(batch))


def test_only_readable_numbers_are_gathered() -> None:
    batch = batch_of(features__income=[1.0, None, "x", 4, float("nan")], prediction=["deny"] * 5)
    gathering = Sampler(BINARY)
    gathering.add(batch, all_rows(batch))
    none = np.full(5, np.nan)
    np.testing.assert_array_equal(gathering.sample(none, none).numbers["income"], [1.0, 4.0])


def test_levels_are_counted_by_the_names_that_events_are_compared_by() -> None:
    batch = batch_of(features__purpose=["car", True, 3.0, None, "", 3, 2.5, ["x"]], prediction=["deny"] * 8)
    gathering = Sampler(BINARY)
    gathering.add(batch, all_rows(batch))
    none = np.full(8, np.nan)
    assert gathering.sample(none, none).levels["purpose"] == {"car": 1, "true": 1, "3": 2}


def test_rows_that_were_not_asked_for_are_left_out() -> None:
    batch = batch_of(features__income=[1.0, 2.0, 3.0], features__purpose=["a", "b", "c"], prediction=["deny"] * 3)
    gathering = Sampler(BINARY)
    gathering.add(batch, np.array([0, 2]))
    sample = gathering.sample(np.zeros(2), np.zeros(2))
    np.testing.assert_array_equal(sample.numbers["income"], [1.0, 3.0])
    assert sample.levels["purpose"] == {"a": 1, "c": 1}
    assert sample.predicted == {"deny": 2}


def test_scores_of_all_classes_are_pooled_and_that_of_the_predicted_class_is_monitored() -> None:
    declaration = Declaration(task=Task.MULTICLASS, columns=(), classes=("a", "b", "c"))
    batch = batch_of(prediction=["b", "c"], scores=[{"a": 0.2, "b": 0.7, "c": 0.1}, {"a": 0.3, "b": 0.3, "c": 0.4}])
    gathering = Sampler(declaration)
    gathering.add(batch, all_rows(batch))
    sample = gathering.sample(np.zeros(2), np.zeros(2))
    assert sorted(sample.scores) == [0.1, 0.2, 0.3, 0.3, 0.4, 0.7]
    assert sorted(sample.monitored_scores) == [0.4, 0.7]


def test_a_regression_gathers_predictions_labels_and_errors() -> None:
    declaration = Declaration(task=Task.REGRESSION, columns=())
    batch = batch_of(prediction=[1.0, 2.0, "x"], label=[1.5, None, 3.0])
    gathering = Sampler(declaration)
    columns = gathering.add(batch, all_rows(batch))
    sample = gathering.sample(columns.prediction, columns.truth)
    np.testing.assert_array_equal(sample.predictions, [1.0, 2.0])
    np.testing.assert_array_equal(sample.truth, [1.5, 3.0])
    np.testing.assert_array_equal(sample.errors, [0.5])


def test_an_identifier_is_refused_as_a_category(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sampler, "MAX_DISTINCT", 5)
    batch = batch_of(features__purpose=[f"user-{i}" for i in range(6)], prediction=["deny"] * 6)
    with pytest.raises(LayoutError, match="identifier"):
        Sampler(BINARY).add(batch, all_rows(batch))
