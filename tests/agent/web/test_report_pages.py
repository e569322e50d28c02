"""Reports from the page of an incident: started by a form, waited for, served as a document of no origin."""

from __future__ import annotations

import http.client
import re
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlencode

import msgspec
import pytest

from agent.reports.jobs import Job
from agent.reports.of_incidents import IncidentReports
from agent.reports.task import Progress
from agent.web.html import Html
from agent.web.people import HEADERS
from agent.web.report_pages import REFRESH_SECONDS, SANDBOX, report_part
from agent.web.server import WebServer
from agent.web.views import Views
from config.errors import ReportError
from detectors.incident_record import to_json
from tests.agent.web.secured import listen
from tests.agent.web_client import SETTINGS, Answer, FakeAgent, ask, serving
from tests.detectors.test_incident_record import story

RECORD = msgspec.json.decode(msgspec.json.encode(to_json(next(iter(story())))))
ID = RECORD["id"]
PATH = f"/incidents/{ID}"
RUNNING = Job(ID, Progress("window", "500 events"), None)


class FakeReports:
    """Reports that are as far as a test says."""

    def __init__(self) -> None:
        self.job: Job | None = None
        self.refusal = ""

    def start(self, record: Mapping[str, Any], actor: str) -> Job:
        if self.refusal:
            raise ReportError(self.refusal)
        assert record["id"] == ID
        self.job = RUNNING
        return self.job

    def of(self, incident_id: str) -> Job | None:
        return self.job if incident_id == ID else None


class Reporting(FakeAgent):
    """An agent that makes reports."""

    reports = FakeReports()

    def views(self) -> Views:
        return replace(super().views(), reports=cast(IncidentReports, self.reports))


@pytest.fixture(scope="module")
def running() -> Iterator[tuple[Reporting, WebServer]]:
    agent = Reporting()
    with serving(agent) as server:
        yield agent, server


@pytest.fixture
def server(running: tuple[Reporting, WebServer]) -> WebServer:
    running[0].forget()
    running[0].older[ID] = RECORD
    return running[1]


@pytest.fixture
def reports(running: tuple[Reporting, WebServer]) -> FakeReports:
    running[0].reports.__init__()  # type: ignore[misc]
    return running[0].reports


def start(server: WebServer, token: str | None = None) -> Answer:
    seen = ask(server, PATH)
    found = re.search(r'action="[^"]*/report"><input type="hidden" name="token" value="(\w+)"', seen.text)
    assert found is not None
    headers = {
        "Content-Type": "application/x-www-form-urlencoded",
        "Cookie": seen.headers["set-cookie"].partition(";")[0],
    }
    body = urlencode({"token": token or found.group(1)}).encode()
    return ask(server, f"{PATH}/report", "POST", body, headers)


def test_the_form_starts_it_and_leads_to_the_page_that_waits(server: WebServer, reports: FakeReports) -> None:
    answer = start(server)
    assert (answer.status, answer.headers["location"]) == (303, f"{PATH}/report")
    assert reports.job is RUNNING


def test_a_form_of_another_site_starts_nothing(server: WebServer, reports: FakeReports) -> None:
    assert start(server, token="0" * 64).status == 403
    assert reports.job is None


def test_why_it_cannot_be_started_is_said(server: WebServer, reports: FakeReports) -> None:
    reports.refusal = "a report about another incident is being made"
    answer = start(server)
    assert answer.status == 409
    assert reports.refusal in answer.text


def test_the_page_that_waits_looks_again_by_itself(server: WebServer, reports: FakeReports) -> None:
    reports.job = RUNNING
    answer = ask(server, f"{PATH}/report")
    assert answer.headers["refresh"] == str(REFRESH_SECONDS)
    assert "Reading the window from the log: 500 events." in answer.text


def test_a_failure_is_told_and_nothing_is_looked_at_again(server: WebServer, reports: FakeReports) -> None:
    reports.job = Job(ID, Progress("failed", "<b>no</b> rows"), None)
    answer = ask(server, f"{PATH}/report")
    assert "refresh" not in answer.headers
    assert "Failed: &lt;b&gt;no&lt;/b&gt; rows." in answer.text


def test_when_it_is_done_it_leads_to_the_report(server: WebServer, reports: FakeReports, tmp_path: Path) -> None:
    file = tmp_path / "report.html"
    file.write_text("<h1>drift</h1>")
    reports.job = Job(ID, Progress("done"), file)
    assert ask(server, f"{PATH}/report").headers["location"] == f"{PATH}/report/file"
    assert ask(server, f"{PATH}/report/file").text == "<h1>drift</h1>"
    assert f'<a href="{PATH}/report/file">Open the report</a>' in ask(server, PATH).text


def test_the_report_has_no_origin_and_no_network(server: WebServer, reports: FakeReports, tmp_path: Path) -> None:
    file = tmp_path / "report.html"
    file.write_text("<script>alert(1)</script>")
    reports.job = Job(ID, Progress("done"), file)
    policy = ask(server, f"{PATH}/report/file").headers["content-security-policy"]
    assert policy.startswith("sandbox allow-scripts; default-src 'none';")
    assert "allow-same-origin" not in policy


def test_a_policy_of_the_web_config_forbids_more_and_allows_nothing(tmp_path: Path) -> None:
    """Sent in place of ours it once took the sandbox off the report, and let pages load what they like."""
    file = tmp_path / "report.html"
    file.write_text("<script>alert(1)</script>")
    theirs = "frame-ancestors 'self'"
    headers = {"http_server_config": {"headers": {"Content-Security-Policy": theirs}}}
    settings = SETTINGS.model_copy(update={"listen": listen(tmp_path, headers)})
    agent = Reporting(settings=settings, older={ID: RECORD})
    agent.reports.job = Job(ID, Progress("done"), file)
    with serving(agent) as server:
        assert policies(server, f"{PATH}/report/file") == [SANDBOX["Content-Security-Policy"], theirs]
        assert policies(server, PATH) == [HEADERS["Content-Security-Policy"], theirs]
        assert policies(server, "/metrics") == [theirs]


def policies(server: WebServer, path: str) -> list[str]:
    """Every content security policy of an answer; a browser keeps to all of them."""
    with closing(http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)) as connection:
        connection.request("GET", path)
        response = connection.getresponse()
        response.read()
        return response.headers.get_all("Content-Security-Policy") or []


@pytest.mark.parametrize("path", [f"{PATH}/report", f"{PATH}/report/file"])
def test_what_nobody_asked_for_is_not_there(server: WebServer, reports: FakeReports, path: str) -> None:
    assert ask(server, path).status == 404


def test_a_report_whose_file_is_gone_is_said_so(server: WebServer, reports: FakeReports, tmp_path: Path) -> None:
    reports.job = Job(ID, Progress("done"), tmp_path / "gone.html")
    answer = ask(server, f"{PATH}/report/file")
    assert answer.status == 404
    assert "make it anew" in answer.text


def test_an_incident_about_the_agent_has_no_report() -> None:
    assert "about the agent, not about rows" in report_part({**RECORD, "track": "agent"}, None, "token")


def test_the_page_says_what_runs_and_offers_to_look() -> None:
    part: Html = report_part(RECORD, RUNNING, "token")
    assert "Reading the window from the log: 500 events." in part
    assert "Show how far it is" in part
