"""The routes. Whatever may block runs in a worker thread, of which there are few."""

from __future__ import annotations

import asyncio
import ipaddress
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from typing import cast
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from agent.web import api
from agent.web.forms import Tokens
from agent.web.people import HEADERS, People, refusal_page
from agent.web.report_pages import ReportPages
from agent.web.scrape import Scraped, negotiate, takes_gzip
from agent.web.views import Views
from exporters.exposition import ExpositionOptions

PEOPLE = ("/incidents/", "/models/")
"""Where errors are pages too."""
MAX_CHANGES = 8
"""Acts and reloads under way at once."""


class Pages:
    """One method per route."""

    def __init__(
        self,
        views: Views,
        options: Callable[[], ExpositionOptions],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._views = views
        self._scraped = Scraped(views.snapshot, options, monotonic)
        # One thread renders, so that acts which wait for the loop never delay a scrape.
        self._renderer = ThreadPoolExecutor(1, "wachter-render")
        self._workers = ThreadPoolExecutor(2, "wachter-http")
        in_worker, tokens = partial(_run, self._workers), Tokens()
        self._people = People(views, in_worker, tokens)
        self._reports = ReportPages(views, in_worker, tokens, HEADERS)
        self._changing = 0

    def close(self) -> None:
        """Let the threads go."""
        for executor in (self._renderer, self._workers):
            executor.shutdown(wait=False, cancel_futures=True)

    async def landing(self, request: Request) -> Response:
        return self._people.listing(request)

    async def incident_page(self, request: Request) -> Response:
        return await self._people.incident(request)

    async def model_page(self, request: Request) -> Response:
        return self._people.model(request)

    async def act_form(self, request: Request) -> Response:
        with self._change(request):
            return await self._people.act(request)

    async def start_report(self, request: Request) -> Response:
        with self._change(request):
            return await self._reports.start(request)

    async def report(self, request: Request) -> Response:
        return await self._reports.waiting(request)

    async def report_file(self, request: Request) -> Response:
        return await self._reports.file(request)

    async def metrics(self, request: Request) -> Response:
        wanted = negotiate(request.headers.get("accept", ""))
        packed = takes_gzip(request.headers.get("accept-encoding", ""))
        body = cast(bytes, await _run(self._renderer, partial(self._scraped.body, wanted, packed)))
        headers = {"Content-Type": wanted.value, "Vary": "Accept, Accept-Encoding"}
        return Response(body, headers=headers | ({"Content-Encoding": "gzip"} if packed else {}))

    async def healthy(self, request: Request) -> Response:
        return _state(request, self._views.not_live(), "live")

    async def ready(self, request: Request) -> Response:
        return _state(request, self._views.not_live() or self._views.snapshot().not_ready, "ready")

    async def reload(self, request: Request) -> Response:
        with self._change(request):
            done = await asyncio.get_running_loop().run_in_executor(self._workers, self._views.reload)
        if done.successful:
            return PlainTextResponse((done.message or "reloaded") + "\n")
        return PlainTextResponse(f"not reloaded, the former settings stay in force:\n{done.message}\n", 422)

    async def incidents(self, request: Request) -> Response:
        return api.list_incidents(self._views, request.query_params.get("state", "open"))

    async def incident(self, request: Request) -> Response:
        in_worker = partial(_run, self._workers)
        return await api.show_incident(self._views, in_worker, request.path_params["incident_id"])

    async def act(self, request: Request) -> Response:
        with self._change(request):
            return await api.act_on_incident(self._views, partial(_run, self._workers), request)

    @contextmanager
    def _change(self, request: Request) -> Iterator[None]:
        """Around what changes something: not for foreign pages, and few at a time, so that a crowd that waits for the loop
        does not take all connections."""
        _refuse_foreign_pages(request)
        if self._changing >= MAX_CHANGES:
            raise api.Refused(503, "too many requests wait for the agent; try again in a few seconds")
        self._changing += 1
        try:
            yield
        finally:
            self._changing -= 1


def build_app(pages: Pages, middleware: Sequence[Middleware]) -> Starlette:
    """The ASGI application, behind what lets requests through or not, the outermost first."""
    app = Starlette(
        routes=[
            Route("/", pages.landing),
            Route("/incidents/{incident_id}", pages.incident_page),
            Route("/incidents/{incident_id}/report", pages.start_report, methods=["POST"]),
            Route("/incidents/{incident_id}/report", pages.report),
            Route("/incidents/{incident_id}/report/file", pages.report_file),
            Route("/incidents/{incident_id}/{kind}", pages.act_form, methods=["POST"]),
            Route("/models/{system}/{model}", pages.model_page),
            Route("/metrics", pages.metrics),
            Route("/-/healthy", pages.healthy),
            Route("/-/ready", pages.ready),
            Route("/-/reload", pages.reload, methods=["POST"]),
            Route("/api/v1/incidents", pages.incidents),
            Route("/api/v1/incidents/{incident_id}", pages.incident),
            Route("/api/v1/incidents/{incident_id}/{kind}", pages.act, methods=["POST"]),
        ],
        middleware=middleware,
        exception_handlers={api.Refused: _refused, HTTPException: _http_error},
    )
    app.router.redirect_slashes = False
    return app


class RefuseReboundNames:
    """Lets through requests to ``localhost`` or an address. A foreign name on a loopback socket is a page that had its
    own name resolved to this machine (DNS rebinding)."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        host = Headers(scope=scope).get("host", "") if scope["type"] == "http" else "localhost"
        app = self._app if _is_own_name(host) else PlainTextResponse(f"{host!r} is not served here\n", 421)
        await app(scope, receive, send)


def _is_own_name(host: str) -> bool:
    try:
        name = urlsplit(f"//{host}").hostname or ""
        if name == "localhost":
            return True
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


async def _run(executor: Executor, call: Callable[[], object]) -> object:
    return await asyncio.get_running_loop().run_in_executor(executor, call)


def _state(request: Request, why_not: str, state: str) -> Response:
    """Yes or no; why not, only for those whom the doorkeeper knows."""
    why = f": {why_not}" if "user" in request.scope else ""
    return PlainTextResponse(f"not {state}{why}\n" if why_not else f"{state}\n", 503 if why_not else 200)


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, api.Refused)
    return refusal_page(error) if request.url.path.startswith(PEOPLE) else api.refusal(error)


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    what = {404: "no such page; / names those there are", 405: "this path does not take this method"}
    return PlainTextResponse(f"{what.get(error.status_code, error.detail)}\n", error.status_code, error.headers)


def _refuse_foreign_pages(request: Request) -> None:
    """A page of another site must not act with the reach of whoever looks at it."""
    origin = request.headers.get("origin")
    if origin is not None and not _is_of(origin, request.headers.get("host", "")):
        raise api.Refused(403, f"requests from pages of {origin} are refused")


def _is_of(origin: str, host: str) -> bool:
    """Whether an origin is this host; one that cannot be read is none."""
    try:
        return host != "" and urlsplit(origin).netloc == host
    except ValueError:
        return False
