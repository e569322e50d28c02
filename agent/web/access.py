"""Who may come in, and who may act: the first that a request meets.

Reading is what GET does, acting is everything else. A probe needs nobody's name, and learns nothing but yes or no.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from dataclasses import dataclass

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from agent.web import api
from agent.web.bucket import Bucket
from agent.web.in_force import Web
from agent.web.passwords import Passwords, TooManyGuesses, credentials_of
from agent.web.people import refusal_page
from agent.web.tls import CERTIFICATE
from config.settings.web import WebConfig

PROBES = ("/-/healthy", "/-/ready")
READING = ("GET", "HEAD", "OPTIONS")
CHALLENGE = {"WWW-Authenticate": 'Basic realm="wachter", charset="UTF-8"', "Cache-Control": "no-store"}
CONTENT_POLICY = "Content-Security-Policy"
MAX_HEADER_BYTES = 16 * 1024
"""Of all names and values. h11 has a bound too, but only on heads that come in parts."""
FORWARDED = ("forwarded", "x-forwarded-for")


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who asks, in ``scope["user"]``.

    Attributes:
        display_name: signed in with a password, else with a certificate; empty where nobody asked.
        may_act: whether what changes something is taken from him.
    """

    display_name: str
    may_act: bool


class Doorkeeper:
    """Lets a request through to the application, or answers 401, 403, 429 or 431."""

    def __init__(
        self, app: ASGIApp, web: Callable[[], Web], actors: Callable[[], tuple[str, ...]], passwords: Passwords
    ) -> None:
        self._app = app
        self._web = web
        self._actors = actors
        self._passwords = passwords
        self._bucket = (WebConfig().rate_limit, Bucket(0, 0))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        config = self._web().config
        answer = with_headers(send, config.http_server_config.headers)
        refusal = await self._judge(scope, config)
        await (refusal or self._app)(scope, receive, answer)

    async def _judge(self, scope: Scope, config: WebConfig) -> Response | None:
        """A refusal, or ``None`` and the visitor in the scope; a probe may remain without one."""
        if sum(len(name) + len(value) for name, value in scope["headers"]) > MAX_HEADER_BYTES:
            return PlainTextResponse(f"the headers are larger than {MAX_HEADER_BYTES} bytes\n", 431)
        probing = scope["path"] in PROBES
        if not probing and not self._is_within_rate(config):
            return PlainTextResponse("too many requests\n", 429, {"Retry-After": "1"})
        name = str(scope.get(CERTIFICATE, ""))
        if config.basic_auth_users:
            found = credentials_of(Headers(scope=scope).get("authorization", ""))
            if found is None:
                return None if probing else PlainTextResponse("sign in with a user and a password\n", 401, CHALLENGE)
            try:
                if not await self._passwords.check(config.basic_auth_users, *found):
                    return PlainTextResponse("no such user, or another password\n", 401, CHALLENGE)
            except TooManyGuesses:
                return PlainTextResponse("too many wrong passwords; try again in a moment\n", 429, {"Retry-After": "1"})
            name = found[0]
        scope["user"] = visitor = Visitor(name, self._may_act(scope, name, config))
        return None if scope["method"] in READING or visitor.may_act else _no_actor(scope, name)

    def _may_act(self, scope: Scope, name: str, config: WebConfig) -> bool:
        """Named actors; where nobody is asked who he is, those at this machine."""
        if name:
            return name in self._actors()
        return not config.knows_people and is_local(scope)

    def _is_within_rate(self, config: WebConfig) -> bool:
        limit, bucket = self._bucket
        if limit != config.rate_limit:
            limit = config.rate_limit
            bucket = Bucket(limit.interval_us / 1_000_000, limit.burst)
            self._bucket = (limit, bucket)
        return bucket.take()


def is_local(scope: Scope) -> bool:
    """Whether a request comes from this machine itself, and no proxy says that it passes on another's."""
    headers = Headers(scope=scope)
    if scope.get("client") is None or any(name in headers for name in FORWARDED):
        return False
    try:
        address = ipaddress.ip_address(scope["client"][0])
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback


def with_headers(send: Send, headers: dict[str, str]) -> Send:
    """Send answers with these headers too.

    They replace ours, but for content security policies: a page that has two must keep to both, so an operator's can
    only forbid more.
    """
    if not headers:
        return send

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            ours = MutableHeaders(scope=message)
            for name, value in headers.items():
                if name == CONTENT_POLICY:
                    ours.append(name, value)
                else:
                    ours[name] = value
        await send(message)

    return sending


def _no_actor(scope: Scope, name: str) -> Response:
    if name:
        error = api.Refused(403, f"{name!r} may read only; who may act is named in listen.actors")
    else:
        error = api.Refused(403, "acts are taken from this machine only, or from users that listen.actors names")
    return refusal_page(error) if scope["path"].startswith("/incidents/") else api.refusal(error)
