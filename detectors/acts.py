"""Acts: what people do to incidents, as logged inputs stamped with the watermark."""

from __future__ import annotations

from typing import Literal

import msgspec

from config.errors import ActRefused
from detectors.incident import Acknowledgement, Entry, Incident, Kind, Silence, Transition, record
from detectors.incidents import StreamIncidents, find
from detectors.tracks import Step

MAX_ACTOR_CHARACTERS = 200
MAX_COMMENT_CHARACTERS = 2000


class Act(msgspec.Struct, frozen=True):
    """Who does what to which incident.

    Attributes:
        actor: the person's name as the receiver of the act knows it.
        comment: free text; required for ``comment``.
        at_us: the watermark at which the act takes effect.
        until_us: end of a silence, by the clock on the wall; ``None`` for the other kinds.
    """

    kind: Literal["ack", "resolve", "comment", "silence"]
    incident_id: str
    actor: str
    comment: str
    at_us: int
    until_us: int | None = None


def act(state: StreamIncidents, request: Act) -> tuple[StreamIncidents, tuple[Transition, ...]]:
    """Apply one act.

    Acknowledging says that a person has taken over: from then on only a finding of another family, on a later window,
    calls again. Resolving ends the episode: the next breach on a later window opens another one and calls.
    A silence holds back calls about this incident until its end; a later one takes its place, and one that ends now ends it.

    Raises:
        ActRefused: with a named reason; the state is as it was.
    """
    _check(request)
    incident = find(state, request.incident_id)
    if incident is None:
        raise ActRefused("unknown_incident", f"no incident {request.incident_id!r}; see `wachter incidents list`")
    match request.kind:
        case "ack":
            return _acknowledge(state, incident, request)
        case "resolve":
            return _resolve(state, incident, request)
        case "silence":
            return _silence(state, incident, request)
        case "comment":
            return _put(state, *record(incident, _entry(request, Kind.COMMENTED, "commented_by_actor")))


def _check(request: Act) -> None:
    if not request.actor.strip():
        raise ActRefused("no_actor", "an act needs the name of the person who does it; give one")
    if len(request.actor) > MAX_ACTOR_CHARACTERS:
        raise ActRefused(
            "actor_too_long", f"the actor's name has more than {MAX_ACTOR_CHARACTERS} characters; shorten it"
        )
    if len(request.comment) > MAX_COMMENT_CHARACTERS:
        raise ActRefused(
            "comment_too_long", f"the comment has more than {MAX_COMMENT_CHARACTERS} characters; shorten it"
        )
    if request.kind == "comment" and not request.comment.strip():
        raise ActRefused("no_comment", "the comment is empty; write one")


def _acknowledge(
    state: StreamIncidents, incident: Incident, request: Act
) -> tuple[StreamIncidents, tuple[Transition, ...]]:
    _check_open(incident)
    if incident.acknowledged is not None:
        who = incident.acknowledged.actor
        raise ActRefused("already_acknowledged", f"{who} acknowledged {incident.id} before; add a comment instead")
    taken = msgspec.structs.replace(incident, acknowledged=Acknowledgement(request.actor.strip(), request.at_us))
    return _put(state, *record(taken, _entry(request, Kind.ACKNOWLEDGED, "acknowledged_by_actor")))


def _resolve(
    state: StreamIncidents, incident: Incident, request: Act
) -> tuple[StreamIncidents, tuple[Transition, ...]]:
    _check_open(incident)
    step = Step(state.track(incident.track), state.stream, request.at_us)
    step.close_open(_entry(request, Kind.RESOLVED, "resolved_by_actor"))
    return state.with_track(step.state), tuple(step.transitions)


def _silence(
    state: StreamIncidents, incident: Incident, request: Act
) -> tuple[StreamIncidents, tuple[Transition, ...]]:
    _check_open(incident)
    if request.until_us is None:
        raise ActRefused("no_until", "a silence needs an end; say until when nobody is to be called")
    silence = Silence(request.actor.strip(), request.at_us, request.until_us)
    quiet = msgspec.structs.replace(incident, silenced=silence)
    return _put(state, *record(quiet, _entry(request, Kind.SILENCED, "silenced_by_actor")))


def _check_open(incident: Incident) -> None:
    if not incident.is_open:
        raise ActRefused("already_resolved", f"{incident.id} is resolved; a comment can still be added")


def _entry(request: Act, kind: Kind, reason: str) -> Entry:
    return Entry(
        request.at_us,
        kind,
        reason,
        actor=request.actor.strip(),
        text=request.comment.strip() or None,
        until_us=request.until_us,
    )


def _put(
    state: StreamIncidents, incident: Incident, transition: Transition
) -> tuple[StreamIncidents, tuple[Transition, ...]]:
    track = state.track(incident.track)
    if incident.is_open:
        changed = msgspec.structs.replace(track, open=incident)
    else:
        past = tuple(incident if known.id == incident.id else known for known in track.past)
        changed = msgspec.structs.replace(track, past=past)
    return state.with_track(changed), (transition,)
