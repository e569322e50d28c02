from __future__ import annotations

import msgspec
import numpy as np
import pytest
import xxhash

from detectors.layout import (
    NAME_SEED,
    UNSEEN_CELLS,
    GroupSet,
    Layout,
    Task,
    name_hash,
    uniform_score_edges,
)
from tests.detectors.events import binary_layout, category, feature_layout, number


def test_cells_and_codes_are_numbered_as_documented() -> None:
    assert number(edges=(0.0, 1.0, 2.0)).cells == 2 + 1 + 2 + 1  # missing, invalid; below; two values; above
    column = category(levels=("a", "b"))
    assert (column.other, column.first_unseen, column.cells) == (4, 5, 5 + UNSEEN_CELLS)


def test_offsets_say_where_each_column_begins_and_the_last_ends() -> None:
    layout = feature_layout(number(edges=(0.0, 1.0)), number("age", edges=(0.0,)), category(levels=("a",)))
    assert layout.numeric_offsets.tolist() == [0, 5, 9]
    assert layout.categorical_offsets.tolist() == [0, 4 + UNSEEN_CELLS]


def test_a_layout_without_columns_has_empty_tables() -> None:
    assert feature_layout().numeric_offsets.tolist() == [0]


def test_the_digest_is_that_of_the_content() -> None:
    assert binary_layout().digest == binary_layout().digest
    assert binary_layout().digest != binary_layout(subjects=True).digest
    assert len(binary_layout().digest) == 16


def test_a_layout_comes_back_from_json_with_the_same_digest() -> None:
    layout = binary_layout()
    back = msgspec.json.decode(msgspec.json.encode(layout), type=Layout)
    assert back == layout
    assert back.digest == layout.digest


def test_what_is_derived_is_made_once_and_is_no_part_of_the_layout() -> None:
    made: list[Layout] = []

    def build(layout: Layout) -> int:
        made.append(layout)
        return len(layout.numeric)

    layout = binary_layout()
    assert (layout.derived(build), layout.derived(build)) == (2, 2)
    assert len(made) == 1
    assert layout == binary_layout()
    assert layout.digest == binary_layout().digest


def test_score_edges_cover_zero_and_one() -> None:
    edges = np.array(uniform_score_edges())
    assert len(edges) == 129
    assert np.searchsorted(edges, [0.0, 1.0], side="right").tolist() == [1, 128]


@pytest.mark.parametrize(
    ("task", "scored", "count"),
    [(Task.BINARY, True, 1), (Task.MULTICLASS, True, 2), (Task.MULTICLASS, False, 0), (Task.BINARY, False, 0)],
)
def test_scores_kept_per_event_follow_the_task(task: Task, scored: bool, count: int) -> None:
    assert binary_layout(task=task, scored=scored).score_count == count


def test_the_positive_code_is_that_of_the_positive_class() -> None:
    assert binary_layout().positive_code == 1
    assert feature_layout().positive_code == -1


def test_group_codes_leave_zero_for_the_undeclared() -> None:
    group_set = GroupSet(attributes=("sex", "age"), groups=(("F", "old"), ("M", "old")))
    assert (group_set.name, group_set.codes) == ("sex x age", 3)


def test_the_hash_of_a_name_is_keyed_and_recorded() -> None:
    assert name_hash("car") == xxhash.xxh3_64_intdigest(b"car", NAME_SEED)
    assert name_hash("car") == RECORDED_HASH


RECORDED_HASH = 0xE6F36F210E375045
