"""Incidents as they are kept and told: rows of the state, and acts of people."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import msgspec
import structlog

from agent.state.acts import DONE, REFUSED, UNKNOWN, Outcome, RequestedAct
from agent.state.ledger import Ledger
from agent.state.store import Store
from config.errors import WachterError
from config.settings import Settings
from detectors.acts import Act, act
from detectors.columns import StreamKey
from detectors.incident import Incident, Transition
from detectors.incident_record import order, to_json
from detectors.incidents import StreamIncidents, find
from detectors.measurement import Track

ENCODER = msgspec.json.Encoder()
log = structlog.get_logger(__name__)


def severities_of(settings: Settings) -> dict[Track, str]:
    """How loud each track is."""
    return {track: getattr(settings.severities, track.value) for track in Track}


def changed_incidents(ledger: Ledger, transitions: Iterable[Transition]) -> Iterator[Incident]:
    """The incidents that something happened to, as they now stand, each once."""
    for stream, incident_id in dict.fromkeys((t.stream, t.incident_id) for t in transitions):
        incident = find(ledger.stream(stream).incidents, incident_id)
        if incident is not None:
            yield incident


def put_incidents(store: Store, incidents: Iterable[Incident], severities: Mapping[Track, str]) -> None:
    """Inside the transaction."""
    for incident in incidents:
        first_due_us, stream, print_, episode = order(incident)
        place = (first_due_us, "\x1f".join(stream), print_, episode)
        store.put_incident(incident.id, place, ENCODER.encode(to_json(incident, severities)))


def open_incidents(ledger: Ledger) -> Iterator[Incident]:
    """All that are open, by stream."""
    for key in sorted(ledger.streams):
        yield from (incident for incident in ledger.streams[key].incidents if incident.is_open)


def apply_act(ledger: Ledger, request: RequestedAct, at_us: int) -> tuple[tuple[Transition, ...], Outcome, str]:
    """Let a person's act take effect, stamped with the watermark; what happened, and what to tell whoever asked.

    One that fails in a way nobody foresaw is refused, counted and said: it would else be taken in again at every step.
    """
    stream = _stream_of(ledger, request.incident_id)
    if stream is None:
        return (), UNKNOWN, f"there is no incident {request.incident_id}; list them with: wachter incidents list"
    state = ledger.stream(stream)
    wanted = Act(request.kind, request.incident_id, request.actor, request.comment, at_us, request.until_us)
    try:
        incidents, transitions = act(state.incidents, wanted)
        _check_record(incidents, request.incident_id)
    except WachterError as error:
        return (), REFUSED, str(error)
    except Exception as error:
        log.exception("act_failed", incident=request.incident_id, act=request.kind, number=request.id)
        ledger.count("failures", edge="act")
        return (), REFUSED, f"it cannot be applied ({error}); the agent's log says where"
    ledger.put_stream(stream, msgspec.structs.replace(state, incidents=incidents))
    return transitions, DONE, ""


def _check_record(incidents: StreamIncidents, incident_id: str) -> None:
    """An incident whose record cannot be made must not come to be: no step could be written any more."""
    incident = find(incidents, incident_id)
    assert incident is not None
    ENCODER.encode(to_json(incident))


def _stream_of(ledger: Ledger, incident_id: str) -> StreamKey | None:
    for state in ledger.streams.values():
        if find(state.incidents, incident_id) is not None:
            return state.incidents.stream
    return None
