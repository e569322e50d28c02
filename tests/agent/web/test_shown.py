"""Examples are shown only once it is written down that they were."""

from __future__ import annotations

from contextlib import closing

from agent.state.accesses import waiting
from agent.state.store import connect
from agent.web.forms import NAME_COOKIE
from agent.web.server import WebServer
from agent.web.shown import NotedDossiers
from config.errors import EvidenceError
from exporters.dossier import Dossier, Example
from tests.agent.web.responder import Responder
from tests.agent.web_client import ask

SOURCE = ("t", 0, 1)
OPENED = Example("2026-11/5", "e-1", 1, SOURCE, "yes", "inside", (("features.x", "a number"),))
SEALED = Example("2026-11/6", "e-2", 1, SOURCE, "yes", "inside", (), "its payload is sealed")
RECORD = {"id": "i-1"}


def test_the_entries_whose_payloads_were_opened_are_noted_for_each_who_looks() -> None:
    noted: list[tuple[str, ...]] = []
    dossier = Dossier(examples=(OPENED, SEALED))
    shown = NotedDossiers(lambda record: dossier, lambda *access: noted.append(access))
    assert shown(RECORD, "kim") is dossier
    assert shown(RECORD, "joe") is dossier
    detail = "incident i-1, entries 2026-11/5"
    assert noted == [("kim", "examples", detail), ("joe", "examples", detail)]


def test_where_no_payload_was_opened_nothing_is_noted() -> None:
    noted: list[tuple[str, ...]] = []
    NotedDossiers(lambda record: Dossier(examples=(SEALED,)), lambda *access: noted.append(access))(RECORD, "kim")
    assert noted == []


def test_examples_are_left_out_and_it_is_said_where_it_cannot_be_noted() -> None:
    def refuse(*access: str) -> None:
        raise EvidenceError("the disk is full")

    found = NotedDossiers(lambda record: Dossier(examples=(OPENED,)), refuse)(RECORD, "kim")
    assert found.examples == ()
    assert ("examples", "the disk is full") in found.missing


def test_a_page_with_examples_is_noted_with_the_name_that_the_browser_knows(
    pages: WebServer, responder: Responder
) -> None:
    incident = responder.incident("harm")["id"]
    assert ask(pages, f"/incidents/{incident}", headers={"Cookie": f"{NAME_COOKIE}=kim%20lee"}).status == 200
    with closing(connect(responder.stage.settings.state.directory)) as connection:
        noted = [access for access in waiting(connection) if access.actor == "kim lee"]
    assert [access.what for access in noted] == ["examples"]
    assert noted[0].detail.startswith(f"incident {incident}, entries 2026-01/")
