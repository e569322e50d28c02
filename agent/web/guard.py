"""Connections with deadlines and a bound: uvicorn has neither a time-out for headers nor one for slow readers.

A connection that waits for a whole request, body included, or for its answer to be read, is aborted after
``REQUEST_SECONDS``; bytes that trickle in do not prolong it. The answer has ``RESPONSE_SECONDS`` to be made. Beyond
``MAX_CONNECTIONS`` the connection that has waited longest makes room for the new one, so half-open sockets cannot keep
Prometheus out.
"""

from __future__ import annotations

import asyncio

from uvicorn.protocols.http.h11_impl import H11Protocol

MAX_CONNECTIONS = 64
REQUEST_SECONDS = 10.0
RESPONSE_SECONDS = 30.0


class GuardedProtocol(H11Protocol):
    """One HTTP/1.1 connection under guard."""

    _deadline: asyncio.TimerHandle | None = None
    _waiting_since: float | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._wait_for_request()
        if len(self.connections) > MAX_CONNECTIONS:
            self._make_room()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._note_request()

    def on_response_complete(self) -> None:
        self._wait_for_request()
        super().on_response_complete()
        self._note_request()

    def connection_lost(self, exc: Exception | None) -> None:
        self._set_deadline(None)
        super().connection_lost(exc)

    def _note_request(self) -> None:
        """Change the clock once a request is complete."""
        answering = self.cycle is not None and not self.cycle.response_complete and not self.cycle.more_body
        if answering and self._waiting_since is not None:
            self._waiting_since = None
            self._set_deadline(RESPONSE_SECONDS)

    def _wait_for_request(self) -> None:
        self._waiting_since = self.loop.time()
        self._set_deadline(REQUEST_SECONDS)

    def _set_deadline(self, seconds: float | None) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
        self._deadline = None if seconds is None else self.loop.call_later(seconds, self.transport.abort)

    def _make_room(self) -> None:
        waiting = [c for c in self.connections if isinstance(c, GuardedProtocol) and c._waiting_since is not None]
        longest = min(waiting, key=lambda connection: connection._waiting_since or 0.0)
        self.connections.discard(longest)
        longest.transport.abort()
