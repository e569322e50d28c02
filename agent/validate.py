"""Checks of settings that need to know the detectors: names of metrics and families."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterator, Mapping

from config.errors import Problem
from config.settings import Settings, Threshold
from detectors.measurement import Rule


def check_metrics(
    settings: Settings, known: Mapping[str, Rule], families: Collection[str] = (), measures: Collection[str] = ()
) -> tuple[Problem, ...]:
    """Names in the settings that no detector has.

    Args:
        known: the rule of every metric that can decide.
        families: all detector families; those of the rules if not given.
        measures: all names of measures, also of those that only inform; where not given, such names are not checked.
    """
    families = families or {rule.family for rule in known.values()}
    problems = list(_thresholds("thresholds", settings.thresholds, known))
    for i, system in enumerate(settings.systems):
        for j, model in enumerate(system.models):
            path = f"systems[{i}].models[{j}]"
            problems += _thresholds(f"{path}.thresholds", model.thresholds, known)
            problems += _unknown(f"{path}.detectors", model.detectors, families, "detector family")
            if measures:
                problems += _unknown(f"{path}.baseline", model.baseline, measures, "measure")
    if measures:
        problems += _unknown("exposition.measures", settings.exposition.measures, measures, "measure")
    return tuple(problems)


def _thresholds(path: str, thresholds: Mapping[str, Threshold], known: Mapping[str, Rule]) -> Iterator[Problem]:
    yield from _unknown(path, thresholds, known, "metric with a threshold")


def _unknown(path: str, names: Collection[str], known: Collection[str], what: str) -> Iterator[Problem]:
    for name in names:
        if name not in known:
            close = difflib.get_close_matches(name, known, n=1)
            remedy = f"Did you mean {close[0]}?" if close else f"Known: {', '.join(sorted(known))}."
            yield Problem(f"{path}.{name}", f"there is no {what} of this name", remedy)
