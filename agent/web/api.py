"""The JSON side: incidents, and acts of people on them."""

from __future__ import annotations

import sqlite3
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Annotated, get_args

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from agent.state.acts import DONE, UNKNOWN, ActKind, Settled
from agent.web.views import Views
from config.errors import ActRefused
from exporters.notice import rfc3339
from exporters.snapshot import IncidentView

MAX_BODY_BYTES = 16 * 1024
ACT_KINDS: tuple[ActKind, ...] = get_args(ActKind)
STATES = ("open", "resolved", "all")

InWorker = Callable[[Callable[[], object]], Awaitable[object]]
"""Runs a blocking call in a worker thread."""


class ActBody(msgspec.Struct, forbid_unknown_fields=True):
    """What a person sends with an act."""

    actor: str = ""
    comment: str = ""
    until: Annotated[datetime, msgspec.Meta(tz=True)] | None = None

    @property
    def until_us(self) -> int | None:
        return None if self.until is None else round(self.until.timestamp() * 1_000_000)


class Refused(Exception):
    """A request that gets an error: status, and what is wrong in a sentence."""

    def __init__(self, status: int, error: str) -> None:
        super().__init__(error)
        self.status = status
        self.error = error


def json_response(content: object, status: int = 200) -> Response:
    """JSON that no proxy or browser keeps."""
    body = msgspec.json.format(msgspec.json.encode(content), indent=2) + b"\n"
    return Response(body, status, {"Cache-Control": "no-store"}, "application/json")


def refusal(error: Refused) -> Response:
    """The JSON of an error."""
    return json_response({"error": error.error}, error.status)


def summary(incident: IncidentView) -> dict[str, object]:
    """One incident in a list."""
    return {
        "id": incident.id,
        **incident.stream._asdict(),
        "track": incident.track.value,
        "severity": incident.severity,
        "state": incident.state,
        "headline": incident.headline,
        "opened": rfc3339(incident.opened_us),
        "resolved": None if incident.resolved_us is None else rfc3339(incident.resolved_us),
        "calls": incident.call,
        "acknowledged_by": incident.acknowledged_by or None,
        "path": f"/api/v1/incidents/{incident.id}",
    }


def list_incidents(views: Views, state: str) -> Response:
    """Incidents of the snapshot: all open ones, and those resolved lately."""
    if state not in STATES:
        raise Refused(400, f"state={state!r} is unknown; use one of {', '.join(STATES)}")
    chosen = [i for i in views.snapshot().incidents if state in ("all", i.state)]
    return json_response({"incidents": [summary(incident) for incident in chosen]})


async def show_incident(views: Views, in_worker: InWorker, incident_id: str) -> Response:
    """The whole record of one incident."""
    for incident in views.snapshot().incidents:
        if incident.id == incident_id:
            return json_response(incident.record)
    try:
        record = await in_worker(lambda: views.find_incident(incident_id))
    except sqlite3.Error as error:
        raise Refused(503, f"the state cannot be read now ({error}); try again") from None
    if record is None:
        raise Refused(404, f"no incident {incident_id!r}; see /api/v1/incidents?state=all")
    return json_response(record)


async def act_on_incident(views: Views, in_worker: InWorker, request: Request) -> Response:
    """Write an act into the inbox and wait a little for what becomes of it."""
    kind, incident_id = request.path_params["kind"], request.path_params["incident_id"]
    if kind not in ACT_KINDS:
        raise Refused(404, f"no act {kind!r}; use one of {', '.join(ACT_KINDS)}")
    body = await _read_act(request)
    actor = str(getattr(request.scope.get("user"), "display_name", "")) or body.actor  # who signed in, acts
    if not actor:
        raise Refused(400, "the body is not an act: it names no actor")
    try:
        settled = await in_worker(lambda: views.act(kind, incident_id, actor, body.comment, body.until_us))
    except ActRefused as refused:
        raise Refused(400, refused.detail) from None
    except sqlite3.Error as error:
        raise Refused(503, f"the state cannot be written now ({error}); try again") from None
    assert settled is None or isinstance(settled, Settled)
    return _answer(settled)


def _answer(settled: Settled | None) -> Response:
    if settled is None:
        return json_response({"outcome": "waiting", "detail": "taken down; the agent has not applied it yet"}, 202)
    if settled.outcome == DONE:
        return json_response({"outcome": settled.outcome, "detail": settled.detail})
    raise Refused(404 if settled.outcome == UNKNOWN else 409, settled.detail or settled.outcome)


async def read_body(request: Request, media_type: str, name: str, advice: str) -> bytes:
    """All of a request's body.

    Raises:
        Refused: it is of another media type (``advice`` says what to send), or larger than ``MAX_BODY_BYTES``.
    """
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != media_type:
        raise Refused(415, advice)
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            raise Refused(413, f"the {name} is larger than {MAX_BODY_BYTES} bytes")
    return bytes(body)


async def _read_act(request: Request) -> ActBody:
    """The body of an act. Only JSON: a form on a foreign page cannot send that without being asked first."""
    advice = 'send application/json, as {"actor": "name", "comment": "why"}'
    body = await read_body(request, "application/json", "body", advice)
    try:
        return msgspec.json.decode(body, type=ActBody)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Refused(400, f"the body is not an act: {error}") from None
