from __future__ import annotations

import gzip
import socket
import sqlite3
from collections.abc import Iterator
from dataclasses import replace

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from agent.state.acts import Settled
from agent.web.server import WebServer
from config.errors import ActRefused, SettingsError
from exporters.snapshot import Reload
from tests.agent.web_client import FakeAgent, ask, post_json, serving
from tests.exporters.sample import INCIDENT, NOW_US, SNAPSHOT

ACK = f"/api/v1/incidents/{INCIDENT.id}/ack"


@pytest.fixture(scope="module")
def running() -> Iterator[tuple[FakeAgent, WebServer]]:
    agent = FakeAgent()
    with serving(agent) as server:
        yield agent, server


@pytest.fixture
def agent(running: tuple[FakeAgent, WebServer]) -> FakeAgent:
    running[0].forget()
    return running[0]


@pytest.fixture
def server(agent: FakeAgent, running: tuple[FakeAgent, WebServer]) -> WebServer:
    return running[1]


def test_metrics_are_text_unless_openmetrics_is_asked_for(server: WebServer) -> None:
    plain = ask(server, "/metrics")
    assert plain.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert "wachter_events_received_total 110.0" in plain.text
    wanted = ask(server, "/metrics", headers={"Accept": "application/openmetrics-text;version=1.0.0,text/plain;q=0.5"})
    assert wanted.headers["content-type"].startswith("application/openmetrics-text; version=1.0.0")
    assert list(text_string_to_metric_families(wanted.text))


def test_metrics_are_gzipped_for_those_who_take_it(server: WebServer) -> None:
    packed = ask(server, "/metrics", headers={"Accept-Encoding": "gzip"})
    assert packed.headers["content-encoding"] == "gzip"
    assert b"wachter_events_received_total 110.0" in gzip.decompress(packed.body)


def test_metrics_tell_of_the_process(server: WebServer) -> None:
    assert "process_resident_memory_bytes" in ask(server, "/metrics").text


def test_an_agent_whose_loop_stands_still_is_not_healthy_and_says_why(server: WebServer, agent: FakeAgent) -> None:
    assert (ask(server, "/-/healthy").status, ask(server, "/-/healthy").text) == (200, "live\n")
    agent.not_live = "no step for 90 s"
    unhealthy = ask(server, "/-/healthy")
    assert (unhealthy.status, unhealthy.text) == (503, "not live: no step for 90 s\n")


def test_an_agent_without_partitions_is_not_ready_and_says_why(server: WebServer, agent: FakeAgent) -> None:
    assert ask(server, "/-/ready").status == 200
    agent.snapshot = replace(SNAPSHOT, not_ready="the broker does not answer")
    unready = ask(server, "/-/ready")
    assert (unready.status, unready.text) == (503, "not ready: the broker does not answer\n")


def test_a_reload_is_asked_for_by_post_only(server: WebServer) -> None:
    assert ask(server, "/-/reload").status == 405
    assert ask(server, "/-/reload", "POST").text == "thresholds and receivers taken over\n"


def test_a_reload_that_failed_says_so(server: WebServer, agent: FakeAgent) -> None:
    agent.reloaded = Reload(False, NOW_US, NOW_US, "systems[0].id: is missing. Add it.")
    failed = ask(server, "/-/reload", "POST")
    assert failed.status == 422
    assert "systems[0].id" in failed.text


@pytest.mark.parametrize("path", ["/nope", "/metrics/", "/metricsx", "/-/", "/api/v1/incidents/", "//metrics", "/.."])
def test_any_other_path_is_not_found(server: WebServer, path: str) -> None:
    assert ask(server, path).status == 404


@pytest.mark.parametrize("path", ["/", "/metrics", "/-/healthy", "/-/ready", "/api/v1/incidents"])
def test_what_is_only_read_takes_no_post(server: WebServer, path: str) -> None:
    refused = ask(server, path, "POST")
    assert refused.status == 405
    assert "GET" in refused.headers["allow"]


def test_open_incidents_are_listed(server: WebServer, agent: FakeAgent) -> None:
    ended = replace(INCIDENT, id="h-3f2a9c1b-1", state="resolved", resolved_us=NOW_US)
    agent.snapshot = replace(SNAPSHOT, incidents=(INCIDENT, ended))
    (listed,) = ask(server, "/api/v1/incidents").json["incidents"]
    assert (listed["id"], listed["system"], listed["track"]) == (INCIDENT.id, "credit-scoring", "health")
    assert listed["opened"] == "2024-10-04T00:00:00.000Z"
    assert len(ask(server, "/api/v1/incidents?state=all").json["incidents"]) == 2
    assert ask(server, "/api/v1/incidents?state=pending").status == 400


def test_an_incident_is_shown_whole_also_when_it_is_long_over(server: WebServer, agent: FakeAgent) -> None:
    agent.older["h-0-1"] = {"id": "h-0-1"}
    assert ask(server, f"/api/v1/incidents/{INCIDENT.id}").json == INCIDENT.record
    assert ask(server, "/api/v1/incidents/h-0-1").json == {"id": "h-0-1"}
    missing = ask(server, "/api/v1/incidents/h-9-9")
    assert missing.status == 404
    assert "h-9-9" in missing.json["error"]


def test_an_act_reaches_the_inbox_with_its_actor_and_comment(server: WebServer, agent: FakeAgent) -> None:
    done = post_json(server, ACK, {"actor": "ada", "comment": "looking"})
    assert (done.status, done.json["outcome"]) == (200, "done")
    assert agent.acts == [("ack", INCIDENT.id, "ada", "looking")]


@pytest.mark.parametrize(
    ("settled", "status"),
    [(None, 202), (Settled("unknown", "no such incident"), 404), (Settled("refused", "it is already resolved"), 409)],
)
def test_what_became_of_an_act_is_said(
    server: WebServer, agent: FakeAgent, settled: Settled | None, status: int
) -> None:
    agent.answer = lambda: settled
    assert post_json(server, ACK, {"actor": "ada"}).status == status


def test_an_act_that_the_inbox_refuses_is_a_bad_request(server: WebServer, agent: FakeAgent) -> None:
    def refuse() -> Settled | None:
        raise ActRefused("no_actor", "an act needs an actor: name who does it")

    agent.answer = refuse
    refused = post_json(server, ACK, {"actor": " "})
    assert (refused.status, refused.json["error"]) == (400, "an act needs an actor: name who does it")


def test_a_state_that_cannot_be_written_is_said_to_be_unavailable(server: WebServer, agent: FakeAgent) -> None:
    def fail() -> Settled | None:
        raise sqlite3.OperationalError("database is locked")

    agent.answer = fail
    assert post_json(server, ACK, {"actor": "ada"}).status == 503


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b'{"comment": "x"}', b'{"actor": 7}', b'{"actor": "a", "extra": 1}', b'{"actor": "\xff"}'],
)
def test_a_body_that_is_no_act_is_refused_with_what_is_wrong(server: WebServer, agent: FakeAgent, body: bytes) -> None:
    refused = ask(server, ACK, "POST", body, {"Content-Type": "application/json"})
    assert refused.status == 400
    assert refused.json["error"].startswith("the body is not an act: ")
    assert agent.acts == []


def test_a_silence_says_until_when(server: WebServer, agent: FakeAgent) -> None:
    path = f"/api/v1/incidents/{INCIDENT.id}/silence"
    assert post_json(server, path, {"actor": "ada", "until": "2026-11-23T22:00:00+01:00"}).status == 200
    assert agent.acts == [("silence", INCIDENT.id, "ada", "", 1_795_467_600_000_000)]
    assert post_json(server, path, {"actor": "ada", "until": "2026-11-23T22:00:00"}).status == 400  # whose clock?


def test_an_act_of_an_unknown_kind_is_not_found(server: WebServer) -> None:
    assert post_json(server, f"/api/v1/incidents/{INCIDENT.id}/delete", {"actor": "ada"}).status == 404


def test_an_endless_body_is_cut_off(server: WebServer, agent: FakeAgent) -> None:
    assert post_json(server, ACK, {"actor": "ada", "comment": "x" * 20_000}).status == 413
    assert agent.acts == []


def test_a_form_of_a_foreign_page_cannot_act(server: WebServer, agent: FakeAgent) -> None:
    form = ask(server, ACK, "POST", b'{"actor": "mallory"}', {"Content-Type": "text/plain"})
    assert form.status == 415
    foreign = post_json(server, ACK, {"actor": "mallory"}, Origin="https://mallory.example")
    assert foreign.status == 403
    for origin in ("https://mallory.example", "null", "http://["):
        assert ask(server, "/-/reload", "POST", headers={"Origin": origin}).status == 403
    assert agent.acts == []


def test_a_page_of_the_server_itself_may_act(server: WebServer) -> None:
    origin = f"http://127.0.0.1:{server.port}"
    assert post_json(server, ACK, {"actor": "ada"}, Origin=origin).status == 200


@pytest.mark.parametrize(
    ("host", "status"),
    [("evil.example", 421), ("localhost", 200), ("[::1]:9464", 200), ("", 421), ("[", 421), ("[zz]:1", 421)],
)
def test_a_loopback_server_answers_only_to_names_that_cannot_be_rebound(
    server: WebServer, host: str, status: int
) -> None:
    assert ask(server, "/-/healthy", headers={"Host": host}).status == status


def test_the_landing_page_shows_open_incidents_escaped(server: WebServer, agent: FakeAgent) -> None:
    hostile = replace(INCIDENT, headline="<script>alert(1)</script>", explanation=("<b>income</b>",))
    agent.snapshot = replace(SNAPSHOT, incidents=(hostile,))
    page = ask(server, "/")
    assert page.headers["content-type"].startswith("text/html")
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page.text
    assert "<script" not in page.text
    assert "<b>" not in page.text
    assert "default-src 'none'" in page.headers["content-security-policy"]


def test_the_landing_page_says_what_is_wrong_with_the_agent(server: WebServer, agent: FakeAgent) -> None:
    agent.snapshot = replace(SNAPSHOT, not_ready="the broker does not answer", incidents=(), streams=())
    page = ask(server, "/").text
    assert "the broker does not answer" in page
    assert "No window has been measured yet." in page


def test_a_port_that_is_taken_is_a_mistake_in_the_settings(agent: FakeAgent) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        server = WebServer("127.0.0.1", taken.getsockname()[1], agent.views(), lambda: None)  # type: ignore[arg-type,return-value]
        with pytest.raises(SettingsError, match="cannot be bound"):
            server.start()


def test_a_server_closes_twice_and_without_a_start(agent: FakeAgent) -> None:
    with serving(agent) as server:
        server.close()
        server.close()
    WebServer("127.0.0.1", 0, agent.views(), lambda: None).close()  # type: ignore[arg-type,return-value]


def test_a_server_listens_on_ipv6_too(agent: FakeAgent) -> None:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return
    with serving(agent, "::1") as server, socket.create_connection(("::1", server.port), timeout=5) as connection:
        connection.sendall(b"GET /-/healthy HTTP/1.1\r\nHost: [::1]\r\nConnection: close\r\n\r\n")
        assert connection.recv(4096).startswith(b"HTTP/1.1 200")


def test_answers_do_not_wait_for_the_client_to_acknowledge_their_head(server: WebServer) -> None:
    """A listener without TCP_NODELAY made each answer on a kept connection take 44 ms."""
    assert server._listener is not None
    assert server._listener.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
