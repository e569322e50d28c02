"""Checks of settings that need to know the detectors: names of metrics and families, and what values they can have."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from config.errors import Problem
from config.settings import Settings
from detectors.layout import Task
from detectors.measurement import Rule
from detectors.ranges import fits, largest_effect, performance_of, values_of

RULED = "metric with a threshold"


def check_metrics(
    settings: Settings, known: Mapping[str, Rule], families: Collection[str] = (), measures: Collection[str] = ()
) -> tuple[Problem, ...]:
    """Names in the settings that no detector has.

    Args:
        known: the rule of every metric that can decide.
        families: all detector families; those of the rules if not given.
        measures: all names of measures, also of those that only inform; where not given, such names are not checked.
    """
    return check_names(settings.model_dump(by_alias=True), known, families, measures)


def check_names(
    data: Mapping[str, Any], known: Mapping[str, Rule], families: Collection[str] = (), measures: Collection[str] = ()
) -> tuple[Problem, ...]:
    """The same for settings as they were written, which may have other mistakes: what has not the form of names is passed
    over."""
    families = families or {rule.family for rule in known.values()}
    problems = list(_thresholds("", data, known))
    for path, model in _models(data):
        problems += _thresholds(f"{path}.", model, known)
        problems += _unknown(f"{path}.detectors", _names(model, "detectors"), families, "detector family")
        if measures:
            problems += _unknown(f"{path}.baseline", _names(model, "baseline"), measures, "measure")
            problems += _unfit_baselines(path, model, measures)
    if measures:
        exposed = _names(_section(data, "exposition"), "measures")
        problems += _unknown("exposition.measures", exposed, measures, "measure")
    return tuple(problems)


def _thresholds(before: str, section: Mapping[str, Any], known: Mapping[str, Rule]) -> Iterator[Problem]:
    """Metrics that no detector has, and tolerances that no effect can exceed."""
    yield from _unknown(f"{before}thresholds", _names(section, "thresholds"), known, RULED)
    for metric, threshold in _section(section, "thresholds").items():
        stated = _number(threshold.get("tolerance")) if isinstance(threshold, Mapping) else None
        if metric in known and stated is not None and stated > largest_effect(metric):
            yield Problem(
                f"{before}thresholds.{metric}.tolerance",
                f"{stated:g} is above {largest_effect(metric):g}, the largest effect of {metric}: it would never breach",
                "Write a smaller number; enabled: false switches the metric off.",
            )


def _unfit_baselines(path: str, model: Mapping[str, Any], measures: Collection[str]) -> Iterator[Problem]:
    """Stated values of measures that a model of this task does not have, and values that they cannot have."""
    task = model.get("task")
    if task not in tuple(Task):
        return
    fitting = performance_of(Task(task))
    for metric, written in _section(model, "baseline").items():
        place, value = f"{path}.baseline.{metric}", _number(written)
        if metric in measures and metric not in fitting:
            yield Problem(
                place, f"the performance of a {task} model has no {metric}", f"Name one of: {', '.join(fitting)}."
            )
        elif metric in fitting and value is not None and not fits(metric, value):
            low, high = values_of(metric)
            yield Problem(place, f"{metric} cannot be {value:g}", f"It lies between {low:g} and {high:g}.")


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _models(data: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for i, system in enumerate(_list(data, "systems")):
        for j, model in enumerate(_list(system, "models")):
            yield f"systems[{i}].models[{j}]", model


def _list(data: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    value = data.get(key)
    return [one for one in value if isinstance(one, Mapping)] if isinstance(value, list | tuple) else []


def _section(data: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = data.get(key)
    return value if isinstance(value, Mapping) else {}


def _names(data: Mapping[str, Any], key: str) -> list[str]:
    value = data.get(key)
    return [name for name in value if isinstance(name, str)] if isinstance(value, Mapping | list | tuple) else []


def _unknown(path: str, names: Collection[str], known: Collection[str], what: str) -> Iterator[Problem]:
    for name in names:
        if name not in known:
            close = difflib.get_close_matches(name, known, n=1)
            remedy = f"Did you mean {close[0]}?" if close else f"Known: {', '.join(sorted(known))}."
            yield Problem(f"{path}.{name}", f"there is no {what} of this name", remedy)
