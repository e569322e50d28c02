"""Layouts from rows and from declarations."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from config.errors import LayoutError
from detectors.declaration import Declaration, DeclaredColumn
from detectors.layout import GroupSet, Role, Task, name_hash, uniform_score_edges
from detectors.layouts import Sample, build_layout, declared_layout

CREDIT = Declaration(
    task=Task.BINARY,
    columns=(
        DeclaredColumn("income", "number", minimum=0.0, maximum=1e6),
        DeclaredColumn("purpose", "category"),
        DeclaredColumn("channel", "category", levels=("web", "branch"), required=False),
    ),
    classes=("approve", "deny"),
    positive="approve",
    groups=(GroupSet(attributes=("sex",), groups=(("F",), ("M",))),),
)
HOUSE = Declaration(task=Task.REGRESSION, columns=(DeclaredColumn("area", "number"),))


def credit_sample(rows: int = 4000) -> Sample:
    rng = np.random.default_rng(11)
    scores = rng.random(rows)
    return Sample(
        numbers={"income": rng.lognormal(10, 1, rows)},
        levels={"purpose": {"car": 100, "house": 300}, "channel": {"web": 10, "phone": 5}},
        predicted={"deny": 3000, "approve": 1000},
        scores=scores,
        monitored_scores=scores,
    )


def test_a_binary_model_has_its_features_its_prediction_and_its_score() -> None:
    layout = build_layout(CREDIT, credit_sample())
    assert [(c.name, c.role) for c in layout.numeric] == [("income", Role.FEATURE), ("score", Role.SCORE)]
    assert [(c.name, c.role) for c in layout.categorical] == [
        ("purpose", Role.FEATURE),
        ("channel", Role.FEATURE),
        ("prediction", Role.PREDICTION),
    ]
    assert layout.scored
    assert layout.groups == CREDIT.groups


def test_levels_are_ordered_by_mass_in_the_reference() -> None:
    layout = build_layout(CREDIT, credit_sample())
    assert layout.categorical[0].levels == ("house", "car")
    assert layout.categorical[2].levels == ("deny", "approve")


def test_declared_levels_are_the_only_ones() -> None:
    channel = build_layout(CREDIT, credit_sample()).categorical[1]
    assert (channel.levels, channel.rare, channel.closed, channel.required) == (("web", "branch"), (), True, False)


def test_the_declared_envelope_does_not_move_the_edges() -> None:
    income = build_layout(CREDIT, credit_sample()).numeric[0]
    values = credit_sample().numbers["income"]
    assert (income.minimum, income.maximum) == (0.0, 1e6)
    assert income.edges[0] == pytest.approx(values.min(), rel=1e-6)
    assert income.edges[-1] == pytest.approx(values.max(), rel=1e-6)


def test_rows_without_scores_make_an_unscored_layout() -> None:
    none = np.empty(0)
    layout = build_layout(CREDIT, replace(credit_sample(), scores=none, monitored_scores=none))
    assert not layout.scored
    assert layout.score_edges == ()


def test_scores_that_are_promised_but_absent_are_refused() -> None:
    none = np.empty(0)
    with pytest.raises(LayoutError, match="scored: no"):
        build_layout(replace(CREDIT, scored=True), replace(credit_sample(), scores=none))


@pytest.mark.parametrize(
    "declaration", [replace(CREDIT, classes=()), replace(CREDIT, positive=None), replace(CREDIT, positive="maybe")]
)
def test_a_classifier_without_its_classes_is_refused(declaration: Declaration) -> None:
    with pytest.raises(LayoutError):
        build_layout(declaration, credit_sample())
    with pytest.raises(LayoutError):
        declared_layout(declaration)


def test_a_regression_is_cut_by_its_predictions_and_errors() -> None:
    rng = np.random.default_rng(12)
    predictions, truth = rng.normal(300, 60, 5000), rng.normal(300, 60, 5000)
    sample = Sample(
        numbers={"area": rng.normal(size=5000)},
        predictions=predictions,
        truth=truth,
        errors=np.abs(truth - predictions),
    )
    layout = build_layout(HOUSE, sample)
    assert [c.role for c in layout.numeric] == [Role.FEATURE, Role.PREDICTION]
    assert layout.target_centre == np.median(truth)
    assert layout.target_scale == 64.0
    assert layout.error_edges[0] == 0.0
    assert layout.error_edges[-1] > sample.errors.max()
    assert layout.categorical == ()


def test_a_regression_without_labels_still_has_error_cells() -> None:
    layout = build_layout(HOUSE, Sample(predictions=np.linspace(0, 400, 100)))
    assert np.all(np.diff(layout.error_edges) > 0)
    assert layout.error_edges[1] < layout.target_scale < layout.error_edges[-1]


def test_without_a_reference_a_declared_range_gives_32_uniform_cells() -> None:
    income = declared_layout(CREDIT).numeric[0]
    assert len(income.edges) == 33
    assert income.edges[0] == 0.0
    assert income.edges[-1] == np.nextafter(1e6, np.inf)
    assert income.centre == 5e5


def test_without_a_reference_a_number_without_a_range_is_watched_for_type_and_presence_only() -> None:
    layout = declared_layout(HOUSE)
    assert all(column.edges == () for column in layout.numeric)
    assert layout.numeric[0].cells == 3


def test_without_a_reference_scores_have_128_uniform_cells_where_declared() -> None:
    layout = declared_layout(replace(CREDIT, scored=True))
    assert layout.score_edges == layout.numeric[-1].edges == uniform_score_edges()
    assert not declared_layout(CREDIT).scored


def test_a_stated_error_sizes_the_grid_of_a_regression_without_reference() -> None:
    assert declared_layout(replace(HOUSE, stated_error=900.0)).target_scale == 1024.0


def test_rare_levels_of_a_wide_category_are_kept_as_hashes() -> None:
    counts = {f"city-{i}": 5000 - i for i in range(400)}
    layout = build_layout(CREDIT, replace(credit_sample(), levels={"purpose": counts}))
    purpose = layout.categorical[0]
    assert len(purpose.levels) == 256
    assert set(purpose.rare) == {name_hash(f"city-{i}") for i in range(256, 400)}


def test_the_same_rows_give_the_same_digest_and_another_row_another() -> None:
    once, again = build_layout(CREDIT, credit_sample()), build_layout(CREDIT, credit_sample())
    assert once.digest == again.digest
    assert once.digest != build_layout(CREDIT, credit_sample(3999)).digest
