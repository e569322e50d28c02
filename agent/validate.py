"""Checks of settings that need to know the detectors: names of metrics and families."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from config.errors import Problem
from config.settings import Settings
from detectors.measurement import Rule

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
    problems = list(_unknown("thresholds", _names(data, "thresholds"), known, RULED))
    for path, model in _models(data):
        problems += _unknown(f"{path}.thresholds", _names(model, "thresholds"), known, RULED)
        problems += _unknown(f"{path}.detectors", _names(model, "detectors"), families, "detector family")
        if measures:
            problems += _unknown(f"{path}.baseline", _names(model, "baseline"), measures, "measure")
    if measures:
        exposed = _names(_section(data, "exposition"), "measures")
        problems += _unknown("exposition.measures", exposed, measures, "measure")
    return tuple(problems)


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
