"""The HTTP server: a bounded one, in a thread of its own."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from functools import partial

import uvicorn
from starlette.middleware import Middleware

from agent.web.access import MAX_HEADER_BYTES, Doorkeeper
from agent.web.app import Pages, RefuseReboundNames, build_app
from agent.web.guard import GuardedProtocol
from agent.web.in_force import InForce
from agent.web.passwords import Passwords
from agent.web.tls import TlsProtocol
from agent.web.views import Views
from config.errors import Problem, SettingsError
from config.settings.service import is_loopback
from exporters.exposition import ExpositionOptions

BACKLOG = 128
KEEP_ALIVE_SECONDS = 5
SHUTDOWN_SECONDS = 3
"""Longer than an act waits for the loop, so that nobody is cut off in the middle of one."""


class WebServer:
    """Serves the agent's views from ``start`` to ``close``."""

    def __init__(self, host: str, port: int, views: Views, options: Callable[[], ExpositionOptions]) -> None:
        """Raises:
        SettingsError: the web config cannot be used, or leaves the agent open.
        """
        self._host = host
        self._port = port
        self._pages = Pages(views, options)
        self._passwords = Passwords()
        self._web = InForce(views.settings().listen)
        self._actors = lambda: views.settings().listen.actors
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None
        self._listener: socket.socket | None = None

    @property
    def port(self) -> int:
        """The port that is listened on; known once started."""
        return self._port

    @property
    def web_config_trouble(self) -> str:
        """Why the web config as it stands is not in force; empty while it is."""
        return self._web.trouble

    def start(self) -> None:
        """Bind and serve. Connections are accepted when it returns.

        Raises:
            SettingsError: the address cannot be bound.
        """
        self._listener = listener = _bind(self._host, self._port)
        self._port = listener.getsockname()[1]
        self._server = uvicorn.Server(self._config())
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [listener]}, name="wachter-server", daemon=True
        )
        self._thread.start()

    def close(self, deadline_seconds: float = SHUTDOWN_SECONDS + 1.0) -> None:
        """Stop serving. Safe twice and safe without a start."""
        if self._server is None or self._thread is None or self._listener is None:
            return
        self._server.should_exit = True
        self._thread.join(deadline_seconds)
        self._server.force_exit = True
        self._listener.close()  # a server told to stop before it had begun leaves it open
        self._pages.close()
        self._passwords.close()
        self._server = self._thread = self._listener = None

    def _config(self) -> uvicorn.Config:
        doorkeeper = Middleware(Doorkeeper, web=self._web.current, actors=self._actors, passwords=self._passwords)
        own_names = [Middleware(RefuseReboundNames)] if is_loopback(self._host) else []
        secured = self._web.current().context is not None
        return uvicorn.Config(
            build_app(self._pages, [*own_names, doorkeeper]),
            http=partial(TlsProtocol, self._web.current) if secured else GuardedProtocol,  # type: ignore[arg-type]
            ws="none",
            loop="asyncio",
            lifespan="off",
            interface="asgi3",
            log_config=None,
            log_level="error",
            access_log=False,
            proxy_headers=False,
            server_header=False,
            h11_max_incomplete_event_size=MAX_HEADER_BYTES,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=SHUTDOWN_SECONDS,
            backlog=BACKLOG,
        )


def _bind(host: str, port: int) -> socket.socket:
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listener = socket.create_server((host, port), family=family, backlog=BACKLOG)
        # asyncio does that only where the socket's protocol was named; an answer in two packets then waits 40 ms for an ACK
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return listener
    except OSError as error:
        problem = Problem(
            "listen", f"{host}:{port} cannot be bound ({error.strerror or error})", "Choose another host or port."
        )
        raise SettingsError((problem,)) from None
