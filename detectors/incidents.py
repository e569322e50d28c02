"""Incidents of one stream: one page, one ticket.

Per stream there is one track of harm (page), one of health (ticket) and one of the agent's own troubles. Metrics, groups
and columns are findings inside the incident of their track. ``advance`` takes the judgements of one due time; ``act``
(acts.py) takes what people do. Both are pure: old state in, new state and transitions out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from detectors.columns import StreamKey
from detectors.findings import sort_key, with_never_decides
from detectors.incident import Entry, Incident, Kind, Moved, Transition
from detectors.measurement import Measurement, Stage, Status, Track
from detectors.names import is_shortfall
from detectors.thresholds import Judgement
from detectors.tracks import Step, TrackState, gone_from
from detectors.verdict import ABOVE_TOLERANCE, WITHIN_TOLERANCE


class StreamIncidents(msgspec.Struct, frozen=True):
    """Everything that is known about the incidents of one stream; JSON-serialisable at any point."""

    stream: StreamKey
    harm: TrackState = TrackState(Track.HARM)
    health: TrackState = TrackState(Track.HEALTH)
    agent: TrackState = TrackState(Track.AGENT)

    def track(self, track: Track) -> TrackState:
        match track:
            case Track.HARM:
                return self.harm
            case Track.HEALTH:
                return self.health
            case Track.AGENT:
                return self.agent

    def with_track(self, state: TrackState) -> StreamIncidents:
        return msgspec.structs.replace(self, **{state.track.value: state})

    def __iter__(self) -> Iterator[Incident]:
        """All incidents still known, by track, oldest first."""
        for track in Track:
            yield from self.track(track).incidents


def advance(
    state: StreamIncidents, judgements: Sequence[Judgement], context: Sequence[Moved] = ()
) -> tuple[StreamIncidents, tuple[Transition, ...]]:
    """Take in all judgements of one stream that are due at the same time, in any order.

    Args:
        state: before them.
        judgements: of this stream and one due time.
        context: what moved in the windows that labels are late for (``moved_by``); what moved in windows judged in the
            same call is found here.

    Returns:
        The state after them and what happened, harm first. Only transitions with ``calls`` call anybody.
    """
    counting = [one for judgement in judgements if judgement.counts for one in with_never_decides(judgement)]
    counting.sort(key=sort_key)
    moved = (*context, *moved_by(judgements))
    transitions: list[Transition] = []
    for track in Track:
        if not counting:
            break
        step = Step(state.track(track), state.stream, at_us=max(judgement.due_us for judgement in counting))
        mine = [judgement for judgement in counting if judgement.track is track]
        step.take(mine, gone_from(track, counting), moved if track is Track.HARM else ())
        state = state.with_track(step.state)
        transitions.extend(step.transitions)
    return state, tuple(transitions)


def moved_by(judgements: Sequence[Judgement]) -> tuple[Moved, ...]:
    """Health measures of which it is sure that they moved, whether beyond their tolerance or not; of those that always lack
    something to 1, such as lack more than is tolerated."""
    rows = []
    for judgement in judgements:
        measured = judgement.measurement
        still = judgement.tolerance if is_shortfall(judgement.metric) else 0.0
        if judgement.track is not Track.HEALTH or measured.effect_lower is None or measured.effect_lower <= still:
            continue
        rows.append(
            Moved(
                metric=judgement.metric,
                subject=judgement.subject,
                value=measured.value,
                lower=measured.effect_lower,
                tolerance=judgement.tolerance,
                window_start_us=judgement.window_start_us,
            )
        )
    return tuple(rows)


def agent_finding(
    state: StreamIncidents, name: str, active: bool, at_us: int, detail: str = ""
) -> tuple[StreamIncidents, tuple[Transition, ...]]:
    """Report the agent's own trouble (``no_input``, ``silence``, ``lag``); saying the same twice changes nothing.

    Args:
        state: of the stream (or of the stream that stands for the agent itself).
        name: of the trouble; it is the finding's metric.
        active: whether it holds now.
        at_us: when, on the agent's clock or the watermark.
        detail: one line for a person.
    """
    held = {finding.metric for finding in state.agent.open.active} if state.agent.open else set()
    if active == (name in held):
        return state, ()
    judgement = Judgement(
        stream=state.stream,
        metric=name,
        subject="",
        family="agent",
        track=Track.AGENT,
        stage=Stage.WINDOW,
        window_start_us=at_us,
        window_end_us=at_us,
        due_us=at_us,
        status=Status.WARNING if active else Status.OK,
        reason=ABOVE_TOLERANCE if active else WITHIN_TOLERANCE,
        measurement=Measurement(metric=name, detail=(("what", detail),) if detail else ()),
        tolerance=0.0,
        open_after=1,
        clear_after=1,
        clear=not active,
    )
    return advance(state, (judgement,))


def retire(
    state: StreamIncidents, at_us: int, tracks: Sequence[Track] = tuple(Track)
) -> tuple[StreamIncidents, tuple[Transition, ...]]:
    """The stream had no events for ``retire_after``: resolve what is open, forget what was pending."""
    transitions: list[Transition] = []
    for track in tracks:
        step = Step(state.track(track), state.stream, at_us)
        step.close_open(Entry(at_us, Kind.RESOLVED, "stream_retired"))
        state = state.with_track(step.state)
        transitions.extend(step.transitions)
    return state, tuple(transitions)


def find(state: StreamIncidents, incident_id: str) -> Incident | None:
    """The incident of this id, if this stream still knows it."""
    return next((incident for incident in state if incident.id == incident_id), None)


def to_bytes(state: StreamIncidents) -> bytes:
    """JSON; the same state gives the same bytes."""
    return msgspec.json.encode(state, order="deterministic")


def from_bytes(data: bytes) -> StreamIncidents:
    """Read what ``to_bytes`` wrote."""
    return msgspec.json.decode(data, type=StreamIncidents)
