"""Contexts: for each model version, all that its windows are counted and judged by.

The digest of a context covers what fixes its tables and their meaning - layout, reference, window plan, tallies - so
windows of two digests never mix. Thresholds, severities and receivers are not part of it: they may change by a reload.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import xxhash

from agent.flow.declare import declaration_of, window_plan
from agent.flow.model_reference import Unfit, read_reference
from agent.validate import check_metrics
from config.errors import Problem, SettingsError
from config.settings import Model, Settings, System
from detectors.columns import Columns, Labelled, ModelKey
from detectors.families import FAMILIES, MEASURES, RULES, tallies_of
from detectors.family import Family, Frame, InferenceTally, LabelTally
from detectors.layout import Layout
from detectors.layouts import declared_layout
from detectors.measurement import Measurement, Stage
from detectors.policy import MIN_Z, Policy, critical_z, evaluations_per_30_days, make_policy
from detectors.reference import Reference
from detectors.service import Service
from detectors.tables import Tables, empty_tables, total
from detectors.windows import WindowPlan


class StoredContext(msgspec.Struct, frozen=True):
    """A context as the state keeps it, so that old windows finish under it after the settings have changed."""

    layout: Layout
    reference: bytes | None
    length_us: int
    slide_us: int
    offset_us: int
    min_events: int | None
    families: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Context:
    """See the module.

    Attributes:
        system, model: their settings.
        reference: ``None`` where there is none.
        watched: names of the families that are on; as the settings say, unless windows of earlier settings finish.
        z: normal quantile of all intervals.
    """

    system: System
    model: Model
    layout: Layout
    reference: Reference | None
    plan: WindowPlan
    budget: float
    overrides: Mapping[str, tuple[object, ...]]
    watched: tuple[str, ...]
    families: tuple[Family, ...] = field(init=False)
    inference_tallies: tuple[InferenceTally, ...] = field(init=False)
    label_tallies: tuple[LabelTally, ...] = field(init=False)
    digest: str = field(init=False)
    z: float = field(init=False)
    _policies: dict[tuple[str, str], Policy] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        families = tuple(family for family in FAMILIES if family.name in self.watched)
        inferences, labelled = tallies_of((*families, Service()))
        object.__setattr__(self, "families", families)
        object.__setattr__(self, "inference_tallies", inferences)
        object.__setattr__(self, "label_tallies", labelled if self.model.labels else ())
        object.__setattr__(self, "digest", self._digest())
        object.__setattr__(self, "z", self._critical_z())

    @property
    def horizon_us(self) -> int | None:
        return self.model.labels.horizon_us if self.model.labels else None

    def count(self, batch: Columns) -> Tables:
        return total(tally.count(batch, self.layout) for tally in self.inference_tallies)

    def count_labels(self, batch: Labelled) -> Tables:
        return total(tally.count(batch, self.layout) for tally in self.label_tallies)

    def nothing(self) -> Tables:
        """The tables of no events and no labels."""
        tallies = (*self.inference_tallies, *self.label_tallies)
        return empty_tables(spec for tally in tallies for spec in tally.specs(self.layout))

    def frame(self, stage: Stage, *, predictions: int = 0, provisional: bool = False, z: float | None = None) -> Frame:
        labels = self.model.labels
        return Frame(
            layout=self.layout,
            reference=self.reference.tables if self.reference else None,
            z=self.z if z is None else z,
            stage=stage,
            phi=self.reference.phi if self.reference else {},
            predictions=predictions,
            provisional=provisional,
            tolerances={metric: self.policy(metric, "").tolerance for metric in RULES},
            min_publish=self.model.min_publish,
            min_decide=self.model.min_decide,
            min_coverage=labels.min_coverage if labels else 0.0,
            min_group_coverage=labels.min_group_coverage if labels else 0.0,
            favourable=self.model.favourable,
            best_group={name: (p.best,) for name, p in self.model.protected.items() if p.best is not None},
            baseline=self.model.baseline,
        )

    def policy(self, metric: str, subject: str) -> Policy:
        """How a deciding metric is judged.

        Raises:
            KeyError: the metric only informs.
        """
        key = (metric, subject)
        if key not in self._policies:
            auto = self.reference.auto.get(key) if self.reference else None
            self._policies[key] = make_policy(RULES[metric], self.overrides.get(metric, ()), auto)  # type: ignore[arg-type]
        return self._policies[key]

    def decides(self, measurement: Measurement, stage: Stage) -> bool:
        """Whether a measurement is judged, at this stage; one without an effect, and no reason for that, only informs."""
        if measurement.effect is None and measurement.reason is None and measurement.blocked is None:
            return False
        if measurement.metric not in RULES:
            return False
        policy = self.policy(measurement.metric, measurement.subject)
        return policy.tolerance < math.inf and policy.stage is stage

    def stored(self) -> StoredContext:
        return StoredContext(
            layout=self.layout,
            reference=self.reference.to_bytes() if self.reference else None,
            length_us=self.plan.length_us,
            slide_us=self.plan.slide_us,
            offset_us=self.plan.offset_us,
            min_events=self.plan.min_events,
            families=self.watched,
        )

    def _digest(self) -> str:
        plan = self.plan
        parts = (
            self.layout.digest,
            self.reference.digest if self.reference else None,
            [plan.length_us, plan.slide_us, plan.offset_us, plan.min_events],
            sorted(tally.name for tally in (*self.inference_tallies, *self.label_tallies)),
        )
        return xxhash.xxh3_128_hexdigest(msgspec.json.encode(parts))[:16]

    def _critical_z(self) -> float:
        """From the number of measurements that decide per window, counted on the reference or an empty window."""
        tables = self.reference.tables if self.reference else self.nothing()
        stages = (Stage.WINDOW, Stage.LABELS) if self.model.labels else (Stage.WINDOW,)
        deciding = sum(
            self.policy(measurement.metric, measurement.subject).enabled
            for stage in stages
            for family in self.families
            for measurement in family.measure(tables, self.frame(stage, z=MIN_Z))
            if self.decides(measurement, stage)
        )
        return critical_z(self.budget, evaluations_per_30_days(deciding, self.plan.length_us))


def watched_families(model: Model) -> tuple[str, ...]:
    """Names of the families that the settings leave on."""
    return tuple(family.name for family in FAMILIES if model.watches(family.name))


class Contexts:
    """Contexts by model version; versions that the settings do not name share the model's own."""

    def __init__(self, settings: Settings) -> None:
        """Read the references that the settings name.

        Raises:
            SettingsError: names that no detector has, and references that cannot be used, all of them.
        """
        self._of_version: dict[ModelKey, Context] = {}
        self._of_model: dict[tuple[str, str], Context] = {}
        self._revived: dict[str, Context] = {}
        self._settings = settings
        problems = list(check_metrics(settings, RULES, [family.name for family in FAMILIES], MEASURES))
        problems += [problem for system, model, at in _models(settings) for problem in self._add(system, model, at)]
        if problems:
            raise SettingsError(tuple(problems))

    def of(self, key: ModelKey) -> Context:
        """The context of a model version; KeyError where the settings do not name the model."""
        return self._of_version.get(key) or self._of_model[(key.system, key.model)]

    def models(self) -> Iterator[tuple[System, Model]]:
        return ((system, model) for system, model, _ in _models(self._settings))

    def all(self) -> Iterator[Context]:
        yield from self._of_model.values()
        yield from self._of_version.values()

    def knows(self, key: ModelKey) -> bool:
        """Whether the settings name the model."""
        return (key.system, key.model) in self._of_model

    def by_digest(self, key: ModelKey, digest: str) -> Context:
        """The context that tables were counted under: today's, or an old one that was revived."""
        context = self.of(key)
        return context if context.digest == digest else self._revived[digest]

    def superseded(self, context: Context) -> bool:
        """Whether the settings now give the model another layout."""
        return context.digest in self._revived

    def of_system(self, system: str) -> Iterator[Context]:
        return (context for (known, _), context in self._of_model.items() if known == system)

    def of_models(self) -> Iterator[Context]:
        """The context of each model, whatever its versions have of their own."""
        return iter(self._of_model.values())

    def of_versions(self) -> Iterator[tuple[ModelKey, Context]]:
        """The contexts of versions that have something of their own."""
        return iter(self._of_version.items())

    def digests(self) -> dict[str, str]:
        """What fixes the tables, by model version; the same digests mean that a reload needs no restart."""
        models = {"/".join(key): context.digest for key, context in self._of_model.items()}
        return models | {"/".join(key): context.digest for key, context in self._of_version.items()}

    def revive(self, key: ModelKey, digest: str, stored: bytes) -> None:
        """Make the context known that old windows of a model were counted under.

        Raises:
            KeyError: the settings no longer name the model.
        """
        current = self._of_model[(key.system, key.model)]
        old = msgspec.json.decode(stored, type=StoredContext)
        self._revived[digest] = Context(
            system=current.system,
            model=current.model,
            layout=old.layout,
            reference=Reference.from_bytes(old.reference) if old.reference else None,
            plan=WindowPlan(old.length_us, old.slide_us, old.offset_us, old.min_events),
            budget=current.budget,
            overrides=current.overrides,
            watched=old.families,
        )

    def _add(self, system: System, model: Model, at: str) -> Iterator[Problem]:
        try:
            self._of_model[(system.id, model.name)] = self._context(system, model, model.reference)
        except Unfit as unfit:
            yield Problem(f"{at}.reference", str(unfit), unfit.remedy)
        for version, override in model.versions.items():
            try:
                key = ModelKey(system.id, model.name, version)
                self._of_version[key] = self._context(system, model, override.reference)
            except Unfit as unfit:
                yield Problem(f"{at}.versions.{version}.reference", str(unfit), unfit.remedy)

    def _context(self, system: System, model: Model, path: Path | None) -> Context:
        reference = read_reference(path, model) if path else None
        return Context(
            system=system,
            model=model,
            layout=reference.layout if reference else declared_layout(declaration_of(model)),
            reference=reference,
            plan=window_plan(model),
            budget=self._settings.false_alarm_budget,
            overrides=_overrides(self._settings, model),
            watched=watched_families(model),
        )


def _models(settings: Settings) -> Iterator[tuple[System, Model, str]]:
    for i, system in enumerate(settings.systems):
        for j, model in enumerate(system.models):
            yield system, model, f"systems[{i}].models[{j}]"


def _overrides(settings: Settings, model: Model) -> dict[str, tuple[object, ...]]:
    """Overrides by metric, the settings' general ones before the model's own."""
    names = {*settings.thresholds, *model.thresholds}
    sources = (settings.thresholds, model.thresholds)
    return {name: tuple(source[name] for source in sources if name in source) for name in names}
