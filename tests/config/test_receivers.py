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
    ],
)
def test_a_receiver_that_cannot_work_is_a_mistake(receiver: dict[str, Any], what: str) -> None:
    assert what in mistake(receiver)


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
