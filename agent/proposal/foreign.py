"""Proposing a mapping for events of a foreign shape: which path is the id, the time, the answer, the score, the truth.

A path is chosen by its name, and only where its values fit. What no rule takes is a feature. Whoever runs ``wachter init``
looks at the result once; nothing of this happens at run time.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from agent.proposal.native import Columns, NothingToPropose, Proposal, Values, outcome_of
from agent.proposal.sample import Event, columns_of
from config.settings.model import OWN_COLUMNS
from detectors.profile import is_epoch, is_missing, is_number, is_time_text, profile_column

TIME_UNITS = (("s", 1e11), ("ms", 1e14), ("us", 1e17), ("ns", float("inf")))
"""A present time in a unit is below its bound."""


@dataclass(frozen=True, slots=True)
class _Rule:
    """Which path fills a field: the first that matches, in the order of the patterns, whose values fit."""

    field: str
    names: tuple[str, ...]
    fits: Callable[[Values], bool]
    needed: bool = False


def _texts_or_numbers(values: Values) -> bool:
    return all(isinstance(value, str | int | float) for value in values)


def _distinct(values: Values) -> bool:
    return _texts_or_numbers(values) and len(set(values)) > 0.95 * len(values)


def _times(values: Values) -> bool:
    return all(is_time_text(value) or is_epoch(value) for value in values)


def _shares(values: Values) -> bool:
    return all(is_number(value) and 0 <= float(value) <= 1 for value in values)  # type: ignore[arg-type]


RULES = (
    _Rule(
        "event_id",
        (r"event_?id", r"(request|inference|prediction|transaction|trace)_?id", r"id", r"uuid"),
        _distinct,
        True,
    ),
    _Rule(
        "occurred_at",
        (r"occurred_?at", r"(event|request)?_?time(stamp)?", r"ts|date|datetime|created_?at|at", r".*time.*"),
        _times,
        True,
    ),
    _Rule("score", (r"score", r"prob(a|ability)?", r"confidence", r".*(score|prob|proba)"), _shares),
    _Rule("label", (r"label", r"(ground_?)?truth", r"actual|target|outcome|y_?true|y"), _texts_or_numbers),
    _Rule(
        "prediction",
        (
            r"prediction",
            r"predicted(_class|_label|_value)?|pred|y_?pred|y_?hat",
            r"decision|answer|output|result|class",
        ),
        _texts_or_numbers,
        True,
    ),
    _Rule("version", (r"(model_?)?version",), _texts_or_numbers),
    _Rule("latency_ms", (r"latency_?ms|duration_?ms",), lambda values: all(is_number(value) for value in values)),
    _Rule("subject_ref", (r"(user|customer|subject|client)_?(id|ref)",), _texts_or_numbers),
)
FEATURE_ROOTS = re.compile(r"^\$\.(.*\.)?(features|inputs?|instances?|x)(?=[.[])", re.IGNORECASE)


def propose_foreign(events: Sequence[Event], name: str) -> Proposal:
    """From objects of an unknown shape.

    Args:
        name: of the topic or file; system and model are called so.

    Raises:
        NothingToPropose: which field could not be found.
    """
    columns = {path: values for path, values in columns_of(events).items() if not all(map(is_missing, values))}
    fields = choose_fields(columns)
    features = {_renamed(_feature_name(path)): path for path in columns if path not in fields.values()}
    profiles = tuple(profile_column(feature, columns[path]) for feature, path in features.items())
    watched = {profile.name: features[profile.name] for profile in profiles if profile.kind != "left_out"}
    constants = {"system_id": name, "model": name} | ({} if "version" in fields else {"version": "1"})
    values = {field: columns[path] for field, path in fields.items()}
    return Proposal(
        system=name,
        model=name,
        outcome=outcome_of(values["prediction"], values.get("label", ()), values.get("score", ()), {}),
        columns=profiles,
        protected={},
        labels="in_event" if "label" in fields else "none",
        mapping=fields | map_features(watched),
        time=time_format(values["occurred_at"]),
        constants=constants,
    )


def choose_fields(columns: Columns) -> dict[str, str]:
    """Path by field.

    Raises:
        NothingToPropose: a needed field has no path.
    """
    chosen: dict[str, str] = {}
    for rule in RULES:
        path = _path_of(rule, columns, set(chosen.values()))
        if path is not None:
            chosen[rule.field] = path
        elif rule.needed:
            names = ", ".join(list(columns)[:20])
            raise NothingToPropose(
                f"no path looks like {rule.field} among {names}. Write a mapping by hand: docs/settings.md shows one"
            )
    return chosen


def time_format(values: Values) -> str:
    """How times are written: ``iso`` or the unit of numbers."""
    numbers = [float(value) for value in values if is_number(value)]  # type: ignore[arg-type]
    if not numbers:
        return "iso"
    return next(unit for unit, bound in TIME_UNITS if max(numbers) < bound)


def _path_of(rule: _Rule, columns: Columns, taken: set[str]) -> str | None:
    for pattern in rule.names:
        for path, values in columns.items():
            last = re.split(r"[.'\]]", path.rstrip("']"))[-1]
            if path in taken or FEATURE_ROOTS.match(path) or not re.fullmatch(pattern, last, re.IGNORECASE):
                continue
            present = [value for value in values if not is_missing(value)]
            if present and rule.fits(present):
                return path
    return None


def map_features(paths: Mapping[str, str]) -> dict[str, str]:
    """Features by path: their common object as a whole where each is a member of it by its own name, else one by one."""
    roots = {match[0] if (match := FEATURE_ROOTS.match(path)) else None for path in paths.values()}
    root = roots.pop() if len(roots) == 1 else None
    if root is not None and all("." not in name and name == _feature_name(path) for name, path in paths.items()):
        return {"features": root}
    return {f"features.{name}": path for name, path in paths.items()}


def _renamed(name: str) -> str:
    """Another name for a feature that is called as the model's own answer."""
    return f"input_{name}" if name in OWN_COLUMNS else name


def _feature_name(path: str) -> str:
    """``$.request.input.income`` is ``income`` below a root of features, else ``request.input.income``."""
    root = FEATURE_ROOTS.match(path)
    name = path[root.end() :] if root else path.removeprefix("$")
    return re.sub(r"\['((?:[^'\\]|\\.)+)'\]", lambda member: "." + member[1], name).removeprefix(".")
