"""Contexts: what the settings, the reference and the detectors make of a model."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.flow.contexts import Context, Contexts
from config.errors import SettingsError
from detectors.measurement import Measurement, Stage, Track
from tests.agent.stage import settings_of

RATE = Measurement("error_rate", value=0.2, effect=0.2, effect_lower=0.1, effect_upper=0.3)


def context(directory: Path, **changes: object) -> Context:
    return next(Contexts(settings_of(directory, **changes)).of_models())


def test_names_that_no_detector_has_stop_the_start(tmp_path: Path) -> None:
    settings = settings_of(
        tmp_path,
        thresholds={"js_distnace": {"tolerance": 0.2}},
        detectors={"drfit": False},
        baseline={"acuracy": 0.9},
        root={"exposition": {"measures": ["psi", "pis"]}},
    )
    with pytest.raises(SettingsError) as caught:
        Contexts(settings)
    assert [(problem.path, problem.remedy) for problem in caught.value.problems] == [
        ("systems[0].models[0].thresholds.js_distnace", "Did you mean js_distance?"),
        ("systems[0].models[0].detectors.drfit", "Did you mean drift?"),
        ("systems[0].models[0].baseline.acuracy", "Did you mean accuracy?"),
        ("exposition.measures.pis", "Did you mean psi?"),
    ]


def test_a_measure_without_a_tolerance_informs_until_the_settings_state_one(tmp_path: Path) -> None:
    assert not context(tmp_path).decides(RATE, Stage.WINDOW)
    stated = context(tmp_path, thresholds={"error_rate": {"tolerance": 0.05}})
    assert stated.decides(RATE, Stage.WINDOW)
    assert not stated.decides(RATE, Stage.LABELS)
    assert stated.policy("error_rate", "").track is Track.HEALTH


def test_the_volume_of_a_version_informs_and_has_no_share_in_the_budget(tmp_path: Path) -> None:
    of_version = Measurement("volume", value=3.0, n=3)
    assert not context(tmp_path).decides(of_version, Stage.WINDOW)


def test_a_tolerance_for_one_model_does_not_switch_on_what_is_off_for_all(tmp_path: Path) -> None:
    changed = context(
        tmp_path,
        thresholds={"unusable_share": {"tolerance": 0.05}},
        root={"thresholds": {"unusable_share": {"enabled": False}}},
    )
    policy = changed.policy("unusable_share", "x")
    assert (policy.tolerance, policy.enabled) == (0.05, False)
