"""TLS and client certificates, under the same guard as plain connections."""

from __future__ import annotations

import http.client
import socket
import ssl
import threading
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from agent.web import guard
from agent.web.tls import name_in
from tests.agent.web.secured import ask_securely, listen, over_tls, serving_with, trusting, with_clients
from tests.agent.web.test_guard import connect, eventually, is_closed, open_connections
from tests.exporters.sample import INCIDENT
from tests.parts.certificates import Certificates

pytestmark = pytest.mark.slow

ACK = f"/api/v1/incidents/{INCIDENT.id}/ack"
JSON = {"Content-Type": "application/json"}


def certificates(directory: Path, name: str) -> Certificates:
    (directory / name).mkdir()
    return Certificates.create(directory / name)


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates.create(tmp_path_factory.mktemp("ours"))


def test_the_agent_is_reached_over_tls_and_not_without(tmp_path: Path, ours: Certificates) -> None:
    with serving_with(listen(tmp_path, over_tls(ours))) as (_, server):
        answer = ask_securely(server, "/metrics", trusting(ours))
        assert (answer.status, b"wachter_events_received_total" in answer.body) == (200, True)
        with connect(server) as plain:
            plain.sendall(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert eventually(lambda: is_closed(plain))
        assert eventually(lambda: open_connections(server) == 0)


def test_one_secured_connection_serves_many_requests(tmp_path: Path, ours: Certificates) -> None:
    with serving_with(listen(tmp_path, over_tls(ours))) as (_, server):
        connection = http.client.HTTPSConnection("127.0.0.1", server.port, timeout=10, context=trusting(ours))
        with closing(connection):
            for _ in range(3):
                connection.request("GET", "/-/healthy")
                assert connection.getresponse().read() == b"live\n"


def test_versions_below_the_least_are_refused(tmp_path: Path, ours: Certificates) -> None:
    old = trusting(ours)
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    with serving_with(listen(tmp_path, over_tls(ours, min_version="TLS13"))) as (_, server):
        with pytest.raises(ssl.SSLError):
            ask_securely(server, "/", old)
        assert ask_securely(server, "/", trusting(ours)).status == 200


def test_a_client_without_the_right_certificate_does_not_come_in(tmp_path: Path, ours: Certificates) -> None:
    foreign = certificates(tmp_path, "foreign")
    with serving_with(listen(tmp_path, with_clients(ours))) as (_, server):
        for context in (trusting(ours), trusting(ours, foreign)):
            with pytest.raises((ssl.SSLError, ConnectionError, http.client.HTTPException)):
                ask_securely(server, "/-/healthy", context)
        assert ask_securely(server, "/metrics", trusting(ours, ours)).status == 200


def test_a_certificate_names_the_actor(tmp_path: Path, ours: Certificates) -> None:
    """The test certificate's common name is 127.0.0.1."""
    with serving_with(listen(tmp_path, with_clients(ours), actors=("127.0.0.1",))) as (agent, server):
        assert ask_securely(server, ACK, trusting(ours, ours), "POST", b"{}", JSON).status == 200
        assert agent.acts[0][2] == "127.0.0.1"


def test_a_certificate_that_is_no_actors_only_reads(tmp_path: Path, ours: Certificates) -> None:
    with serving_with(listen(tmp_path, with_clients(ours))) as (agent, server):
        assert ask_securely(server, "/", trusting(ours, ours)).status == 200
        assert ask_securely(server, ACK, trusting(ours, ours), "POST", b'{"actor": "ada"}', JSON).status == 403
        assert agent.acts == []


@pytest.mark.parametrize(("asked_for", "comes_in"), [(["localhost"], True), (["other.example"], False)])
def test_certificates_are_limited_to_the_names_that_are_allowed(
    tmp_path: Path, ours: Certificates, asked_for: list[str], comes_in: bool
) -> None:
    with serving_with(listen(tmp_path, with_clients(ours, client_allowed_sans=asked_for))) as (_, server):
        try:
            answered = ask_securely(server, "/", trusting(ours, ours)).status == 200
        except (OSError, http.client.HTTPException):
            answered = False
        assert answered is comes_in


def test_half_open_handshakes_cost_no_thread_and_keep_no_scrape_out(tmp_path: Path, ours: Certificates) -> None:
    with serving_with(listen(tmp_path, over_tls(ours))) as (_, server), ExitStack() as stack:
        assert ask_securely(server, "/metrics", trusting(ours)).status == 200
        threads = set(threading.enumerate())
        for number in range(300):
            half_open = stack.enter_context(connect(server))
            if number % 2:
                half_open.sendall(b"\x16\x03\x01\x02\x00\x01")
        assert ask_securely(server, "/metrics", trusting(ours)).status == 200
        assert set(threading.enumerate()) <= threads
        assert open_connections(server) <= guard.MAX_CONNECTIONS


def test_a_handshake_that_is_not_finished_is_let_go(
    tmp_path: Path, ours: Certificates, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guard, "REQUEST_SECONDS", 0.2)
    with serving_with(listen(tmp_path, over_tls(ours))) as (_, server), connect(server) as silent:
        assert eventually(lambda: is_closed(silent))
        assert eventually(lambda: open_connections(server) == 0)


@pytest.mark.parametrize("garbage", [b"\x00" * 300, b"\x16\x03\x01\x00\x04\xff\x00\x00\x00", b"\x80\x80" * 200])
def test_what_is_no_handshake_does_no_harm(
    tmp_path: Path, ours: Certificates, garbage: bytes, capfd: pytest.CaptureFixture[str]
) -> None:
    with serving_with(listen(tmp_path, over_tls(ours))) as (_, server):
        with socket.create_connection(("127.0.0.1", server.port), 10) as connection:
            connection.sendall(garbage)
            assert eventually(lambda: is_closed(connection))
        assert ask_securely(server, "/-/healthy", trusting(ours)).status == 200
    assert capfd.readouterr().err == ""


def test_a_name_is_the_common_name_or_else_the_first_other() -> None:
    certificate = {"subject": ((("commonName", "ada"),),), "subjectAltName": (("DNS", "host"),)}
    assert name_in(certificate) == "ada"
    assert name_in({"subjectAltName": (("email", "ada@example.org"),)}) == "ada@example.org"
    assert name_in({}) == ""
