"""What a sample of events says a model is: guesses that become lines of a settings file, each to be looked at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from agent.proposal.sample import Event, columns_of
from config.settings.model import OWN_COLUMNS
from detectors.profile import Profile, is_number, profile_column
from detectors.sampler import names_of

REGRESSION_MIN_DISTINCT = 20
MAX_CLASSES = 100
POSITIVE_NAMES = ("1", "true", "yes", "positive", "fraud", "default", "churn", "approve", "approved", "accept")
UNSEEN_CLASS = "other"

Values = Sequence[object]
Columns = Mapping[str, Values]


class NothingToPropose(ValueError):
    """The sample does not show a model, and why."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the model answers.

    Attributes:
        notes: by settings key, what was guessed and how.
    """

    task: str
    classes: tuple[str, ...]
    positive: str | None
    scored: bool
    notes: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Proposal:
    """A model as a sample shows it.

    Attributes:
        columns: one profile per feature that was seen.
        protected: groups by attribute.
        labels: "in_event", "events" or "none".
        mapping: field to path for foreign JSON; empty for native events. time: how its times are written.
        constants: what the events do not say, for the mapping.
    """

    system: str
    model: str
    outcome: Outcome
    columns: tuple[Profile, ...]
    protected: Mapping[str, tuple[str, ...]]
    labels: str
    mapping: Mapping[str, str]
    time: str
    constants: Mapping[str, str]


def propose_native(events: Sequence[Event]) -> Proposal:
    """From native events; of several models the one with the most events.

    Raises:
        NothingToPropose: no inference event is among them.
    """
    inferences = [event for event in events if event.get("event_type") == "inference"]
    models = Counter((str(event.get("system_id")), _model_name(event)) for event in inferences)
    if not models:
        raise NothingToPropose("the sample has no inference event (event_type: inference)")
    (system, model), _ = models.most_common(1)[0]
    mine = [event for event in inferences if (str(event.get("system_id")), _model_name(event)) == (system, model)]
    labels = [event.get("label") for event in events if event.get("event_type") == "label"]
    in_event = [event.get("label") for event in mine if event.get("label") is not None]
    scores = [event.get("score") for event in mine]
    by_class = columns_of(mine, "scores")
    return Proposal(
        system=system,
        model=model,
        outcome=outcome_of([event.get("prediction") for event in mine], labels + in_event, scores, by_class),
        columns=tuple(_profile(name, values) for name, values in columns_of(mine, "features").items()),
        protected=protected_groups(columns_of(mine, "protected")),
        labels="in_event" if in_event else "events" if labels else "none",
        mapping={},
        time="iso",
        constants={},
    )


def outcome_of(predictions: Values, labels: Values, scores: Values, by_class: Columns) -> Outcome:
    """Task, classes and positive class.

    Raises:
        NothingToPropose: there is no prediction.
    """
    answers = [value for value in predictions if value is not None]
    if not answers:
        raise NothingToPropose("no event of the sample has a prediction")
    scored = bool(by_class) or any(is_number(score) for score in scores)
    if _is_regression(answers):
        return Outcome("regression", (), None, False, {"task": "guessed: predictions are numbers of many values"})
    counts = Counter(names_of([*answers, *labels, *by_class]))
    classes = tuple(sorted(counts))
    if len(classes) > MAX_CLASSES:
        raise NothingToPropose(f"predictions have {len(classes)} names: is this the model's answer?")
    if len(classes) > 2:
        return Outcome("multiclass", classes, None, bool(by_class), {})
    notes = {}
    if len(classes) < 2:
        classes = (*classes, UNSEEN_CLASS)
        notes["classes"] = f"the sample has one class only: correct {UNSEEN_CLASS!r}"
    positive, notes["positive"] = _positive(classes, predictions, scores)
    return Outcome("binary", classes, positive, scored, notes)


def _profile(name: str, values: Values) -> Profile:
    """A feature by the name of the model's own answer is left out: native events are not mapped, so it keeps its name."""
    found = profile_column(name, values)
    if name not in OWN_COLUMNS:
        return found
    return replace(found, kind="left_out", note=f"the model's own {name} is watched by this name: rename the feature")


def protected_groups(columns: Columns) -> dict[str, tuple[str, ...]]:
    """Groups by attribute, the largest first; attributes of one group, or of more than 100, cannot be compared."""
    groups = {
        name: tuple(group for group, _ in Counter(names_of(values)).most_common()) for name, values in columns.items()
    }
    return {name: found for name, found in groups.items() if 2 <= len(found) <= 100}


def _is_regression(answers: Values) -> bool:
    if not all(is_number(value) for value in answers):
        return False
    whole = all(float(value).is_integer() for value in answers)  # type: ignore[arg-type]
    return not whole or len(set(answers)) > REGRESSION_MIN_DISTINCT


def _positive(classes: Sequence[str], predictions: Values, scores: Values) -> tuple[str, str]:
    """The class that high scores go with, else one with a telling name, else the last."""
    sums: dict[str, list[float]] = {}
    for prediction, score in zip(predictions, scores, strict=False):
        if is_number(score):
            for name in names_of([prediction]):
                sums.setdefault(name, []).append(float(score))  # type: ignore[arg-type]
    if len(sums) == 2:
        return max(
            sums, key=lambda name: sum(sums[name]) / len(sums[name])
        ), "guessed: its events have the higher scores"
    telling = [name for name in classes if name.lower() in POSITIVE_NAMES]
    if len(telling) == 1:
        return telling[0], "guessed by its name"
    return classes[-1], "a guess: the class that score speaks of"


def _model_name(event: Event) -> str:
    model = event.get("model")
    return str(model.get("name")) if isinstance(model, dict) else str(model)
