"""What the image's HEALTHCHECK says of the answers that it may get."""

from __future__ import annotations

import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from tests.agent.web.secured import listen, over_tls, serving_with, with_clients
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


def check(*address: str, **environment: str) -> tuple[int, str]:
    """Exit code and what it says."""
    command = [sys.executable, str(SCRIPT), *address]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
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


def test_another_address_may_stand_in_the_environment() -> None:
    with answering(200) as port:
        assert check(WACHTER_HEALTH_URL=f"http://127.0.0.1:{port}/-/healthy")[0] == 0
    assert check(WACHTER_HEALTH_URL="http://127.0.0.1:1/-/healthy")[0] == 1


@pytest.mark.parametrize("max_version", ["TLS12", "TLS13"])
def test_our_agent_is_healthy_also_where_it_asks_for_certificates(tmp_path: Path, max_version: str) -> None:
    """Its server hangs up on who shows none, without a TLS alert: every probe failed, and a good pod was restarted."""
    web = with_clients(Certificates.create(tmp_path), max_version=max_version)
    with serving_with(listen(tmp_path, web)) as (_, server):
        assert check(f"https://127.0.0.1:{server.port}/-/healthy")[0] == 0


def test_our_agent_that_does_not_turn_is_told_from_one_that_does_over_tls(tmp_path: Path) -> None:
    with serving_with(listen(tmp_path, over_tls(Certificates.create(tmp_path)))) as (agent, server):
        assert check(f"https://127.0.0.1:{server.port}/-/healthy") == (0, "")
        agent.not_live = "the loop has not turned for 90 s"
        assert check(f"https://127.0.0.1:{server.port}/-/healthy")[0] == 1


def test_one_that_speaks_no_tls_where_it_should_is_not_healthy() -> None:
    with answering(200) as port:
        assert check(f"https://127.0.0.1:{port}/-/healthy")[0] == 1
    assert check("https://127.0.0.1:1/-/healthy")[0] == 1


def test_a_server_that_hangs_up_without_tls_is_not_healthy() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=lambda: listener.accept()[0].close())
        thread.start()
        assert check(f"http://127.0.0.1:{listener.getsockname()[1]}/-/healthy")[0] == 1
        thread.join()
