from __future__ import annotations

import html
import re
from typing import Any

import msgspec
import pytest

from agent.evidence.begin import log_directory
from agent.flow.watch import AGENT_STREAM
from agent.web.act_form import ActForm
from agent.web.dossiers import dossier_of
from agent.web.html import Html
from agent.web.incident_page import Shown, dashboard_of, incident_page
from agent.web.server import WebServer
from config.settings import PageSettings
from detectors.acts import Act, act
from detectors.columns import ModelKey
from detectors.incident_record import to_json
from detectors.incidents import StreamIncidents, advance, agent_finding
from exporters.dossier import Dossier
from tests.agent.web.responder import HOSTILE_ID, Responder
from tests.agent.web_client import SETTINGS, ask
from tests.detectors.judging import STREAM, judged


@pytest.fixture(scope="module")
def harm(responder: Responder) -> dict[str, Any]:
    return responder.incident("harm")


@pytest.fixture(scope="module")
def page(pages: WebServer, harm: dict[str, Any]) -> str:
    answer = ask(pages, f"/incidents/{harm['id']}")
    assert answer.status == 200
    return answer.text


def section(page: str, name: str) -> str:
    """The part of a page below a heading, up to the next one."""
    return page.partition(f'<h2 id="{name}">')[2].partition("<h2 ")[0]


def test_it_says_first_what_broke_in_the_sentence_that_receivers_are_told(page: str, harm: dict[str, Any]) -> None:
    assert f"<h1>{html.escape(harm['headline'])}</h1>" in page


def test_it_says_since_when_for_whom_and_whose_it_is(page: str) -> None:
    facts = page.partition("<dl>")[2].partition("</dl>")[0]
    assert "2026-01-06 00:00 UTC, opened 2026-01-09 00:00 UTC" in facts
    assert "all events of this version" in facts
    assert "credit team" in facts
    assert '<a href="/models/lending/credit">' in facts


def test_how_sure_it_is_stands_there_as_a_picture_and_as_numbers(page: str) -> None:
    sure = section(page, "sure")
    assert "over 6 windows, 1 of them out of tolerance; tolerance 0.02" in sure
    assert sure.count('class="breach dot"') == 1
    assert 'class="tolerance"' in sure
    assert "<td>0.5083</td>" in sure


def test_it_says_what_it_means_and_what_to_do_first(page: str) -> None:
    assert "Limit the harm" in section(page, "meaning")
    assert "WachterModelHarm" in section(page, "meaning")


def test_what_moved_is_pictured_beside_the_reference_in_the_window_that_broke(page: str) -> None:
    moved = section(page, "moved")
    assert "Moved with it: Jensen-Shannon distance (x)" in moved
    assert "window from 2026-01-06 00:00 UTC to 2026-01-07 00:00 UTC" in moved
    assert re.findall("<figcaption>(.*?)</figcaption>", moved)[:3] == ["x", "score", "prediction"]
    assert 'class="now"' in moved
    assert 'class="then"' in moved


def test_data_quality_of_the_same_window_stands_beside_it(page: str) -> None:
    quality = section(page, "quality")
    assert re.search(r"<p>0 of \d+ judged measures of the same window are out of tolerance", quality)
    assert "Unusable share (amount)" in quality


def test_example_events_are_read_back_from_the_log_with_their_values_masked(page: str) -> None:
    examples = section(page, "examples")
    assert "<td>features.x</td><td>a number</td>" in examples
    assert "<td>features.purpose</td><td>a text</td>" in examples
    assert re.search(r"log entry <code>2026-01/\d+</code>", examples)


def test_hostile_text_of_an_event_is_escaped(page: str) -> None:
    assert HOSTILE_ID not in page
    assert html.escape(HOSTILE_ID) in section(page, "examples")


def test_the_timeline_names_the_log_entry_of_each_line(page: str) -> None:
    assert re.search(r"<strong>opened</strong>: roc_auc .*log entry 2026-01/\d+", section(page, "timeline"))


def test_no_page_carries_a_script_and_none_may_run(pages: WebServer, page: str, harm: dict[str, Any]) -> None:
    assert "<script" not in page
    policy = ask(pages, f"/incidents/{harm['id']}").headers["content-security-policy"]
    assert policy.startswith("default-src 'none'")
    assert "form-action 'self'" in policy


def test_an_incident_that_is_not_there_is_a_page_that_says_so(pages: WebServer) -> None:
    missing = ask(pages, "/incidents/harm-0-1")
    assert missing.status == 404
    assert "no incident &#x27;harm-0-1&#x27;" in missing.text


def shown_with(responder: Responder, record: dict[str, Any], **page: object) -> str:
    """The page under other settings."""
    settings = responder.stage.settings
    changed = settings.model_copy(update={"page": PageSettings.model_validate(page)})
    dossier = dossier_of(changed, log_directory(settings), record)
    return incident_page(Shown(record, dossier, changed, 0, 0, ActForm("token"), Html("")))


def test_fields_that_the_settings_reveal_are_shown_as_they_are(responder: Responder) -> None:
    page = shown_with(responder, responder.incident("health"), reveal=["purpose"], examples=1)
    assert re.search(r"<td>features.purpose</td><td>[abcd]</td>", page)
    assert "<td>features.x</td><td>a number</td>" in page
    assert section(page, "examples").count("<details>") == 1


def test_runbook_and_dashboard_are_linked_where_the_settings_say_where_they_are(
    responder: Responder, harm: dict[str, Any]
) -> None:
    page = shown_with(
        responder, harm, runbook_url="https://w.example/run#{alert}", dashboard_url="https://g.example/?m={model}"
    )
    assert 'href="https://w.example/run#wachtermodelharm"' in page
    assert 'href="https://g.example/?m=credit"' in page


def test_examples_can_be_switched_off(responder: Responder, harm: dict[str, Any]) -> None:
    assert "the settings show none" in section(shown_with(responder, harm, examples=0), "examples")


def test_names_in_the_address_of_a_dashboard_are_escaped() -> None:
    key = ModelKey("a b", "x&y=1", "1")
    assert dashboard_of("https://g.example/{system}/{model}", key) == "https://g.example/a%20b/x%26y%3D1"


def test_trouble_of_the_agent_itself_has_a_page_too() -> None:
    state, _ = agent_finding(StreamIncidents(AGENT_STREAM), "no_input", True, 5, "the broker <b> is gone")
    record = msgspec.json.decode(msgspec.json.encode(to_json(next(iter(state)))))
    page = incident_page(Shown(record, Dossier(), SETTINGS, 0, 0, ActForm("token"), Html("")))
    assert "the broker &lt;b&gt; is gone" in page
    assert "WachterAgentTrouble" in page
    assert "/models/" not in page


def test_what_steers_a_terminal_or_turns_the_writing_is_shown_as_text() -> None:
    """Of a name, a comment and a finding; markup was escaped, and these once stood raw in the page."""
    state, _ = agent_finding(StreamIncidents(AGENT_STREAM), "no_input", True, 5, "gone\u202e\x1b[2J")
    (incident,) = state
    wanted = Act("comment", incident.id, "ada\u2066", "one\u202etwo\x1b]0;owned\x07\nthree", 6)
    state, _ = act(state, wanted)
    record = msgspec.json.decode(msgspec.json.encode(to_json(next(iter(state)))))
    form = ActForm("token", name="bo\u200f", comment="four\u202a")
    page = incident_page(Shown(record, Dossier(), SETTINGS, 0, 0, form, Html("")))
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]", page)
    for shown in (r"gone\u202e\x1b[2J", r"ada\u2066", r"one\u202etwo\x1b]0;owned\x07", r"bo\u200f", r"four\u202a"):
        assert shown in page


def test_many_findings_and_a_long_timeline_are_folded_away() -> None:
    state = StreamIncidents(STREAM)
    for day in range(30):
        judged_now = tuple(judged(day, metric="missing_share", subject=f"column {n}") for n in range(12))
        state, _ = advance(state, judged_now)
    record = msgspec.json.decode(msgspec.json.encode(to_json(next(iter(state)))))
    page = incident_page(Shown(record, Dossier(), SETTINGS, 0, 0, ActForm("token"), Html("")))
    assert "<summary>4 more</summary>" in section(page, "sure")
    assert section(page, "timeline").count("<li>") == len(record["timeline"])
    assert f"<summary>{len(record['timeline']) - 20} more</summary>" in section(page, "timeline")
