"""TLS under the same guard as plain connections.

uvicorn and asyncio would count a connection only after its handshake, of which they wait a minute. Here it counts from its
first byte on, with the deadline of a request, and each new one gets the certificates that are in force.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send

from agent.web import guard
from agent.web.in_force import Web

CERTIFICATE = "wachter.certificate"
"""Key of the scope: the name in the client's certificate."""
GOODBYE_SECONDS = 3.0
"""How long a client may take to answer our close_notify."""


class TlsProtocol(guard.GuardedProtocol):
    """One HTTPS connection under guard."""

    def __init__(self, web: Callable[[], Web], **given: Any) -> None:
        super().__init__(**given)
        self._web = web
        self._early: bytearray | None = bytearray()
        self._shaking_hands: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        transport.pause_reading()
        self._shaking_hands = self.loop.create_task(self._secure(transport))

    def data_received(self, data: bytes) -> None:
        if self._early is None:
            super().data_received(data)
        else:  # the first request may come in the same packet as the end of the handshake
            self._early += data

    async def _secure(self, transport: asyncio.Transport) -> None:
        web = self._web()
        assert web.context is not None
        if transport.is_closing():
            return
        try:
            secured = await self.loop.start_tls(
                transport,
                self,
                web.context,
                server_side=True,
                ssl_handshake_timeout=guard.REQUEST_SECONDS,
                ssl_shutdown_timeout=GOODBYE_SECONDS,
            )
        except OSError:  # all that a handshake fails of: SSLError, TimeoutError, ConnectionError
            secured = None
        if secured is None:  # also when the connection was let go meanwhile, of which asyncio does not tell
            self.connection_lost(None)
            return
        certificate: Mapping[str, Any] = secured.get_extra_info("peercert") or {}
        if not is_allowed(certificate, web):
            secured.abort()
            return
        self.app = _certified(self.app, name_in(certificate))
        super().connection_made(secured)
        early, self._early = bytes(self._early or b""), None
        if early:
            super().data_received(early)


def name_in(certificate: Mapping[str, Any]) -> str:
    """The common name of a verified certificate, as ``ssl.SSLSocket.getpeercert`` gives it; else its first other name."""
    subject = [value for part in certificate.get("subject", ()) for key, value in part if key == "commonName"]
    others = [value for _, value in certificate.get("subjectAltName", ())]
    return str(next(iter((*subject, *others)), ""))


def is_allowed(certificate: Mapping[str, Any], web: Web) -> bool:
    """Whether a certificate, where there is one, has one of the names that ``client_allowed_sans`` asks for."""
    tls = web.config.tls_server_config
    if not certificate or tls is None or not tls.client_allowed_sans:
        return True
    return any(value in tls.client_allowed_sans for _, value in certificate.get("subjectAltName", ()))


def _certified(app: Any, name: str) -> Any:
    inner: ASGIApp = app

    async def call(scope: Scope, receive: Receive, send: Send) -> None:
        await inner({**scope, CERTIFICATE: name}, receive, send)

    return call
