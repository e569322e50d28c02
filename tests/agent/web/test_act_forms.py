from __future__ import annotations

import re
import sqlite3
import time
from collections.abc import Iterator
from urllib.parse import urlencode

import msgspec
import pytest

from agent.state.acts import Settled
from agent.web.act_form import ActForm, act_form
from agent.web.server import WebServer
from agent.web.times import HOUR_US
from detectors.incident_record import to_json
from tests.agent.web_client import Answer, FakeAgent, ask, serving
from tests.detectors.test_incident_record import story

RECORD = msgspec.json.decode(msgspec.json.encode(to_json(next(iter(story())))))
ID = RECORD["id"]
PATH = f"/incidents/{ID}"


@pytest.fixture(scope="module")
def running() -> Iterator[tuple[FakeAgent, WebServer]]:
    agent = FakeAgent()
    with serving(agent) as server:
        yield agent, server


@pytest.fixture
def agent(running: tuple[FakeAgent, WebServer]) -> FakeAgent:
    running[0].forget()
    running[0].older[ID] = RECORD
    return running[0]


@pytest.fixture
def server(agent: FakeAgent, running: tuple[FakeAgent, WebServer]) -> WebServer:
    return running[1]


class Person:
    """A browser that keeps cookies and fills in forms."""

    def __init__(self, server: WebServer) -> None:
        self._server = server
        seen = ask(server, PATH)
        self.cookie = seen.headers["set-cookie"].partition(";")[0]
        found = re.search(r'name="token" value="(\w+)"', seen.text)
        assert found is not None
        self.token = found.group(1)

    def send(self, kind: str, cookie: str | None = None, **fields: str) -> Answer:
        body = urlencode({"token": self.token, "actor": "ada", "comment": "", **fields}).encode()
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Cookie": cookie or self.cookie}
        return ask(self._server, f"{PATH}/{kind}", "POST", body, headers)


def test_an_act_leads_back_to_the_incident_which_says_what_became_of_it(server: WebServer, agent: FakeAgent) -> None:
    done = Person(server).send("comment", comment="first line\r\nsecond")
    assert (done.status, done.headers["location"]) == (303, f"{PATH}?done=comment")
    assert agent.acts == [("comment", ID, "ada", "first line\nsecond")]
    assert "The comment is in the timeline." in ask(server, done.headers["location"]).text


def test_a_silence_lasts_for_the_hours_that_were_chosen(server: WebServer, agent: FakeAgent) -> None:
    """From now on by the clock on the wall, however old the snapshot is."""
    before_us = time.time_ns() // 1000
    assert Person(server).send("silence", hours="4").status == 303
    until_us = int(agent.acts[0][-1])
    assert before_us <= until_us - 4 * HOUR_US <= time.time_ns() // 1000
    assert Person(server).send("silence", hours="100000").status == 400


def test_the_name_is_remembered_for_the_next_time(server: WebServer) -> None:
    cookie = Person(server).send("ack", actor="Zoë <b>").headers["set-cookie"].partition(";")[0]
    assert 'value="Zoë &lt;b&gt;"' in ask(server, PATH, headers={"Cookie": cookie}).text


def test_a_form_without_the_cookie_it_was_made_for_is_refused(server: WebServer, agent: FakeAgent) -> None:
    refused = Person(server).send("ack", cookie="wachter-form=another")
    assert refused.status == 403
    assert "this form is no longer good" in refused.text
    assert Person(server).send("ack", token="é").status == 403
    assert agent.acts == []


def test_cookies_are_kept_from_scripts_and_from_other_sites(server: WebServer) -> None:
    cookie = ask(server, PATH).headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie


def test_what_is_refused_keeps_what_was_written(server: WebServer, agent: FakeAgent) -> None:
    agent.answer = lambda: Settled("refused", "kim acknowledged it before")
    refused = Person(server).send("ack", comment="on <it>")
    assert refused.status == 409
    assert "Not done: kim acknowledged it before." in refused.text
    assert ">first\nsecond</textarea>" in Person(server).send("ack", comment="first\r\nsecond").text
    assert ">on &lt;it&gt;</textarea>" in refused.text


def test_a_state_that_cannot_be_written_is_said(server: WebServer, agent: FakeAgent) -> None:
    def fail() -> Settled | None:
        raise sqlite3.OperationalError("database is locked")

    agent.answer = fail
    assert Person(server).send("ack").status == 503


def test_an_act_that_waits_is_said_to_wait(server: WebServer, agent: FakeAgent) -> None:
    agent.answer = lambda: None
    assert Person(server).send("ack").headers["location"].endswith("?done=waiting")


@pytest.mark.parametrize(("kind", "status"), [("delete", 404), ("ack", 415)])
def test_only_forms_with_known_acts_are_taken(server: WebServer, agent: FakeAgent, kind: str, status: int) -> None:
    assert ask(server, f"{PATH}/{kind}", "POST", b"{}", {"Content-Type": "application/json"}).status == status
    assert agent.acts == []


def test_an_endless_form_is_cut_off(server: WebServer, agent: FakeAgent) -> None:
    assert Person(server).send("ack", comment="x" * 20_000).status == 413
    assert agent.acts == []


def test_an_incident_that_is_over_can_only_be_commented_on(server: WebServer, agent: FakeAgent) -> None:
    assert 'formaction="' in ask(server, PATH).text
    agent.older[ID] = RECORD | {"state": "resolved", "resolved_at": RECORD["opened_at"]}
    over = ask(server, PATH).text
    assert "<button>Comment</button>" in over
    assert 'formaction="' not in over


def test_who_may_only_read_is_shown_no_form() -> None:
    told = act_form(RECORD, ActForm("token", "kim", is_signed_in=True, may_act=False))
    assert "You may read here" in told
    assert "<form" not in told


def test_who_has_signed_in_acts_under_that_name_and_types_none() -> None:
    told = act_form(RECORD, ActForm("token", "kim", is_signed_in=True))
    assert "You act as <strong>kim</strong>" in told
    assert 'name="actor"' not in told
