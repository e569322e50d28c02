"""The routes for people: the list, an incident, a model, and acts that come as forms."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Mapping
from typing import Any, cast

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from agent.reports.jobs import Job
from agent.state.acts import DONE, UNKNOWN, ActKind, Settled
from agent.web.act_form import SILENCES, ActForm
from agent.web.api import ACT_KINDS, InWorker, Refused
from agent.web.blocks import event_time_us
from agent.web.forms import Tokens, browser_of, may_act, name_of, read_form, remember, remember_name, signed_in
from agent.web.html import Html, render
from agent.web.incident_page import Shown, incident_page, outcome_note
from agent.web.listing import Filters, incident_path, listing
from agent.web.model_page import find_model, model_page
from agent.web.report_pages import NONE, report_part
from agent.web.shell import page
from agent.web.times import HOUR_US
from agent.web.views import Views
from config.errors import ActRefused
from exporters.dossier import Dossier

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'; "
    "base-uri 'none'",
    "Cache-Control": "no-store",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}
DONE_WORDS = {
    "ack": "Acknowledged. It stays open, and calls again only for trouble of another kind.",
    "resolve": "Resolved. If the model is still bad, the next window opens another incident and calls.",
    "comment": "The comment is in the timeline.",
    "silence": "Silenced. Nobody is called about it until then.",
    "waiting": "Taken down. The agent has not applied it yet; look again in a moment.",
}


def refusal_page(error: Refused) -> Response:
    """A page that says what is wrong."""
    body = render('<h1>{}</h1><p><a href="/">All incidents</a></p>', error.error)
    return HTMLResponse(
        page("Not found - Wachter" if error.status == 404 else "Not done - Wachter", Html(""), body),
        error.status,
        HEADERS,
    )


class People:
    """One method per page; owned by the server."""

    def __init__(self, views: Views, in_worker: InWorker, tokens: Tokens) -> None:
        self._views = views
        self._in_worker = in_worker
        self._tokens = tokens

    def listing(self, request: Request) -> Response:
        """Open incidents, or those that the address asks for."""
        filters = Filters.of(request.query_params)
        return HTMLResponse(listing(self._views.snapshot(), self._views.not_live(), filters), headers=HEADERS)

    def model(self, request: Request) -> Response:
        """One model of the settings."""
        settings = self._views.settings()
        found = find_model(settings, request.path_params["system"], request.path_params["model"])
        if found is None:
            raise Refused(404, "the settings name no such model; see /")
        return HTMLResponse(model_page(self._views.snapshot(), settings, *found), headers=HEADERS)

    async def incident(self, request: Request) -> Response:
        """One incident, and what became of the act that led here."""
        done = DONE_WORDS.get(request.query_params.get("done", ""), "")
        return await self._incident(request, outcome_note(done, good=True) if done else Html(""))

    async def act(self, request: Request) -> Response:
        """Take an act from a form, then lead back to the incident; where it was refused, with what was written."""
        kind, incident_id = request.path_params["kind"], request.path_params["incident_id"]
        if kind not in ACT_KINDS:
            raise Refused(404, f"no act {kind!r}; use one of {', '.join(ACT_KINDS)}")
        fields = await read_form(request)
        actor = signed_in(request) or fields.get("actor", "")
        try:
            self._tokens.check(request, fields)
            settled = await self._take(kind, incident_id, actor, fields)
        except Refused as refused:
            return await self._incident(
                request, outcome_note(f"Not done: {refused.error}.", good=False), fields, refused
            )
        done = "waiting" if settled is None else kind
        answer = RedirectResponse(f"{incident_path(incident_id)}?done={done}", 303)
        if not signed_in(request):
            remember_name(answer, request, actor.strip())
        return answer

    async def _take(self, kind: ActKind, incident_id: str, actor: str, fields: Mapping[str, str]) -> Settled | None:
        until_us = self._until(fields) if kind == "silence" else None
        comment = fields.get("comment", "")
        try:
            answer = await self._in_worker(lambda: self._views.act(kind, incident_id, actor, comment, until_us))
        except ActRefused as refused:
            raise Refused(400, refused.detail) from None
        except sqlite3.Error as error:
            raise Refused(503, f"the state cannot be written now ({error}); try again") from None
        settled = cast("Settled | None", answer)
        if settled is not None and settled.outcome != DONE:
            raise Refused(404 if settled.outcome == UNKNOWN else 409, settled.detail or settled.outcome)
        return settled

    def _until(self, fields: Mapping[str, str]) -> int:
        hours = fields.get("hours", "")
        if hours not in SILENCES:
            raise Refused(400, "choose for how long nobody is to be called")
        return time.time_ns() // 1000 + int(hours) * HOUR_US  # the inbox's clock; the snapshot may be an old one

    async def _incident(
        self, request: Request, told: Html, fields: Mapping[str, str] | None = None, refused: Refused | None = None
    ) -> Response:
        record = await self._record(request.path_params["incident_id"])
        dossier = cast(Dossier, await self._in_worker(lambda: self._views.dossier(record, name_of(request))))
        snapshot, cookie, written = self._views.snapshot(), browser_of(request), fields or {}
        form = ActForm(
            token=self._tokens.of(cookie),
            name=written.get("actor", "") or name_of(request),
            is_signed_in=bool(signed_in(request)),
            may_act=may_act(request),
            comment=written.get("comment", ""),
        )
        watermark_us = event_time_us(snapshot, record["stream"]["system"])
        report = await self._report(record, form.token)
        shown = Shown(record, dossier, self._views.settings(), snapshot.at_us, watermark_us, form, told, report)
        answer = HTMLResponse(incident_page(shown), refused.status if refused else 200, HEADERS)
        remember(answer, request, cookie)
        return answer

    async def _report(self, record: Mapping[str, Any], token: str) -> Html:
        reports = self._views.reports
        if reports is None:
            return NONE
        job = cast("Job | None", await self._in_worker(lambda: reports.of(record["id"])))
        return report_part(record, job, token)

    async def _record(self, incident_id: str) -> Mapping[str, Any]:
        """As the state has it now: the snapshot may be older than the act that led here."""
        try:
            record = await self._in_worker(lambda: self._views.find_incident(incident_id))
        except sqlite3.Error as error:
            raise Refused(503, f"the state cannot be read now ({error}); try again") from None
        if record is None:
            raise Refused(404, f"no incident {incident_id!r}; see /?state=all")
        return cast("Mapping[str, Any]", record)
