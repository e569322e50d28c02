"""Measuring windows: the sum of their panes, seen by every detector."""

from __future__ import annotations

from collections.abc import Sequence

import structlog

from agent.flow.contexts import Context
from agent.flow.windowing import Due
from agent.join.joins import Joins, PaneKey
from agent.state.ledger import Ledger
from agent.state.panes import Panes
from agent.state.store import Lane
from detectors.family import Family, Frame
from detectors.measurement import Measurement, Stage, rounded
from detectors.service import EVENTS
from detectors.tables import Tables
from detectors.thresholds import Remeasure

log = structlog.get_logger(__name__)

DETECTOR_FAILED = "detector_failed"
Measured = tuple[str, Measurement]
"""A measurement and the family that made it."""


class Measuring:
    """Owned by the loop's thread."""

    def __init__(self, ledger: Ledger, panes: Panes, joins: Joins) -> None:
        self.ledger = ledger
        self.panes = panes
        self.joins = joins

    def measure(
        self, context: Context, lane: Lane, spans: Sequence[tuple[int, int]], stage: Stage, *, provisional: bool = False
    ) -> list[Measured]:
        """All measurements of the sum of some windows of a lane."""
        starts = [start for span in spans for start in context.plan.panes(*span)]
        window = context.nothing() + self.panes.window(lane.id, starts)
        predictions = self._sampled_predictions(lane, starts)
        frame = context.frame(stage, predictions=predictions, provisional=provisional)
        return [measured for family in context.families for measured in self._of_family(family, window, frame)]

    def _of_family(self, family: Family, window: Tables, frame: Frame) -> list[Measured]:
        """What one detector measures; its failure is counted, said, and disturbs no other."""
        try:
            return [(family.name, rounded(measurement)) for measurement in family.measure(window, frame)]
        except Exception as error:
            log.exception("detector_failed", family=family.name)
            self.ledger.count("failures", edge="detector")
            failed = Measurement(DETECTOR_FAILED, family.name, reason=type(error).__name__, direction="none")
            return [(family.name, failed)]

    def _sampled_predictions(self, lane: Lane, starts: Sequence[int]) -> int:
        """Predictions whose labels count, where the join keeps a sample only; else 0: the tables know all of them."""
        key = lane.key
        keys = [PaneKey(key.system, key.model, key.version, lane.context, start) for start in starts]
        sampled = not key.segment and any(self.joins.is_sample(key) for key in keys)
        return sum(self.joins.predictions(key) for key in keys) if sampled else 0


class Remeasured:
    """Measures runs of undecided windows, each run once for all metrics."""

    def __init__(self, measuring: Measuring, context: Context, lane: Lane, item: Due) -> None:
        self._measuring = measuring
        self._context = context
        self._lane = lane
        self._item = item
        self._runs: dict[tuple[int, ...], dict[tuple[str, str], Measurement]] = {}

    def of(self, metric: str, subject: str) -> Remeasure:
        return lambda run: self._run(run).get((metric, subject))

    def _run(self, run: tuple[int, ...]) -> dict[tuple[str, str], Measurement]:
        if run not in self._runs:
            measured = self._measuring.measure(self._context, self._lane, self._spans(run), self._item.stage)
            self._runs[run] = {(m.metric, m.subject): m for _, m in measured}
        return self._runs[run]

    def _spans(self, run: tuple[int, ...]) -> list[tuple[int, int]]:
        """Count windows follow each other without a hole; time windows have a fixed length."""
        if self._context.plan.min_events is not None:
            return [(run[0], self._item.end_us)]
        return [(start, start + self._context.plan.length_us) for start in run]


def volume_of(tables: Tables) -> int:
    """Accepted events of a window."""
    return int(tables.ints(EVENTS)[0])
