"""The HTTP server: a bounded one, in a thread of its own."""

from __future__ import annotations

import ipaddress
import socket
import threading
from collections.abc import Callable

import uvicorn

from agent.web.app import Pages, build_app
from agent.web.guard import GuardedProtocol
from agent.web.views import Views
from config.errors import Problem, SettingsError
from exporters.exposition import ExpositionOptions

BACKLOG = 128
MAX_HEADER_BYTES = 16 * 1024
KEEP_ALIVE_SECONDS = 5
SHUTDOWN_SECONDS = 3
"""Longer than an act waits for the loop, so that nobody is cut off in the middle of one."""


class WebServer:
    """Serves the agent's views from ``start`` to ``close``."""

    def __init__(self, host: str, port: int, views: Views, options: Callable[[], ExpositionOptions]) -> None:
        self._host = host
        self._port = port
        self._pages = Pages(views, options)
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None
        self._listener: socket.socket | None = None

    @property
    def port(self) -> int:
        """The port that is listened on; known once started."""
        return self._port

    def start(self) -> None:
        """Bind and serve. Connections are accepted when it returns.

        Raises:
            SettingsError: the address cannot be bound.
        """
        self._listener = listener = _bind(self._host, self._port)
        self._port = listener.getsockname()[1]
        self._server = uvicorn.Server(_config(self._pages, self._host))
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
        self._server = self._thread = self._listener = None


def _bind(host: str, port: int) -> socket.socket:
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:
        problem = Problem(
            "listen", f"{host}:{port} cannot be bound ({error.strerror or error})", "Choose another host or port."
        )
        raise SettingsError((problem,)) from None


def _config(pages: Pages, host: str) -> uvicorn.Config:
    return uvicorn.Config(
        build_app(pages, loopback_only=_is_loopback(host)),
        http=GuardedProtocol,
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


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
