"""Multi-class models and regressions through the whole pipeline: equal to scikit-learn on the same raw rows."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn import metrics as sk

from agent.replay.run import MEASUREMENTS, replay
from config.settings import from_mapping
from tests.agent.world import write

pytestmark = pytest.mark.slow

EVENTS = 4000
EXACT = 1e-9
CLASSES = ("billing", "delivery", "returns", "technical")
COLOURS = ("red", "green", "blue")


def measured(directory: Path, model: dict[str, Any], bodies: Iterable[dict[str, Any]]) -> dict[tuple[str, str], Any]:
    """Lines of measurements.jsonl by metric and subject; the label of each event comes within it."""
    declared = {"labels": {"horizon": "1h", "in_event": True}, "window": {"length": "1d"}, **model}
    system = {"id": "s", "owner": "o", "purpose": "p", "models": [declared]}
    settings = from_mapping({"source": {"type": "files", "paths": ["x"]}, "systems": [system]}, directory)
    lines = [json.dumps(event(number, model["name"], body)).encode() for number, body in enumerate(bodies)]
    replay(settings, [write(directory / "events.jsonl", lines)], directory)
    found = [json.loads(line) for line in (directory / MEASUREMENTS).read_text().splitlines()]
    return {(one["metric"], one.get("subject", "")): one["value"] for one in found if "value" in one}


def event(number: int, model: str, body: dict[str, Any]) -> dict[str, Any]:
    second = 86_400 * number // EVENTS
    return {
        "schema_version": "1",
        "event_type": "inference",
        "event_id": str(number),
        "occurred_at": f"2026-05-01T{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}Z",
        "system_id": "s",
        "model": {"name": model, "version": "1"},
        **body,
    }


def test_a_multiclass_model_is_measured_as_scikit_learn_measures_it(tmp_path: Path) -> None:
    chance = np.random.default_rng(5)
    truth = chance.choice(4, EVENTS, p=(0.4, 0.3, 0.2, 0.1))
    scores = chance.dirichlet((1.0, 1.0, 1.0, 1.0), EVENTS) * 0.5 + 0.5 * np.eye(4)[truth] * 0.8 + 0.025
    scores /= scores.sum(axis=1, keepdims=True)
    prediction = np.where(chance.random(EVENTS) < 0.1, 0, scores.argmax(axis=1))
    bodies = (
        {
            "prediction": CLASSES[prediction[row]],
            "scores": dict(zip(CLASSES, scores[row].tolist(), strict=True)),
            "label": CLASSES[truth[row]],
        }
        for row in range(EVENTS)
    )
    model = {"name": "router", "task": "multiclass", "classes": list(CLASSES), "scored": True, "columns": {}}
    found = measured(tmp_path, model, bodies)
    expected = {
        ("accuracy", ""): sk.accuracy_score(truth, prediction),
        ("balanced_accuracy", ""): sk.balanced_accuracy_score(truth, prediction),
        ("mcc", ""): sk.matthews_corrcoef(truth, prediction),
        ("log_loss", ""): sk.log_loss(truth, scores),
    }
    names = ("precision", "recall", "f1")
    for average in ("macro", "weighted", "micro"):
        of_average = sk.precision_recall_fscore_support(truth, prediction, average=average)[:3]
        expected |= {(f"{name}_{average}", ""): value for name, value in zip(names, of_average, strict=True)}
    for name, of_classes in zip(names, sk.precision_recall_fscore_support(truth, prediction), strict=False):
        expected |= {(name, label): value for label, value in zip(CLASSES, of_classes, strict=True)}
    cells = np.searchsorted(np.linspace(0, 1, 129)[1:-1], scores, side="right")
    areas = [sk.roc_auc_score(truth == number, cells[:, number]) for number in range(4)]
    expected |= {("roc_auc", label): area for label, area in zip(CLASSES, areas, strict=True)}
    expected["roc_auc", ""] = np.mean(areas)
    assert {key: found[key] for key in expected} == pytest.approx(expected, rel=EXACT)


def test_a_regression_is_measured_as_scikit_learn_measures_it(tmp_path: Path) -> None:
    chance = np.random.default_rng(6)
    truth = np.exp(chance.normal(3.0, 0.5, EVENTS))
    colour = chance.choice(COLOURS, EVENTS)
    prediction = truth * chance.normal(1.02, 0.1, EVENTS) + np.where(colour == "red", 1.5, 0.0)
    bodies = (
        {
            "prediction": float(prediction[row]),
            "label": float(truth[row]),
            "protected": {"colour": str(colour[row])},
        }
        for row in range(EVENTS)
    )
    model = {
        "name": "eta",
        "task": "regression",
        "columns": {},
        "protected": {"colour": list(COLOURS)},
        "baseline": {"mae": 2.0},
    }
    found = measured(tmp_path, model, bodies)
    error = prediction - truth
    by_colour = {one: error[colour == one].mean() for one in COLOURS}
    expected = {
        ("mae", ""): sk.mean_absolute_error(truth, prediction),
        ("mean_error", ""): error.mean(),
        ("rmse", ""): sk.root_mean_squared_error(truth, prediction),
        ("mape", ""): sk.mean_absolute_percentage_error(truth, prediction),
        ("smape", ""): (2 * abs(error) / (abs(truth) + abs(prediction))).mean(),
        ("r2", ""): sk.r2_score(truth, prediction),
        ("correlation", ""): np.corrcoef(truth, prediction)[0, 1],
        ("mean_error_difference", "colour"): max(by_colour.values()) - min(by_colour.values()),
    }
    expected |= {("group_mean_error", f"colour={one}"): value for one, value in by_colour.items()}
    assert {key: found[key] for key in expected} == pytest.approx(expected, rel=EXACT)
