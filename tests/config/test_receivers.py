"""Receivers, escalations and maintenance windows as they are written, and the mistakes in them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from agent.delivery.targets import quiet_time, targets_of, waits_of
from config.errors import SettingsError
from config.settings import Settings, from_mapping
from tests.config import sample

KEY = "hunter2-correct-horse"
PAGER = {"type": "pagerduty", "name": "pager", "routing_key": KEY}
MAIL = {"type": "email", "name": "mail", "host": "mail.example.org", "sender": "w@example.org", "to": "a@example.org"}
ROOM = {"type": "slack", "name": "room", "webhook_url": f"https://hooks.slack.com/{KEY}"}
BOT = {"type": "slack", "name": "bot", "token": KEY, "channel": "C1"}
TAIL = {"type": "apprise", "name": "tail", "url": f"ntfys://{KEY}"}
HOOK = {"type": "webhook", "name": "hook", "url": "http://hook"}
CLUSTER = {"type": "alertmanager", "name": "am", "urls": ["http://am:9093"]}
MINUTE_US = 60_000_000


def settings(*receivers: dict[str, Any], **changes: Any) -> Settings:
    return from_mapping(sample.settings(receivers=list(receivers), **changes))


def mistake(*receivers: dict[str, Any], **changes: Any) -> str:
    with pytest.raises(SettingsError) as caught:
        settings(*receivers, **changes)
    assert KEY not in str(caught.value)
    return str(caught.value)


def test_every_kind_of_receiver_becomes_a_target_without_its_secret_in_sight() -> None:
    loaded = settings(PAGER, MAIL, ROOM, BOT, TAIL, CLUSTER)
    targets = targets_of(loaded.receivers)
    assert [target.receiver for target in targets] == ["pager", "mail", "room", "bot", "tail", "am"]
    assert [target.group for target in targets] == [1, 20, 10, 1, 20, 1]
    assert KEY not in f"{loaded!r} {targets!r} {[target.channel for target in targets]!r} {loaded.model_dump_json()}"


def test_the_secret_in_an_address_does_not_tell_targets_apart_so_that_it_can_be_changed() -> None:
    (before,) = targets_of(settings(ROOM).receivers)
    (after,) = targets_of(settings({**ROOM, "webhook_url": "https://hooks.slack.com/new"}).receivers)
    assert before.url == after.url == "slack:room"


def test_secrets_are_read_from_files(tmp_path: Path) -> None:
    (tmp_path / "key").write_text(f"{KEY}\n")
    pager = {"type": "pagerduty", "name": "pager", "routing_key_file": "key"}
    loaded = from_mapping(sample.settings(receivers=[pager]), tmp_path)
    (target,) = targets_of(loaded.receivers)
    assert getattr(target.channel, "routing_key", "") == KEY


@pytest.mark.parametrize(
    ("receiver", "what"),
    [
        ({"type": "pagerduty", "name": "p"}, "there is no routing_key"),
        ({"type": "apprise", "name": "t"}, "there is no url"),
        ({"type": "slack", "name": "s"}, "a bot's token or a webhook's address is needed"),
        ({**BOT, "webhook_url": f"https://h/{KEY}"}, "one of them only"),
        ({"type": "slack", "name": "s", "token": KEY}, "token and channel belong together"),
        ({"type": "slack", "name": "s", "webhook_url": KEY}, "not an http or https address"),
        ({**MAIL, "username": "agent"}, "username and password belong together"),
        ({**MAIL, "username": "agent", "password": KEY, "security": "none"}, "sent in the clear"),
        ({**MAIL, "to": "Ada <ada@example.org>"}, "not a plain e-mail address"),
        ({**MAIL, "sender": "nobody"}, "not a plain e-mail address"),
        ({**MAIL, "sender": "ä@example.org"}, "not a plain e-mail address"),
        ({**MAIL, "to": "a@example.org, a@exa[mple.org"}, "receivers[0].to[1]"),
        ({**MAIL, "to": ["a..b@example.org"]}, "not a plain e-mail address"),
        ({**MAIL, "host": "a..b"}, "receivers[0].host"),
        ({**MAIL, "host": f"{'a' * 64}.example.org"}, "is not the name of a host"),
        ({**MAIL, "username": "agent", "password": f"{KEY}ö"}, "receivers[0].password"),
        ({**MAIL, "username": "agent", "password": f"{KEY}\n{KEY}"}, "the password holds a line break"),
        ({**MAIL, "username": "ägent", "password": KEY}, "receivers[0].username"),
        ({**BOT, "token": f"{KEY}\n{KEY}"}, "the token holds a line break"),
        ({**ROOM, "webhook_url": f"https://hooks.slack.com:99999/{KEY}"}, "receivers[0].webhook_url"),
        ({**ROOM, "webhook_url": f"https://hooks.slack.com/{KEY} {KEY}"}, "receivers[0].webhook_url"),
        ({**HOOK, "headers": {"Authorization": f"Bearer {KEY}\n"}}, "the value of Authorization holds a line break"),
        ({**HOOK, "headers": {"Authorization": f"Bearer {KEY}é"}}, "receivers[0].headers"),
        ({**HOOK, "headers": {"X-Team": f" {KEY}"}}, "the value of X-Team"),
        ({**HOOK, "headers": {f"Authorization: {KEY}": ""}}, "is not the name of a header"),
        ({**CLUSTER, "headers": {"Authorization": f"Bearer {KEY}\n"}}, "the value of Authorization"),
        ({**CLUSTER, "urls": ["http://am:9093", "http://am:99999"]}, "receivers[0].urls[1]"),
    ],
)
def test_a_receiver_that_cannot_work_is_a_mistake(receiver: dict[str, Any], what: str) -> None:
    assert what in mistake(receiver)


@pytest.mark.parametrize(
    "url",
    [
        "http://host:99999",
        "http://host:0",
        "http://host:port",
        "http://[::1",
        "http://a..b",
        f"http://{'a' * 64}.example.org",
        "http://host/pfäd",
        "http://host/a b",
        "http://bücher.example.org/",
    ],
)
def test_an_address_that_nothing_can_be_posted_to_is_a_mistake(url: str) -> None:
    assert "receivers[0].url" in mistake({**HOOK, "url": url})


def test_what_can_be_sent_is_taken_as_it_is_written() -> None:
    headers = {"Authorization": f"Bearer {KEY}", "X-Team": "risk\tand more", "X-Empty": ""}
    hook = {
        **HOOK,
        "url": "http://[::1]:8080/a%C3%B6?b=c",
        "headers": headers,
        "external_url": "https://bücher.example/ä",
    }
    mail = {**MAIL, "host": "xn--bcher-kva.example.", "to": "a.b+c@example.org, o'hara@[192.0.2.1]"}
    loaded = settings(hook, mail, {**ROOM, "webhook_url": f"https://hooks.slack.com/{KEY}/"})
    (first, second, third) = targets_of(loaded.receivers)
    assert (first.url, dict(first.headers)) == (hook["url"], headers)
    assert getattr(second.channel, "to", ()) == ("a.b+c@example.org", "o'hara@[192.0.2.1]")
    assert getattr(third.channel, "url", "").endswith("/")


def test_copies_of_checkpoints_are_held_to_the_same() -> None:
    copy = {"type": "webhook", "url": "http://host:99999", "headers": {"Authorization": f"Bearer {KEY}\n"}}
    said = mistake(log={"checkpoints": [copy]})
    assert "log.checkpoints[0].url" in said
    assert "log.checkpoints[0].headers" in said


def test_steps_add_up_and_severities_have_their_own() -> None:
    steps = [
        {"receivers": "pager"},
        {"wait": "15m", "receivers": ["mail"]},
        {"wait": "30m", "receivers": "pager, room"},
    ]
    escalation = settings(PAGER, MAIL, ROOM, BOT, escalation={"critical": steps, "info": steps[:1]}).escalation
    assert waits_of(escalation, "pager") == (("critical", (0, 45 * MINUTE_US)), ("info", (0,)))
    assert waits_of(escalation, "mail") == (("critical", (15 * MINUTE_US,)),)
    assert waits_of(escalation, "bot") is None


def test_a_step_names_receivers_that_are_there_and_do_not_escalate_by_themselves() -> None:
    steps = [{"receivers": ["nobody"]}, {"receivers": ["am"]}]
    said = mistake(CLUSTER, escalation={"critical": steps})
    assert "escalation.critical[0].receivers[0]: 'nobody' is not one of the receivers" in said
    assert "escalation.critical[1].receivers[0]: 'am' is an Alertmanager" in said


def test_a_maintenance_window_is_half_open_and_may_come_again() -> None:
    window = {
        "starts": "2026-01-31T23:00:00+01:00",
        "ends": "2026-02-01T00:00:00Z",
        "repeats": "7d",
        "systems": "lending",
    }
    (found,) = settings(maintenance=[window]).maintenance
    quiet = quiet_time(found)
    assert quiet.ends_us - quiet.starts_us == 120 * MINUTE_US
    assert quiet.end_of(quiet.ends_us) is None
    assert quiet.systems == {"lending"}


@pytest.mark.parametrize(
    ("window", "what"),
    [
        ({"starts": "2026-01-31T22:00:00", "ends": "2026-02-01T00:00:00Z"}, "is no time"),
        ({"starts": "2026-02-01T00:00:00Z", "ends": "2026-01-31T00:00:00Z"}, "ends before it starts"),
        ({"starts": "2026-01-01T00:00:00Z", "ends": "2026-01-03T00:00:00Z", "repeats": "1d"}, "before it is over"),
    ],
)
def test_a_window_that_cannot_be_is_a_mistake(window: dict[str, Any], what: str) -> None:
    assert what in mistake(maintenance=[window])
