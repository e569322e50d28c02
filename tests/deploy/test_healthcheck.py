"""What the image's HEALTHCHECK says of the answers that it may get."""

from __future__ import annotations

import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from tests.deploy.tools import DEPLOY
from tests.parts.certificates import Certificates

SCRIPT = DEPLOY / "container" / "healthcheck.py"


@contextmanager
def answering(status: int, text: str = "", context: ssl.SSLContext | None = None) -> Iterator[int]:
    """A server that answers everything alike; yields its port."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the base class's
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def check(address: str) -> tuple[int, str]:
    """Exit code and what it says."""
    command = [sys.executable, str(SCRIPT), address]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.returncode, done.stderr


def test_an_agent_that_says_so_is_healthy() -> None:
    with answering(200) as port:
        assert check(f"http://127.0.0.1:{port}/-/healthy") == (0, "")


def test_one_that_does_not_turn_is_not_and_its_reason_is_told() -> None:
    with answering(503, "the loop has not turned for 90 s") as port:
        code, said = check(f"http://127.0.0.1:{port}/-/healthy")
    assert code == 1
    assert "503: the loop has not turned for 90 s" in said


def test_one_that_asks_for_a_user_has_answered() -> None:
    with answering(401) as port:
        assert check(f"http://127.0.0.1:{port}/-/healthy")[0] == 0


def test_nobody_is_not_healthy() -> None:
    code, said = check("http://127.0.0.1:1/-/healthy")
    assert code == 1
    assert "no answer" in said


@pytest.fixture
def tls(tmp_path: Path) -> ssl.SSLContext:
    certificates = Certificates.create(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates.keystore)
    return context


def test_a_certificate_of_another_name_does_not_matter_on_loopback(tls: ssl.SSLContext) -> None:
    with answering(200, context=tls) as port:
        assert check(f"https://127.0.0.1:{port}/-/healthy")[0] == 0
