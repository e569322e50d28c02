"""The report about an incident: what its page says of it, a page that waits for it, and the report itself.

The report is drawn by scripts of another library over texts of events. So it comes as a document of no origin (sandbox): it
has no cookies, reaches no page of the agent and nothing on the network.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from agent.reports.jobs import Job
from agent.reports.of_incidents import IncidentReports
from agent.web.api import InWorker, Refused
from agent.web.forms import TOKEN, Tokens, name_of, read_form
from agent.web.html import Html, render
from agent.web.listing import incident_path
from agent.web.shell import page
from agent.web.views import Views
from config.errors import ReportError

REFRESH_SECONDS = 3
NONE = Html('<p class="quiet">None: this agent makes no reports.</p>')
SANDBOX = {
    "Content-Security-Policy": "sandbox allow-scripts; default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval'; "
    "style-src 'unsafe-inline'; img-src data: blob:; font-src data:; form-action 'none'; frame-ancestors 'none'; "
    "base-uri 'none'",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
START = """<p>Evidently's data drift, data quality and performance of the latest window, over rows read back from the event
log, beside the earliest ones. Only the report itself needs JavaScript.</p>
{state}
<form method="post" action="{path}/report"><input type="hidden" name="{token_name}" value="{token}">
<button>{word}</button></form>"""


def report_part(record: Mapping[str, Any], job: Job | None, token: str) -> Html:
    """What the page of the incident says of its report."""
    path = incident_path(record["id"])
    if record["track"] == "agent":
        return Html('<p class="quiet">None: this incident is about the agent, not about rows.</p>')
    runs = job is not None and not job.progress.is_over
    word = "Show how far it is" if runs else ("Make it" if job is None else "Make it anew")
    return render(START, state=_state(path, job), path=path, token_name=TOKEN, token=token, word=word)


def _state(path: str, job: Job | None) -> Html:
    if job is None:
        return Html("")
    link = render(' <a href="{}/report/file">Open the report</a>', path) if job.file is not None else Html("")
    return render('<p role="status">{}.{}</p>', _sentence(job), link)


def _sentence(job: Job) -> str:
    text = str(job.progress).rstrip(".")
    return text[:1].upper() + text[1:]


class ReportPages:
    """One method per route; owned by the server."""

    def __init__(self, views: Views, in_worker: InWorker, tokens: Tokens, headers: Mapping[str, str]) -> None:
        self._views = views
        self._in_worker = in_worker
        self._tokens = tokens
        self._headers = dict(headers)

    async def start(self, request: Request) -> Response:
        """Start it, then lead to the page that waits for it."""
        incident_id, reports = request.path_params["incident_id"], self._reports()
        self._tokens.check(request, await read_form(request))
        record = cast("Mapping[str, Any] | None", await self._in_worker(lambda: self._views.find_incident(incident_id)))
        if record is None:
            raise Refused(404, f"no incident {incident_id!r}; see /?state=all")
        try:
            await self._in_worker(lambda: reports.start(record, name_of(request)))
        except ReportError as error:
            raise Refused(409, str(error)) from None
        return RedirectResponse(f"{incident_path(incident_id)}/report", 303)

    async def waiting(self, request: Request) -> Response:
        """How far it is, looked at again by itself; the report, once it is done."""
        path, job = incident_path(request.path_params["incident_id"]), await self._job(request)
        if job.progress.stage == "done":
            return RedirectResponse(f"{path}/report/file", 303)
        runs = not job.progress.is_over
        again = Html("<p>This page looks again by itself.</p>") if runs else Html("")
        body = render(
            '<h1>Report</h1><p role="status">{}.</p>{}<p><a href="{}">Back to the incident</a></p>',
            _sentence(job), again, path,
        )  # fmt: skip
        headers = self._headers | ({"Refresh": str(REFRESH_SECONDS)} if runs else {})
        return HTMLResponse(page("Report - Wachter", Html(""), body), headers=headers)

    async def file(self, request: Request) -> Response:
        """The report itself."""
        job = await self._job(request)
        if job.file is None:
            raise Refused(404, "there is no report yet; the page of the incident starts one")
        try:
            content = await self._in_worker(job.file.read_bytes)
        except OSError as error:
            raise Refused(404, f"the report cannot be read ({error.strerror}); make it anew") from None
        return HTMLResponse(cast(bytes, content), headers=SANDBOX)

    async def _job(self, request: Request) -> Job:
        incident_id, reports = request.path_params["incident_id"], self._reports()
        job = cast("Job | None", await self._in_worker(lambda: reports.of(incident_id)))
        if job is None:
            raise Refused(404, "nobody asked for a report about this incident; its page starts one")
        return job

    def _reports(self) -> IncidentReports:
        if self._views.reports is None:
            raise Refused(404, "this agent makes no reports")
        return self._views.reports
