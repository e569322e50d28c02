"""What every detector keeps to. Listing a family in ``detectors/families.py`` is what tests it here."""

from __future__ import annotations

import math
import re
from dataclasses import fields
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.families import FAMILIES, RULES, tallies_of
from detectors.family import Family, Frame
from detectors.layout import Task
from detectors.measurement import Measurement, Stage
from detectors.tables import Tables, total
from tests.detectors.conformance import MODELS, Model, Rows

ROOT = Path(__file__).resolve().parents[2]
NEEDS_OTHER_DATA = {"envelope_share", "bias_in_reference"}
"""Measured only where a range is declared, or where the reference itself is unfair: their own tests show them."""
JUDGED_BY_THE_AGENT = {"volume"}
"""Compared with windows of the past, which no table holds."""
INFERENCES, LABELLED = tallies_of(FAMILIES)

each_family = pytest.mark.parametrize("family", FAMILIES, ids=lambda family: str(family.name))
each_task = pytest.mark.parametrize("task", list(Task))
each_stage = pytest.mark.parametrize("stage", list(Stage))


def count(model: Model, rows: Rows) -> Tables:
    counted = [tally.count(rows.columns, model.layout) for tally in INFERENCES]
    return total([*counted, *(tally.count(rows.labelled, model.layout) for tally in LABELLED)])


def frame(model: Model, reference: Tables | None, stage: Stage, predictions: int = 2_000) -> Frame:
    favourable = model.layout.classes[0] if model.layout.classes else None
    return Frame(
        layout=model.layout, reference=reference, z=3.0, stage=stage, predictions=predictions, favourable=favourable
    )


def measured(family: Family, task: Task, stage: Stage, reference: bool = True) -> list[Measurement]:
    model = MODELS[task]
    trusted = count(model, model.rows(1, 4_000)) if reference else None
    return list(family.measure(count(model, model.rows(2, 2_000)), frame(model, trusted, stage)))


def test_names_of_families_tallies_and_rules_are_their_own() -> None:
    names = [family.name for family in FAMILIES]
    rules = [rule.metric for family in FAMILIES for rule in family.rules]
    tallies = [tally.name for tally in (*INFERENCES, *LABELLED)]
    assert len(set(names)) == len(names)
    assert len(set(rules)) == len(rules)
    assert len(set(tallies)) == len(tallies)


@each_family
def test_a_rule_belongs_to_its_family_and_can_open_and_clear(family: Family) -> None:
    for rule in family.rules:
        assert rule.family == family.name
        assert rule.tolerance >= 0
        assert rule.open_after >= 1
        assert rule.clear_after >= 1


@each_task
@pytest.mark.parametrize("tally", [*INFERENCES, *LABELLED], ids=lambda tally: str(tally.name))
def test_a_tally_fills_the_tables_that_it_declares_under_its_own_name(tally: object, task: Task) -> None:
    model = MODELS[task]
    rows = model.rows(1, 50)
    batch = rows.columns if tally in INFERENCES else rows.labelled
    counted = tally.count(batch, model.layout)  # type: ignore[attr-defined]
    declared = {spec.name: spec for spec in tally.specs(model.layout)}  # type: ignore[attr-defined]
    assert counted.specs == declared
    assert all(name.startswith(f"{tally.name}.") for name in declared)  # type: ignore[attr-defined]


@each_task
@settings(max_examples=25)
@given(seed=st.integers(0, 2**32 - 1), cuts=st.lists(st.integers(0, 200), max_size=4).map(sorted))
def test_counting_is_addition_whatever_the_order_and_the_split(task: Task, seed: int, cuts: list[int]) -> None:
    model = MODELS[task]
    rows = model.rows(3, 200)
    order = np.random.default_rng(seed).permutation(len(rows))
    parts = [rows.take(part) for part in np.array_split(order, cuts)]
    assert total([count(model, part) for part in parts]).to_bytes() == count(model, rows).to_bytes()


@each_family
@each_task
@each_stage
def test_the_same_tables_give_the_same_measurements(family: Family, task: Task, stage: Stage) -> None:
    assert measured(family, task, stage) == measured(family, task, stage)


@each_family
@each_task
@each_stage
@pytest.mark.parametrize("reference", [True, False])
def test_a_measurement_is_a_finite_number_or_a_named_reason(
    family: Family, task: Task, stage: Stage, reference: bool
) -> None:
    for found in measured(family, task, stage, reference):
        assert found.value is not None or found.reason, found
        assert found.effect is None or found.reason is None, found
        numbers = [getattr(found, field.name) for field in fields(found)]
        assert all(math.isfinite(number) for number in numbers if isinstance(number, float)), found


@each_family
@each_task
@each_stage
def test_a_metric_and_its_subject_are_measured_once(family: Family, task: Task, stage: Stage) -> None:
    keys = [(found.metric, found.subject) for found in measured(family, task, stage)]
    assert len(set(keys)) == len(keys)


@each_family
@each_task
@each_stage
def test_an_interval_holds_its_value(family: Family, task: Task, stage: Stage) -> None:
    for found in measured(family, task, stage):
        if found.effect is None or found.effect_lower is None or found.effect_upper is None:
            continue
        assert found.effect_lower <= found.effect_upper, found


@each_family
@each_task
@each_stage
def test_an_empty_window_and_an_empty_reference_are_no_accident(family: Family, task: Task, stage: Stage) -> None:
    model = MODELS[task]
    empty, full = count(model, model.rows(1, 0)), count(model, model.rows(1, 500))
    for window, reference in ((empty, full), (full, empty), (empty, None), (Tables({}, {}), full)):
        for found in family.measure(window, frame(model, reference, stage, predictions=0)):
            assert found.value is None or math.isfinite(found.value), found


@each_task
def test_what_decides_is_measured_at_the_stage_of_its_rule(task: Task) -> None:
    at = {stage: {m.metric for family in FAMILIES for m in measured(family, task, stage)} for stage in Stage}
    for one, other in combinations(Stage, 2):
        both = at[one] & at[other] & set(RULES)
        assert not both, f"measured at both stages: {both}"
    for metric in set(RULES) & (at[Stage.WINDOW] | at[Stage.LABELS]):
        assert metric in at[RULES[metric].stage]


@each_family
def test_what_a_family_yields_is_what_it_declares(family: Family) -> None:
    found = {
        m.metric
        for task in Task
        for stage in Stage
        for has in (True, False)
        for m in measured(family, task, stage, has)
    }
    assert len(set(family.measures)) == len(family.measures)
    assert found <= set(family.measures)
    assert set(family.measures) - found <= NEEDS_OTHER_DATA
    assert {rule.metric for rule in family.rules} <= set(family.measures)


@each_family
def test_what_is_judged_has_an_effect_and_what_has_an_effect_has_a_rule(family: Family) -> None:
    found = [m for task in Task for stage in Stage for m in measured(family, task, stage)]
    with_effect = {m.metric for m in found if m.effect is not None}
    ruled = {rule.metric for rule in family.rules}
    assert with_effect <= ruled
    assert ruled - with_effect <= NEEDS_OTHER_DATA | JUDGED_BY_THE_AGENT


@each_family
def test_every_measure_has_its_heading_in_the_docs(family: Family) -> None:
    headings = " ".join(re.findall(r"^#+ .*$", (ROOT / "docs" / "statistics.md").read_text(), re.MULTILINE))
    documented = set(re.findall(r"`(\w+)`", headings))
    assert set(family.measures) <= documented, f"no heading: {sorted(set(family.measures) - documented)}"
