"""What people are told, in every form; texts of events reach no mark-up, header or terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import msgspec
import pytest

from config.errors import DeliveryError
from detectors.columns import StreamKey
from exporters import alertmanager, email, pagerduty, slack, webhook
from exporters.notice import Notice, alert_annotations, alert_labels, notice_of, plain_line
from exporters.request import PostResponse
from exporters.wording import MAX_LINES, facts, one_line, paragraph, sentence, title
from tests.exporters.sample import INCIDENT, NOW_US

HOSTILE = (
    "<!channel> <@U1> *x* </td><script>alert(1)</script>\r\nBcc: all@example.org\x1b[31m\u202egnp.exe & <http://x|y>"
)
URL = "https://wachter.example.org"
KEY = "hunter2-correct-horse"


def notice(**changes: Any) -> Notice:
    return notice_of(replace(INCIDENT, **changes), NOW_US)


def hostile() -> Notice:
    stream = StreamKey(HOSTILE, HOSTILE, HOSTILE, HOSTILE)
    return notice(stream=stream, headline=HOSTILE, explanation=(HOSTILE, HOSTILE), acknowledged_by=HOSTILE)


def texts_in(value: object) -> Iterator[str]:
    """All names and texts of a body."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from (text for pair in value.items() for each in pair for text in texts_in(each))
    elif isinstance(value, list):
        yield from (text for each in value for text in texts_in(each))


def body_of(request: Any) -> dict[str, Any]:
    return msgspec.json.decode(request.body, type=dict[str, Any])


def test_every_form_says_the_sentence_of_the_page() -> None:
    said = INCIDENT.headline
    assert sentence(notice()) == said
    assert pagerduty.event(notice(), KEY)["payload"]["summary"] == said  # type: ignore[index]
    assert said in msgspec.json.encode(slack.message([notice()])).decode()
    mail = email.compose([notice()], sender="w@example.org", to=["a@example.org"], delivery=1, now_us=NOW_US)
    assert said in mail["Subject"]
    assert said in paragraph(notice(), URL)


def test_a_line_is_one_line_and_holds_nothing_that_a_terminal_obeys() -> None:
    line = one_line(HOSTILE, 300)
    assert not any(letter in line for letter in "\r\n\x1b\u202e")
    assert one_line("a\u2028b\x00c", 10) == "a b c"
    assert one_line("x" * 20, 10) == "xxxxxxx..."


@pytest.mark.parametrize(
    "body",
    [
        lambda told: alertmanager.alert(told, NOW_US, 60_000_000, URL),
        lambda told: webhook.message(told, "hook", URL),
        lambda told: pagerduty.event(told, KEY, URL),
        lambda told: slack.message([told], URL),
    ],
    ids=["alertmanager", "webhook", "pagerduty", "slack"],
)
def test_no_message_holds_anything_that_a_terminal_obeys(body: Callable[[Notice], object]) -> None:
    """Between the lines of a list there is a line break, and that is all."""
    letters = set("".join(texts_in(body(hostile()))))
    assert {letter for letter in letters if not letter.isprintable()} <= {"\n"}


def test_labels_and_annotations_are_plain_lines_and_a_label_is_the_same_at_every_send() -> None:
    labels, noted = alert_labels(hostile()), alert_annotations(hostile())
    assert all(value.isprintable() for value in labels.values())
    assert noted["description"].splitlines() == [noted["summary"]] * 2
    assert noted["summary"] == noted["acknowledged_by"] == plain_line(HOSTILE)
    assert labels == alert_labels(notice_of(replace(INCIDENT, stream=hostile().stream, state="resolved"), NOW_US + 1))


def test_a_title_of_several_says_how_many() -> None:
    assert title([notice(headline="it broke"), notice()]).startswith("2 incidents, warning: it broke")
    assert title([notice(state="resolved", headline="it broke")]) == "resolved: it broke"
    assert title([notice(acknowledged_by="Ada", headline="it broke")]) == "acknowledged: it broke"


def test_a_long_list_is_cut_and_says_so() -> None:
    text = paragraph(notice(explanation=tuple(f"line {i}" for i in range(30))), "")
    assert f"line {MAX_LINES - 1}\n- and 20 more" in text


def test_facts_are_those_that_there_are() -> None:
    assert "acknowledged by" not in facts(notice())
    assert facts(notice(acknowledged_by="Ada"))["acknowledged by"] == "Ada"


def test_pagerduty_is_told_of_a_call_its_acknowledgement_and_its_end_under_one_key() -> None:
    states = (notice(), notice(acknowledged_by="Ada"), notice(state="resolved"))
    events = [pagerduty.event(state, KEY, URL) for state in states]
    assert [event["event_action"] for event in events] == ["trigger", "acknowledge", "resolve"]
    assert {event["dedup_key"] for event in events} == {f"wachter:{INCIDENT.id}:1"}
    assert events[0]["links"] == [{"href": f"{URL}/incidents/{INCIDENT.id}", "text": "The incident"}]
    assert pagerduty.event(notice(call=2), KEY)["dedup_key"] == f"wachter:{INCIDENT.id}:2"


def test_an_event_keeps_to_pagerdutys_bounds() -> None:
    long = notice(headline="x" * 5000, explanation=("y" * 5000,) * 100)
    request = pagerduty.post_event("https://events.pagerduty.com/v2/enqueue", long, KEY)
    assert len(body_of(request)["payload"]["summary"]) <= 1024
    assert len(request.body) < 512 * 1024
    assert KEY not in repr(request)


def test_nothing_in_a_slack_message_is_read_as_mark_up() -> None:
    body = slack.message([hostile()], URL)
    assert not any(letter in str(body["text"]) for letter in "<>")
    texts = [block["text"] for block in body["blocks"] if "text" in block]  # type: ignore[attr-defined]
    texts += [element for block in body["blocks"] for element in block.get("elements", [])]  # type: ignore[attr-defined]
    assert {text["type"] for text in texts} <= {"plain_text", "button"}
    assert body["link_names"] is False


def test_a_bot_writes_a_message_and_brings_it_up_to_date() -> None:
    written = slack.post_as_bot("https://slack.com/api", KEY, "C1", notice())
    assert written.url.endswith("/chat.postMessage")
    assert body_of(written)["channel"] == "C1"
    handle = slack.expect_written(PostResponse(200, '{"ok":true,"channel":"C9","ts":"1.5"}'))
    updated = slack.post_as_bot("https://slack.com/api", KEY, "C1", notice(state="resolved"), handle)
    assert updated.url.endswith("/chat.update")
    assert (body_of(updated)["channel"], body_of(updated)["ts"]) == ("C9", "1.5")
    assert KEY not in repr(updated)


@pytest.mark.parametrize(
    ("answer", "retriable"),
    [
        (PostResponse(200, '{"ok":false,"error":"ratelimited"}'), True),
        (PostResponse(200, '{"ok":false,"error":"invalid_auth"}'), False),
        (PostResponse(200, "<html>"), True),
        (PostResponse(429, "", 7.0), True),
    ],
)
def test_slack_refuses_with_200_too(answer: PostResponse, retriable: bool) -> None:
    with pytest.raises(DeliveryError) as caught:
        slack.expect_written(answer)
    assert caught.value.retriable is retriable


def test_ten_notices_fit_into_one_slack_message() -> None:
    notices = [notice(explanation=("a", "b"))] * slack.MAX_NOTICES
    assert len(slack.message(notices, URL)["blocks"]) <= 50  # type: ignore[arg-type]


def test_no_text_of_an_event_reaches_a_header_or_the_html_of_a_mail() -> None:
    mail = email.compose([hostile()], sender="w@example.org", to=["a@example.org"], delivery=1, now_us=NOW_US)
    assert mail["Bcc"] is None
    assert b"\nBcc:" not in mail.as_bytes().partition(b"\r\n\r\n")[0]
    page = mail.get_body(("html",))
    assert page is not None
    assert "<script>" not in page.get_content()
    assert "&lt;script&gt;" in page.get_content()


def test_a_mail_that_is_repeated_is_the_same_mail_and_mails_of_an_incident_are_a_thread() -> None:
    ways: dict[str, Any] = {"sender": "w@example.org", "to": ["a@example.org"], "now_us": NOW_US}
    first, again = (email.compose([notice()], delivery=7, **ways) for _ in range(2))
    later = email.compose([notice(state="resolved")], delivery=9, **ways)
    assert first["Message-ID"] == again["Message-ID"] != later["Message-ID"]
    assert first["References"] == later["References"]
