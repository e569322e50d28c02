"""Whole models: what their versions add up to. The model is a stream of its own, of which only the volume is judged."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import msgspec

from agent.flow.contexts import Context, Contexts
from agent.flow.history import WindowRecord, judged_of
from agent.flow.windowing import Due
from agent.state.ledger import Ledger
from agent.state.volumes import VolumeKey, Volumes
from detectors.columns import ALL_VERSIONS, ModelKey, StreamKey
from detectors.incident import Transition
from detectors.incidents import advance, retire
from detectors.measurement import Measurement, Stage, Track, rounded
from detectors.policy import critical_z, evaluations_per_30_days
from detectors.thresholds import Carry, WindowRef, decide
from detectors.volume import METRIC, WEEK_US, measure_volume

FAMILY = "service"


class ModelWindow(NamedTuple):
    """A window of a whole model.

    Attributes:
        partial: some events of some version were not read.
    """

    key: VolumeKey
    events: int
    partial: bool

    @property
    def stream(self) -> StreamKey:
        return StreamKey(self.key.system, self.key.model, ALL_VERSIONS)

    @property
    def start_us(self) -> int:
        return self.key.end_us - self.key.length_us


class WholeModels:
    """Owned by the loop's thread."""

    def __init__(self, contexts: Contexts, ledger: Ledger, volumes: Volumes) -> None:
        self.contexts = contexts
        self.ledger = ledger
        self.volumes = volumes

    def close(self, records: Sequence[WindowRecord]) -> tuple[list[WindowRecord], list[Transition]]:
        """Measure and judge the models whose versions' windows have just been closed; all of them end at one time."""
        closed: list[WindowRecord] = []
        transitions: list[Transition] = []
        for window in _windows(records):
            context = self.contexts.of(ModelKey(*window.stream[:3]))
            if not compares_weeks(context):
                continue
            if not window.partial:
                self.volumes.put(window.key, window.events)
            record, told = self._judge(window, context)
            closed.append(record)
            transitions += told
        return closed, transitions

    def retire(self, due: Sequence[Due], at_us: int) -> list[Transition]:
        """End what is open of models whose last version retires now; silence is the agent's own to end.

        Args:
            due: all that is due at this time; a version that goes on has a window among it.
        """
        transitions: list[Transition] = []
        retired = {item.stream[:2] for item in due if item.retires}
        going_on = {item.stream[:2] for item in due if item.stage is Stage.WINDOW and not item.retires}
        for system, model in sorted(retired - going_on):
            stream = StreamKey(system, model, ALL_VERSIONS)
            state = self.ledger.stream(stream)
            incidents, ended = retire(state.incidents, at_us, (Track.HARM, Track.HEALTH))
            self.ledger.put_stream(stream, msgspec.structs.replace(state, incidents=incidents, carries=()))
            transitions += ended
        return transitions

    def _judge(self, window: ModelWindow, context: Context) -> tuple[WindowRecord, tuple[Transition, ...]]:
        stream, end = window.stream, window.key.end_us
        state = self.ledger.stream(stream)
        carries = state.carry()
        carry = carries.get((METRIC, ""), Carry())
        counts = context.plan.counts_toward_incidents(end)
        ref = WindowRef(stream, window.start_us, end, end, partial=window.partial, carries=counts)
        measured = self._measure(window.key, (end,), window.events, context)
        judgement, carries[METRIC, ""] = decide(
            carry, ref, measured, context.policy(METRIC, ""), lambda run: self._measure_run(window.key, run, context)
        )
        results = (judged_of(judgement, measured),)
        record = WindowRecord(stream, Stage.WINDOW, window.start_us, end, end, results, partial=window.partial)
        incidents, told = advance(state.incidents, (judgement,))
        state = state.with_carry(carries).with_latest(record)
        self.ledger.put_stream(stream, msgspec.structs.replace(state, incidents=incidents))
        self.ledger.count_judged(stream, 1, (judgement,))
        self.ledger.count_calls(stream, told)
        return record, told

    def _measure(self, key: VolumeKey, ends_us: tuple[int, ...], events: int, context: Context) -> Measurement:
        before = self.volumes.same_hour_of_week(key, ends_us)
        return rounded(measure_volume(events, before, volume_z(context)))

    def _measure_run(self, key: VolumeKey, run: tuple[int, ...], context: Context) -> Measurement | None:
        """The sum of some windows, by their starts."""
        ends = tuple(start + key.length_us for start in run)
        events = self.volumes.sum(key, ends)
        return None if events is None else self._measure(key, ends, events, context)


def compares_weeks(context: Context) -> bool:
    """Whether windows of a model can be compared with those a week earlier: a week is a whole number of them."""
    plan = context.plan
    return context.model.watches(FAMILY) and plan.min_events is None and WEEK_US % plan.slide_us == 0


def volume_z(context: Context) -> float:
    """Normal quantile of the intervals of a model's volume, which is judged once a window."""
    return critical_z(context.budget, evaluations_per_30_days(1, context.plan.length_us))


def _windows(records: Sequence[WindowRecord]) -> Iterator[ModelWindow]:
    """The windows of whole models that the windows of versions add up to, in order."""
    versions = [r for r in records if r.stage is Stage.WINDOW and not r.stream.segment]
    keys = {VolumeKey(*r.stream[:2], r.end_us - r.start_us, r.end_us) for r in versions}
    for key in sorted(keys):
        mine = [r for r in versions if r.stream[:2] == key[:2] and r.end_us - r.start_us == key.length_us]
        events = sum(one.measurement.n for r in mine for one in r.results if one.measurement.metric == METRIC)
        yield ModelWindow(key, events, any(r.partial for r in mine))
