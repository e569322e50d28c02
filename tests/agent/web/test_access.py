"""Who may come in, and who may act."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from agent.web.access import is_local
from agent.web.server import WebServer
from config.errors import SettingsError
from config.settings.service import Listen
from exporters.snapshot import Reload
from tests.agent.web.secured import AS_ADA, AS_SCRAPER, USERS, agent_with, basic, listen, serving_with
from tests.agent.web_client import FakeAgent, ask, post_json, serving
from tests.exporters.sample import INCIDENT, NOW_US, SNAPSHOT

ACK = f"/api/v1/incidents/{INCIDENT.id}/ack"


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[FakeAgent, WebServer]]:
    file = listen(tmp_path_factory.mktemp("web"), {"basic_auth_users": USERS}, actors=("ada",))
    with serving_with(file) as running:
        yield running


@pytest.fixture
def server(guarded: tuple[FakeAgent, WebServer]) -> WebServer:
    guarded[0].acts.clear()
    guarded[0].snapshot = SNAPSHOT
    return guarded[1]


@pytest.mark.parametrize("path", ["/", "/metrics", "/api/v1/incidents", "/nope", f"/incidents/{INCIDENT.id}"])
def test_nothing_is_read_without_a_user(server: WebServer, path: str) -> None:
    refused = ask(server, path)
    assert refused.status == 401
    assert refused.headers["www-authenticate"].startswith("Basic realm=")


@pytest.mark.parametrize(
    "headers",
    [
        basic("ada", "guessed"),
        basic("nobody", "guessed"),
        basic("ada", "x" * 73),
        basic("ada", "\0"),
        {"Authorization": "Bearer x"},
        {"Authorization": "Basic %%%"},
        {"Authorization": "Basic YWRh"},
        {"Authorization": ""},
    ],
)
def test_no_other_credentials_open(server: WebServer, headers: dict[str, str]) -> None:
    assert ask(server, "/metrics", headers=headers).status == 401


@pytest.mark.parametrize("headers", [AS_ADA, AS_SCRAPER])
def test_every_user_reads(server: WebServer, headers: dict[str, str]) -> None:
    assert "wachter_events_received_total" in ask(server, "/metrics", headers=headers).text


def test_an_actor_acts_under_the_name_of_the_user_whatever_the_body_says(
    guarded: tuple[FakeAgent, WebServer], server: WebServer
) -> None:
    assert post_json(server, ACK, {"actor": "grace", "comment": "mine"}, **AS_ADA).status == 200
    assert post_json(server, ACK, {}, **AS_ADA).status == 200
    assert [act[2] for act in guarded[0].acts] == ["ada", "ada"]


@pytest.mark.parametrize("path", [ACK, "/-/reload", f"/incidents/{INCIDENT.id}/resolve", "/what/comes/later"])
def test_who_is_no_actor_changes_nothing(guarded: tuple[FakeAgent, WebServer], server: WebServer, path: str) -> None:
    refused = post_json(server, path, {"actor": "ada"}, **AS_SCRAPER)
    assert refused.status == 403
    assert "listen.actors" in refused.text
    assert guarded[0].acts == []


def test_an_actor_reloads(guarded: tuple[FakeAgent, WebServer], server: WebServer) -> None:
    guarded[0].reloaded = Reload(True, NOW_US, NOW_US, "done")
    assert ask(server, "/-/reload", "POST", headers=AS_ADA).status == 200


def test_a_probe_needs_no_user_and_learns_no_reason(guarded: tuple[FakeAgent, WebServer], server: WebServer) -> None:
    guarded[0].snapshot = replace(SNAPSHOT, not_ready="broker kafka-1.internal is away")
    assert ask(server, "/-/ready").text == "not ready\n"
    assert ask(server, "/-/ready").status == 503
    assert "kafka-1" in ask(server, "/-/ready", headers=AS_SCRAPER).text
    assert ask(server, "/-/healthy", headers=basic("ada", "wrong")).status == 401


def test_a_flood_of_guesses_is_cut_off_and_users_who_are_known_come_in(tmp_path: Path) -> None:
    with serving_with(listen(tmp_path, {"basic_auth_users": USERS})) as (_, server):
        assert ask(server, "/metrics", headers=AS_ADA).status == 200
        answers = [ask(server, "/", headers=basic("ada", f"guess {number}")).status for number in range(60)]
        assert set(answers) == {401, 429}
        assert ask(server, "/metrics", headers=AS_ADA).status == 200


def test_requests_beyond_the_rate_are_refused_but_not_probes(tmp_path: Path) -> None:
    limit = {"rate_limit": {"interval": "1h", "burst": 2}}
    with serving_with(listen(tmp_path, limit)) as (_, server):
        assert [ask(server, "/").status for _ in range(3)] == [200, 200, 429]
        assert ask(server, "/-/healthy").status == 200


def test_headers_of_the_web_config_are_on_every_answer(tmp_path: Path) -> None:
    headers = {"X-Frame-Options": "deny", "Strict-Transport-Security": "max-age=31536000"}
    web = {"http_server_config": {"headers": headers}, "basic_auth_users": USERS}
    with serving_with(listen(tmp_path, web)) as (_, server):
        for path in ("/", "/nope", "/-/healthy"):
            assert ask(server, path).headers["x-frame-options"] == "deny"


@pytest.mark.parametrize("path", ["/-/healthy", "/metrics", "/nope"])
def test_headers_are_bounded_in_a_head_that_comes_at_once_too(path: str) -> None:
    """h11 looks at the size of unfinished heads only."""
    with serving(FakeAgent()) as server:
        for size, others in ((15_000, 1), (8_000, 2)):
            assert ask(server, path, headers={f"X-{n}": "x" * size for n in range(others)}).status != 431
        for size, others in ((17_000, 1), (9_000, 2)):
            assert ask(server, path, headers={f"X-{n}": "x" * size for n in range(others)}).status == 431


def test_without_users_only_this_machine_acts() -> None:
    with serving(FakeAgent()) as server:
        assert post_json(server, ACK, {"actor": "ada"}).status == 200
        passed_on = post_json(server, ACK, {"actor": "ada"}, **{"X-Forwarded-For": "10.1.2.3"})
        assert passed_on.status == 403
        assert "this machine" in passed_on.text


@pytest.mark.parametrize(
    ("address", "local"),
    [("127.0.0.1", True), ("::1", True), ("::ffff:127.0.0.1", True), ("10.1.2.3", False), ("", False)],
)
def test_this_machine_is_known_by_its_address(address: str, local: bool) -> None:
    assert is_local({"type": "http", "headers": [], "client": (address, 1)}) is local


def test_a_request_of_unknown_origin_is_not_of_this_machine() -> None:
    assert not is_local({"type": "http", "headers": [], "client": None})


def test_an_actor_who_is_no_user_is_a_mistake(tmp_path: Path) -> None:
    listening = listen(tmp_path, {"basic_auth_users": USERS}, actors=("ada", "eve"))
    with pytest.raises(SettingsError, match=r"listen\.actors: 'eve' is none of the users"), serving_with(listening):
        pass


def test_a_web_config_that_asks_nobody_does_not_open_an_address(tmp_path: Path) -> None:
    open_to_all = listen(tmp_path, {"http_server_config": {"http2": False}}, host="0.0.0.0")
    with pytest.raises(SettingsError, match="asks nobody who he is"), serving(agent_with(open_to_all)):
        pass


def test_actors_are_those_of_the_settings_in_effect(tmp_path: Path) -> None:
    with serving_with(listen(tmp_path, {"basic_auth_users": USERS})) as (agent, server):
        assert post_json(server, ACK, {}, **AS_ADA).status == 403
        changed = Listen(web_config=tmp_path / "web.yml", actors=("ada",))
        agent.settings = agent.settings.model_copy(update={"listen": changed})
        assert post_json(server, ACK, {}, **AS_ADA).status == 200
