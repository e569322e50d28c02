"""Closing windows: what is due is measured, judged and told to the incidents, in the order of due times.

A window is due at its end; where labels are declared it is due a second time, when its label horizon has passed. Everything
due at T is taken when the label watermark has passed T, sorted by due time and stream, so the outcome depends on the events
alone and not on when they arrived.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

import msgspec

from agent.flow.contexts import Context, Contexts
from agent.flow.history import Judged, WindowRecord, judged_of
from agent.flow.measuring import Measured, Measuring, Remeasured, volume_of
from agent.flow.pictures import Album, shown_window
from agent.flow.whole_models import WholeModels
from agent.flow.windowing import Due, Schedule, due_windows, next_start
from agent.join.joins import Joins
from agent.state.ledger import Ledger, StreamState
from agent.state.panes import Panes
from agent.state.store import Lane
from agent.state.volumes import Volumes
from detectors.columns import ModelKey
from detectors.families import RULES
from detectors.incident import Incident, Moved, Transition
from detectors.incidents import advance, moved_by, retire
from detectors.measurement import Measurement, Stage
from detectors.tables import Tables
from detectors.thresholds import Carry, Judgement, WindowRef, decide, unexpired
from detectors.windows import BEGINNING_OF_TIME, END_OF_TIME, WindowPlan

OnWindow = Callable[[Due, Context, Tables], None]
"""Told a window that is measured at its end, and its tables."""


def nobody_asks(due: Due, context: Context, window: Tables) -> None:
    """The ``OnWindow`` of those who do not care for tables."""


class Closed(NamedTuple):
    """What closing brought: measured windows, in order, and what happened to incidents."""

    windows: tuple[WindowRecord, ...]
    transitions: tuple[Transition, ...]


class Closing:
    """Owned by the loop's thread.

    Attributes:
        on_window: told every window that is measured at its end, with its tables.
        album: pictures of the columns of incidents, for people.
    """

    def __init__(
        self,
        contexts: Contexts,
        ledger: Ledger,
        panes: Panes,
        joins: Joins,
        volumes: Volumes,
        retire_after_us: int,
    ) -> None:
        self.contexts = contexts
        self.ledger = ledger
        self.panes = panes
        self.joins = joins
        self.retire_after_us = retire_after_us
        self.measuring = Measuring(ledger, panes, joins)
        self.models = WholeModels(contexts, ledger, volumes)
        self.on_window: OnWindow = nobody_asks
        self.album = Album(ledger.store)

    def close(self, system: str, *, final: bool = False) -> Closed:
        """Everything of a system that its watermarks have made due.

        Args:
            final: nothing will come any more: all windows up to the last event are due, and all their labels.
        """
        due = sorted(self._due(system, final))
        windows: list[WindowRecord] = []
        transitions: list[Transition] = []
        for due_us, at_once in groupby(due, key=lambda item: item.due_us):
            closed = self._close_at(due_us, list(at_once))
            windows += closed.windows
            transitions += closed.transitions
        if due:
            self._forget(system)
        return Closed(tuple(windows), tuple(transitions))

    def _close_at(self, due_us: int, due: Sequence[Due]) -> Closed:
        """Everything that is due at one time: each stream, then the models that their streams add up to."""
        windows: list[WindowRecord] = []
        transitions: list[Transition] = []
        for _, of_stream in groupby(due, key=lambda item: item.stream):
            records, moved = self._judge(list(of_stream))
            windows += records
            transitions += moved
        models, moved = self.models.close(windows)
        ended = self.models.retire(due, due_us)
        return Closed((*windows, *models), (*transitions, *moved, *ended))

    def provisional(self, lane: Lane) -> WindowRecord | None:
        """The latest window whose labels are still arriving, as it stands; it decides nothing."""
        if not lane.awaiting or not self.contexts.knows(ModelKey(*lane.key[:3])):
            return None
        start, end = lane.awaiting[-1]
        measured = self.measuring.measure(self._context(lane), lane, [(start, end)], Stage.LABELS, provisional=True)
        results = tuple(Judged(family, measurement) for family, measurement in measured)
        return _record(Due(end, lane.key, Stage.LABELS, start, end, lane.id), lane, results, provisional=True)

    def _due(self, system: str, final: bool) -> Iterator[Due]:
        lanes = self._lanes(system)
        last = max((start for lane in lanes for start in self.panes.starts(lane.id)), default=BEGINNING_OF_TIME)
        for lane in lanes:
            if lane.ended and not lane.awaiting:
                continue
            context = self._context(lane)
            schedule = self._schedule(system, context, last if final else None)
            changed, due = due_windows(lane, schedule, self._events_of(lane, context))
            if changed != lane:
                self.ledger.put_lane(changed)
            yield from due

    def _lanes(self, system: str) -> list[Lane]:
        """Lanes of the models that the settings name; those of others rest until they come back."""
        lanes = (lane for lane in self.ledger.lanes.values() if lane.key.system == system)
        return [lane for lane in lanes if self.contexts.knows(ModelKey(*lane.key[:3]))]

    def _schedule(self, system: str, context: Context, last_pane_us: int | None) -> Schedule:
        """When the windows of a context come due; ``last_pane_us`` where no event will come after it."""
        watermark = self.ledger.clock(system).label_watermark_us
        until = watermark if last_pane_us is None else max(watermark, context.plan.first_end_after(last_pane_us))
        return Schedule(
            plan=context.plan,
            horizon_us=context.horizon_us,
            until_us=until,
            labels_until_us=watermark if last_pane_us is None else END_OF_TIME,
            retire_after_us=self.retire_after_us,
            superseded=self.contexts.superseded(context),
        )

    def _events_of(self, lane: Lane, context: Context) -> dict[int, int]:
        """Accepted events by pane; only count windows ask how many, others whether there are any."""
        starts = self.panes.starts(lane.id)
        if context.plan.min_events is None:
            return dict.fromkeys(starts, 1)
        return {start: volume_of(self.panes.window(lane.id, [start])) for start in starts}

    def _judge(self, due: Sequence[Due]) -> tuple[list[WindowRecord], list[Transition]]:
        """Everything of one stream that is due at one time."""
        stream = due[0].stream
        state = self.ledger.stream(stream)
        transitions: list[Transition] = []
        judgements: list[Judgement] = []
        records: list[WindowRecord] = []
        for item in due:
            if item.retires:
                incidents, ended = retire(state.incidents, item.due_us)
                state = msgspec.structs.replace(state, incidents=incidents, carries=())
                transitions += ended
                continue
            state, record, judged = self._judge_window(item, state)
            records.append(record)
            judgements += judged
        starts = {item.start_us for item in due}
        context = [row for row in state.moved if row.window_start_us in starts]
        self.ledger.count_judged(stream, len(records), judgements)
        incidents, told = advance(state.incidents, judgements, context)
        lanes = [self.ledger.lanes[item.lane] for item in due]
        moved = _still_awaited(state, lanes, judgements)
        self.ledger.put_stream(stream, msgspec.structs.replace(state, incidents=incidents, moved=moved))
        self.ledger.count_calls(stream, told)
        self._picture(due, self.album.changed(incidents, told))
        return records, [*transitions, *told]

    def _picture(self, due: Sequence[Due], changed: Sequence[Incident]) -> None:
        """The columns of what has changed, in the window that changed it."""
        for incident in changed:
            item = shown_window(incident, due)
            if item is not None:
                context = self._context(self.ledger.lanes[item.lane])
                window = self.panes.window(item.lane, context.plan.panes(item.start_us, item.end_us))
                self.album.take(incident, item, context, window)

    def _judge_window(self, item: Due, state: StreamState) -> tuple[StreamState, WindowRecord, list[Judgement]]:
        lane = self.ledger.lanes[item.lane]
        context = self._context(lane)
        window = self._window_ref(item, context, lane)
        again = Remeasured(self.measuring, context, lane, item)
        carries = state.carry()
        results: list[Judged] = []
        judgements: list[Judgement] = []
        for family, measurement in self._measured(item, context, lane):
            key = (measurement.metric, measurement.subject)
            if not context.decides(measurement, item.stage):
                results.append(Judged(family, measurement))
                continue
            policy = context.policy(*key)
            judgement, carries[key] = decide(carries.get(key, Carry()), window, measurement, policy, again.of(*key))
            judgements.append(judgement)
            results.append(judged_of(judgement, measurement))
        record = _record(item, lane, tuple(results), partial=window.partial)
        held = {
            key: unexpired(carry, window) if context.policy(*key).stage is item.stage else carry
            for key, carry in carries.items()
        }
        return state.with_carry(held).with_latest(record), record, judgements

    def _measured(self, item: Due, context: Context, lane: Lane) -> list[Measured]:
        if item.empty:
            return [("service", Measurement("volume", value=0.0, direction="none"))]
        if item.stage is Stage.WINDOW:
            panes = context.plan.panes(item.start_us, item.end_us)
            self.on_window(item, context, self.panes.window(lane.id, panes))
        return self.measuring.measure(context, lane, [(item.start_us, item.end_us)], item.stage)

    def _window_ref(self, item: Due, context: Context, lane: Lane) -> WindowRef:
        plan = context.plan
        return WindowRef(
            stream=item.stream,
            start_us=item.start_us,
            end_us=item.end_us,
            due_us=item.due_us,
            partial=any(
                cut.cuts_into(item.start_us, item.end_us) for cut in (self.ledger.clock(item.stream.system), lane)
            ),
            carries=plan.min_events is not None or plan.counts_toward_incidents(item.end_us),
        )

    def _context(self, lane: Lane) -> Context:
        return self.contexts.by_digest(ModelKey(*lane.key[:3]), lane.context)

    def _forget(self, system: str) -> None:
        """Let go of panes that no window, label or undecided run can ask for any more."""
        clock = self.ledger.clock(system)
        open_from_us = min(_pane_start(c.plan, clock.watermark_us) for c in self.contexts.of_system(system))
        rebuilt: list[int] = []
        for lane in self._lanes(system):
            context = self._context(lane)
            start = lane.closed_until_us if lane.ended else next_start(lane, context.plan)
            runs = [(metric, carry) for metric, _, carry in self.ledger.stream(lane.key).carries if carry.run]
            held = [start, *(window[0] for window in lane.awaiting), *(carry.run[0] for _, carry in runs)]
            self.panes.drop(lane.id, min(held))
            if not lane.ended:
                open_from_us = min(open_from_us, start)
                first = lane.first_pane_us
                rebuilt += [max(c.run[0], first) for metric, c in runs if RULES[metric].stage is Stage.WINDOW]
        self.ledger.keep_needed(system, open_from_us, rebuilt)
        for context in self.contexts.of_system(system):
            past = context.plan.length_us + (context.horizon_us or 0)
            self.joins.drop(system, context.model.name, clock.label_watermark_us - past)


def _pane_start(plan: WindowPlan, time_us: int) -> int:
    return (time_us - plan.offset_us) // plan.pane_us * plan.pane_us + plan.offset_us


def _still_awaited(state: StreamState, lanes: Sequence[Lane], judgements: Sequence[Judgement]) -> tuple[Moved, ...]:
    """What moved in windows whose labels are still arriving."""
    awaited = {start for lane in lanes for start, _ in lane.awaiting}
    return tuple(row for row in (*state.moved, *moved_by(judgements)) if row.window_start_us in awaited)


def _record(
    item: Due, lane: Lane, results: tuple[Judged, ...], *, partial: bool = False, provisional: bool = False
) -> WindowRecord:
    return WindowRecord(
        stream=item.stream,
        stage=item.stage,
        start_us=item.start_us,
        end_us=item.end_us,
        due_us=item.due_us,
        results=results,
        provisional=provisional,
        partial=partial,
        context=lane.context,
    )
