from __future__ import annotations

import math
from array import array
from collections.abc import Sequence

import numpy as np
import pytest
import xxhash
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.columns import FLAW_INVALID, FLAW_MISSING, OK
from detectors.encode import BUCKET_SEED, bucket_of, encode, encode_truth
from detectors.layout import GroupSet, Layout, Role, Task, name_hash
from tests.detectors.events import batch, binary_layout, category, feature_layout, number


def _flaw(value: object) -> int:
    columns = encode(batch(1, {"features.income": [value]}), None, feature_layout(number()))
    return int(columns.flaws[0, 0])


def _code(value: object, **column: object) -> int:
    columns = encode(batch(1, {"features.purpose": [value]}), None, feature_layout(category(**column)))
    return int(columns.codes[0, 0])


@pytest.mark.parametrize("value", [0, -0.0, 1.5, 2**60, -1e300, True, False])
def test_a_finite_number_is_a_value(value: object) -> None:
    columns = encode(batch(1, {"features.income": [value]}), None, feature_layout(number()))
    assert columns.flaws[0, 0] == OK
    assert columns.numeric[0, 0] == float(value)  # type: ignore[arg-type]


@pytest.mark.parametrize("value", [None, math.nan])
def test_nothing_and_nan_are_missing_in_a_number(value: object) -> None:
    assert _flaw(value) == FLAW_MISSING


@pytest.mark.parametrize("value", ["1.5", "", "car", math.inf, -math.inf, 10**400, [1.0], {"a": 1}])
def test_what_is_no_finite_number_is_invalid_in_a_number(value: object) -> None:
    assert _flaw(value) == FLAW_INVALID


def test_a_bad_value_does_not_disturb_its_neighbours() -> None:
    raw = [1.0, "x", None, 2, 10**400, True, math.nan]
    columns = encode(batch(7, {"features.income": raw}), None, feature_layout(number()))
    assert columns.numeric[0].tolist() == [1.0, 0.0, 0.0, 2.0, 0.0, 1.0, 0.0]
    assert columns.flaws[0].tolist() == [OK, FLAW_INVALID, FLAW_MISSING, OK, FLAW_INVALID, OK, FLAW_MISSING]


def test_negative_zero_becomes_zero_because_a_minimum_of_both_would_depend_on_the_order() -> None:
    columns = encode(batch(1, {"features.income": [-0.0]}), None, feature_layout(number()))
    assert math.copysign(1.0, columns.numeric[0, 0]) == 1.0


def test_a_column_that_no_event_carries_is_missing() -> None:
    columns = encode(batch(3, {}), None, feature_layout(number(), category()))
    assert columns.flaws.tolist() == [[FLAW_MISSING] * 3]
    assert columns.codes.tolist() == [[0] * 3]


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ("car", 2),
        ("home", 3),
        (None, 0),
        ("", 0),
        (math.nan, 0),
        (2.5, 1),
        (math.inf, 1),
        (["car"], 1),
        ({"car": 1}, 1),
        ("\ud800", 1),
        (10**400, 1),
    ],
)
def test_a_category_has_the_code_of_its_level_or_of_its_flaw(value: object, code: int) -> None:
    assert _code(value) == code


@pytest.mark.parametrize(("value", "level"), [(True, "true"), (False, "false"), (1, "1"), (1.0, "1"), (-3, "-3")])
def test_a_category_that_is_no_text_is_named_as_json_writes_it(value: object, level: str) -> None:
    assert _code(value, levels=("true", "false", "1", "-3")) == 2 + ("true", "false", "1", "-3").index(level)


def test_true_and_one_and_their_texts_are_told_apart_in_one_batch() -> None:
    raw = [1, True, "1", "true", 1.0, 1, True]
    columns = encode(batch(7, {"features.purpose": raw}), None, feature_layout(category(levels=("1", "true"))))
    assert columns.codes[0].tolist() == [2, 3, 2, 3, 2, 2, 3]


def test_a_list_among_names_is_invalid_and_its_neighbours_are_not() -> None:
    columns = encode(batch(3, {"features.purpose": ["car", [1], "home"]}), None, feature_layout(category()))
    assert columns.codes[0].tolist() == [2, 1, 3]


def test_a_rare_level_is_other_and_not_unseen() -> None:
    column = category(rare=(name_hash("boat"),))
    columns = encode(batch(1, {"features.purpose": ["boat"]}), None, feature_layout(column))
    assert columns.codes[0, 0] == column.other
    assert columns.unseen == ((),)


def test_an_unseen_level_has_the_cell_of_its_hash_and_is_named_once() -> None:
    raw = ["plane", "car", "ship", "plane"]
    column = category()
    columns = encode(batch(4, {"features.purpose": raw}), None, feature_layout(column))
    expected = [column.first_unseen + (name_hash(name) >> 58) for name in ("plane", "ship")]
    assert columns.codes[0].tolist() == [expected[0], 2, expected[1], expected[0]]
    assert columns.unseen == (("plane", "ship"),)


def test_unseen_names_are_the_same_when_they_come_again() -> None:
    layout = feature_layout(category())
    first = encode(batch(1, {"features.purpose": ["plane"]}), None, layout)
    second = encode(batch(1, {"features.purpose": ["plane"]}), None, layout)
    assert first.unseen == second.unseen == (("plane",),)
    assert first.codes.tolist() == second.codes.tolist()


def test_a_flood_of_new_names_is_not_remembered_without_bound() -> None:
    layout = feature_layout(category())
    names = [f"name-{i}" for i in range(20_000)]
    columns = encode(batch(len(names), {"features.purpose": names}), None, layout)
    again = encode(batch(len(names), {"features.purpose": names}), None, layout)
    assert np.array_equal(columns.codes, again.codes)
    assert len(columns.unseen[0]) == 20_000


def test_a_prediction_is_the_code_of_its_class_and_one_more_for_an_unknown_class() -> None:
    columns = encode(batch(4, {"prediction": ["no", "yes", "maybe", None]}), None, binary_layout())
    assert columns.prediction[:3].tolist() == [0.0, 1.0, 2.0]
    assert math.isnan(columns.prediction[3])


def test_a_prediction_sent_as_a_number_is_the_class_of_that_name() -> None:
    layout = binary_layout(classes=("0", "1"), positive="1")
    columns = encode(batch(4, {"prediction": [0, 1, 1.0, "1"]}), None, layout)
    assert columns.prediction.tolist() == [0.0, 1.0, 1.0, 1.0]


def test_a_regression_predicts_numbers_and_an_invalid_one_is_none() -> None:
    layout = feature_layout(number("prediction", role=Role.PREDICTION))
    columns = encode(batch(3, {"prediction": [1.25, "x", None]}), None, layout)
    assert columns.prediction[0] == 1.25
    assert np.isnan(columns.prediction[1:]).all()
    assert columns.flaws[0].tolist() == [OK, FLAW_INVALID, FLAW_MISSING]


def test_a_binary_score_comes_from_score_or_from_the_positive_class_among_scores() -> None:
    values = {"score": [0.25, None, None], "scores": [None, {"yes": 0.75, "no": 0.25}, {"no": 1.0}]}
    columns = encode(batch(3, values), None, binary_layout())
    assert columns.scores[0, :2].tolist() == [0.25, 0.75]
    assert math.isnan(columns.scores[0, 2])
    assert columns.flaws[1].tolist() == [OK, OK, FLAW_MISSING]


@pytest.mark.parametrize("value", [1.1, -0.1, math.inf, "0.5"])
def test_a_score_outside_zero_and_one_is_invalid_and_is_no_score(value: object) -> None:
    columns = encode(batch(1, {"score": [value]}), None, binary_layout())
    assert math.isnan(columns.scores[0, 0])
    assert columns.flaws[1, 0] == FLAW_INVALID


def test_a_score_of_float32_rounding_above_one_is_one() -> None:
    columns = encode(batch(2, {"score": [1.0000001192, -1e-9]}), None, binary_layout())
    assert columns.scores[0].tolist() == [1.0, 0.0]
    assert columns.flaws[1].tolist() == [OK, OK]


def _multiclass_layout() -> Layout:
    return binary_layout(task=Task.MULTICLASS, classes=("a", "b", "c"), positive=None)


def test_multiclass_scores_have_a_row_per_class_and_the_score_column_holds_the_predicted_class() -> None:
    values = {"prediction": ["b", "a", "z"], "scores": [{"a": 0.2, "b": 0.5, "c": 0.3}, {"b": 0.4}, {"a": 1.0}]}
    columns = encode(batch(3, values), None, _multiclass_layout())
    assert columns.scores[:, 0].tolist() == [0.2, 0.5, 0.3]
    assert columns.numeric[1, 0] == 0.5
    assert columns.flaws[1].tolist() == [OK, FLAW_MISSING, FLAW_MISSING]


def test_a_class_that_scores_do_not_name_has_no_probability_rather_than_zero() -> None:
    columns = encode(batch(1, {"prediction": ["a"], "scores": [{"a": 0.9}]}), None, _multiclass_layout())
    assert np.isnan(columns.scores[1:, 0]).all()


def test_scores_that_are_no_object_are_invalid() -> None:
    columns = encode(batch(1, {"prediction": ["a"], "scores": [0.4]}), None, _multiclass_layout())
    assert columns.flaws[1, 0] == FLAW_INVALID


def test_a_group_is_coded_from_one_and_an_undeclared_one_is_zero() -> None:
    columns = encode(batch(4, {"protected.sex": ["F", "M", "X", None]}), None, binary_layout())
    assert columns.groups[0].tolist() == [1, 2, 0, 0]


def test_an_intersection_is_coded_by_the_tuple_of_its_values() -> None:
    sets = (GroupSet(attributes=("sex", "age"), groups=(("F", "old"), ("M", "young"))),)
    values = {"protected.sex": ["F", "M", "F", "M"], "protected.age": ["old", "young", "young", None]}
    columns = encode(batch(4, values), None, binary_layout(groups=sets))
    assert columns.groups[0].tolist() == [1, 2, 0, 0]


def test_rows_select_and_order_the_events() -> None:
    values = {"features.income": [0.0, 1.0, 2.0], "prediction": ["yes", "no", "yes"], "latency_ms": [1, 2, 3]}
    columns = encode(batch(3, values), np.array([2, 1]), binary_layout())
    assert columns.numeric[0].tolist() == [2.0, 1.0]
    assert columns.prediction.tolist() == [1.0, 0.0]
    assert columns.latency_ms.tolist() == [3.0, 2.0]


@pytest.mark.parametrize("rows", [None, [], [1], [0, 1], [2, 0, 1]])
def test_packed_numbers_are_encoded_as_the_numbers_they_pack(rows: list[int] | None) -> None:
    names = ("features.income", "score", "latency_ms")
    raw: dict[str, Sequence[object]] = {name: [0.25, -0.0, math.nan] for name in names}
    packed: dict[str, Sequence[object]] = {name: array("d", [0.25, -0.0, math.nan]) for name in names}
    chosen = None if rows is None else np.array(rows, dtype=np.intp)
    one, other = (encode(batch(3, values), chosen, binary_layout()) for values in (raw, packed))
    for name in ("numeric", "flaws", "scores", "latency_ms"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))


@pytest.mark.parametrize("rows", [[], [1]])
def test_no_row_and_one_row_are_batches_too(rows: list[int]) -> None:
    values = {"features.income": [0.0, 1.0], "prediction": ["yes", "no"], "score": [0.1, 0.2]}
    columns = encode(batch(2, values), np.array(rows, dtype=np.intp), binary_layout())
    assert len(columns) == len(rows)
    assert columns.numeric[0].tolist() == [float(row) for row in rows]


def test_an_empty_batch_has_empty_columns() -> None:
    empty: list[object] = []
    columns = encode(batch(0, {"features.income": empty, "prediction": empty, "status": empty}), None, binary_layout())
    assert len(columns) == 0
    assert columns.numeric.shape == (2, 0)


def test_the_sub_table_is_the_top_of_the_hash_of_the_event_id() -> None:
    columns = encode(batch(2, {}, ids=["a", "b"]), None, binary_layout())
    hashes = [xxhash.xxh3_64_intdigest(name.encode(), BUCKET_SEED) for name in ("a", "b")]
    assert columns.bucket.tolist() == [h >> 60 for h in hashes]
    assert bucket_of(np.array(hashes, dtype=np.uint64)).tolist() == columns.bucket.tolist()


def test_events_of_one_subject_share_a_sub_table_where_subjects_are_declared() -> None:
    values = {"subject_ref": ["anna"] * 50 + [None]}
    layout = binary_layout(subjects=True)
    columns = encode(batch(51, values), None, layout)
    by_id = encode(batch(51, values), None, binary_layout())
    assert len(set(columns.bucket[:50].tolist())) == 1
    assert len(set(by_id.bucket.tolist())) > 8
    assert columns.bucket[50] == by_id.bucket[50]


def test_a_label_in_the_event_is_its_truth() -> None:
    columns = encode(batch(3, {"label": ["no", "other", None]}), None, binary_layout())
    assert columns.truth[:2].tolist() == [0.0, 2.0]
    assert math.isnan(columns.truth[2])


def test_labels_become_codes_or_numbers() -> None:
    codes = encode_truth(["yes", "no", "never seen", None, 2.5], binary_layout())
    assert codes[:3].tolist() == [1.0, 0.0, 2.0]
    assert np.isnan(codes[3:]).all()
    values = encode_truth([1, 2.5, "x", None], feature_layout())
    assert values[:2].tolist() == [1.0, 2.5]
    assert np.isnan(values[2:]).all()


@pytest.mark.parametrize("status", ["ok", "OK", "success", None, "", 0, 200, 204, "200"])
def test_an_answer_is_no_failure(status: object) -> None:
    assert not encode(batch(1, {"status": [status]}), None, binary_layout()).failed[0]


@pytest.mark.parametrize("status", ["error", "timeout", 500, 404, "503", 2.5, ["ok"], "20", 1])
def test_any_other_status_is_a_failure(status: object) -> None:
    assert encode(batch(1, {"status": [status]}), None, binary_layout()).failed[0]


def test_a_negative_or_unreadable_latency_is_none() -> None:
    columns = encode(batch(4, {"latency_ms": [12.5, -1.0, "fast", None]}), None, binary_layout())
    assert columns.latency_ms[0] == 12.5
    assert np.isnan(columns.latency_ms[1:]).all()


_RAW = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=3), st.lists(st.integers(), max_size=2)
)


@settings(max_examples=60, deadline=None)
@given(st.lists(_RAW, max_size=12))
def test_each_value_is_encoded_alone_whatever_stands_beside_it(raw: list[object]) -> None:
    names = ("features.income", "features.purpose", "prediction", "score", "label", "status", "latency_ms")
    layout = binary_layout()
    together = encode(batch(len(raw), dict.fromkeys(names, raw)), None, layout)
    for i, value in enumerate(raw):
        alone = encode(batch(1, {name: [value] for name in names}), None, layout)
        for field in ("numeric", "flaws", "codes", "scores"):
            np.testing.assert_array_equal(getattr(together, field)[:, i], getattr(alone, field)[:, 0])
        for field in ("prediction", "truth", "failed", "latency_ms"):
            np.testing.assert_array_equal(getattr(together, field)[i], getattr(alone, field)[0])
