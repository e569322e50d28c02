"""What a detector is: tallies that count, and a family that measures.

A tally is one pure verb, ``count``: a batch of events to tables. A family is one pure verb, ``measure``: a window's tables
to measurements. Families share tallies (data quality and drift both read the cells of the columns), so each tally is
counted once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol

from detectors.columns import Columns, Labelled
from detectors.layout import Layout
from detectors.measurement import Measurement, Rule, Stage
from detectors.tables import Tables, TableSpec


class Tally(Protocol):
    """Counts events into additive tables."""

    @property
    def name(self) -> str: ...

    def specs(self, layout: Layout) -> tuple[TableSpec, ...]:
        """The tables it fills; their names start with ``<name>.``; none where the layout has no use for it."""
        ...


class InferenceTally(Tally, Protocol):
    @property
    def counts(self) -> Literal["inferences"]: ...

    def count(self, batch: Columns, layout: Layout) -> Tables: ...


class LabelTally(Tally, Protocol):
    @property
    def counts(self) -> Literal["labelled"]: ...

    def count(self, batch: Labelled, layout: Layout) -> Tables: ...


@dataclass(frozen=True, slots=True)
class Frame:
    """What a window is measured against.

    Attributes:
        layout: of the window's tables.
        reference: tables of the trusted period; ``None`` where there is none.
        z: normal quantile of all intervals of the stream.
        stage: which measurements are due.
        phi: variance inflation by (metric, subject); 1 where absent.
        predictions: accepted inference events of the window with a prediction, for label coverage.
        provisional: labels are still arriving; nothing decides.
        tolerances: by metric, for the few measures whose effect depends on it (the four-fifths ratio).
        min_publish, min_decide: smallest cell that is shown, smallest denominator that decides, for groups.
        favourable: the class that is the good outcome, where bias is measured; the positive class if not declared.
        best_group: by group set name, the group others are compared with; worst against best where absent.
        baseline: stated values by metric, compared with where there is no reference.
    """

    layout: Layout
    reference: Tables | None
    z: float
    stage: Stage
    phi: Mapping[tuple[str, str], float] = field(default_factory=dict)
    predictions: int = 0
    provisional: bool = False
    tolerances: Mapping[str, float] = field(default_factory=dict)
    min_publish: int = 10
    min_decide: int = 100
    min_coverage: float = 0.8
    min_group_coverage: float = 0.7
    favourable: str | None = None
    best_group: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    baseline: Mapping[str, float] = field(default_factory=dict)

    def inflation(self, metric: str, subject: str = "") -> float:
        """phi = max(1, between-chunk X^2 / df) of the reference, for this metric and subject."""
        return self.phi.get((metric, subject), 1.0)


class Family(Protocol):
    """Measures windows; stateless."""

    @property
    def name(self) -> str: ...
    @property
    def tallies(self) -> tuple[InferenceTally | LabelTally, ...]: ...
    @property
    def measures(self) -> tuple[str, ...]:
        """The name of every metric it may yield."""
        ...

    @property
    def rules(self) -> tuple[Rule, ...]:
        """Of the metrics that decide, or do once the settings state a tolerance (``Rule.tolerance`` is infinite)."""
        ...

    def measure(self, window: Tables, frame: Frame) -> Iterator[Measurement]: ...
