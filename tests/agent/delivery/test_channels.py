"""Each kind of receiver through the outbox: what it is sent, how fast, and what is gathered."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from agent.delivery.channels import Apprise, PagerDuty, SlackBot, SlackWebhook
from agent.delivery.pace import Pace
from agent.delivery.target import Due, Parcel, Target
from config.errors import DeliveryError
from exporters.notice import Notice
from exporters.request import PostRequest, PostResponse
from tests.agent.outbox_stage import MINUTE_US, SECOND_US, FakeReceiver, Stage, firing, new_database, resolved
from tests.exporters.sample import NOW_US

KEY = "hunter2-correct-horse"
PAGER = Target("pager", "https://pd", standing=False, tells_acknowledged=True, channel=PagerDuty(KEY))
BOT = replace(PAGER, receiver="bot", url="slack:bot", channel=SlackBot("https://slack", "C1", KEY))
ROOM = Target(
    "room", "slack:room", False, group=3, per_minute=2, each_call=False, channel=SlackWebhook(f"https://hooks/{KEY}")
)
Make = Callable[[Target], Stage]


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Make]:
    stages: list[Stage] = []

    def make(target: Target) -> Stage:
        stages.append(Stage(new_database(tmp_path), target))
        return stages[-1]

    yield make
    for made in stages:
        made.connection.close()


def acknowledged() -> Notice:
    return msgspec.structs.replace(firing(), acknowledged_by="Ada")


def bodies(receiver: FakeReceiver) -> list[dict[str, Any]]:
    return [msgspec.json.decode(request.body, type=dict[str, Any]) for request in receiver.requests]


def test_pagerduty_hears_of_the_call_of_the_acknowledgement_and_of_the_end(stage: Make) -> None:
    pager = stage(PAGER)
    pager.enqueue("fire", firing())
    pager.enqueue("acknowledge", acknowledged())
    pager.enqueue("update", acknowledged())
    pager.enqueue("resolve", resolved())
    pager.run()
    actions = [body["event_action"] for body in bodies(pager.receiver)]
    assert actions == ["trigger", "acknowledge", "resolve"]


def test_every_call_that_pagerduty_was_told_is_ended(stage: Make) -> None:
    pager = stage(PAGER)
    pager.enqueue("fire", firing())
    pager.enqueue("call_again", firing(call=2))
    pager.enqueue("resolve", resolved(call=2))
    pager.run()
    told = [(body["event_action"], body["dedup_key"][-1]) for body in bodies(pager.receiver)]
    assert told == [("trigger", "1"), ("trigger", "2"), ("resolve", "1"), ("resolve", "2")]


def test_a_bot_keeps_one_message_per_call_up_to_date_also_after_a_restart(stage: Make) -> None:
    bot = stage(BOT)
    bot.receiver.answers = [PostResponse(200, '{"ok":true,"channel":"C1","ts":"4.2"}')] * 2
    bot.enqueue("fire", firing())
    bot.run()
    again = stage(BOT)
    again.receiver.answers = [PostResponse(200, '{"ok":true,"channel":"C1","ts":"4.2"}')]
    again.enqueue("resolve", resolved())
    again.run()
    assert [request.url for request in bot.receiver.requests] == ["https://slack/chat.postMessage"]
    assert [request.url for request in again.receiver.requests] == ["https://slack/chat.update"]
    assert bodies(again.receiver)[0]["ts"] == "4.2"


def test_a_bot_whose_message_was_deleted_writes_a_new_one(stage: Make) -> None:
    bot = stage(BOT)
    taken = PostResponse(200, '{"ok":true,"channel":"C1","ts":"4.2"}')
    bot.receiver.answers = [taken, PostResponse(200, '{"ok":false,"error":"message_not_found"}'), taken]
    bot.enqueue("fire", firing())
    bot.enqueue("acknowledge", acknowledged())
    bot.run()
    methods = [request.url.rpartition(".")[2] for request in bot.receiver.requests]
    assert methods == ["postMessage", "update", "postMessage"]
    assert bot.rows == 0


def test_the_first_goes_at_once_and_what_gathers_goes_in_one(stage: Make) -> None:
    room = stage(ROOM)
    room.enqueue("fire", firing("h-1-1"))
    room.run()
    room.enqueue("fire", firing("h-2-1"))
    assert room.run() == 60.0
    for number in range(3, 6):
        room.enqueue("fire", firing(f"h-{number}-1"))
    assert room.courier.step() == 60.0
    room.wait(MINUTE_US)
    assert [len(body["blocks"]) // 2 for body in bodies(room.receiver)] == [1, 1, 3]
    assert room.rows == 0


def test_of_a_group_that_is_refused_only_what_cannot_be_taken_is_given_up(stage: Make) -> None:
    room = stage(replace(ROOM, per_minute=None))
    for number in range(3):
        room.enqueue("fire", firing(f"h-{number}-1"))
    room.receiver.answers = [PostResponse(400, "invalid_blocks"), PostResponse(400, "invalid_blocks")]
    room.run()
    assert room.counted == ["failed", "failed", "delivered", "delivered"]
    dead = room.connection.execute("SELECT incident_id FROM outbox WHERE dead_reason IS NOT NULL").fetchall()
    assert dead == [("h-0-1",)]


def test_whoever_is_told_of_an_incident_once_hears_its_end_once(stage: Make) -> None:
    room = stage(replace(ROOM, group=1, per_minute=None))
    room.enqueue("fire", firing())
    room.enqueue("call_again", firing(call=2))
    room.enqueue("resolve", resolved(call=2))
    room.run()
    assert [body["text"].partition(":")[0] for body in bodies(room.receiver)] == ["warning", "warning", "resolved"]


def test_the_pace_holds_in_any_minute_and_a_clock_set_back_holds_nobody_for_longer() -> None:
    pace = Pace(2)
    assert pace.not_before_us(NOW_US) == 0
    pace.sent(NOW_US)
    pace.sent(NOW_US + 10 * SECOND_US)
    assert pace.not_before_us(NOW_US + 20 * SECOND_US) == NOW_US + MINUTE_US
    assert pace.not_before_us(NOW_US - 3600 * SECOND_US) == NOW_US - 3600 * SECOND_US + MINUTE_US
    assert Pace(None).not_before_us(NOW_US) == 0


@pytest.mark.parametrize("target", [PAGER, BOT, ROOM])
def test_no_target_prints_its_secret(target: Target) -> None:
    parcel = Parcel(target, (Due(1, firing(), NOW_US, None),), NOW_US, FakeReceiver())
    request = PostRequest(f"https://hooks/{KEY}", b"", {"Authorization": KEY})
    assert KEY not in f"{target!r} {target.channel!r} {parcel!r} {request!r}"


class Service:
    """What stands for a service of Apprise."""

    redirects = True
    taken: bool | Exception = True

    def notify(self, **said: object) -> bool:
        self.said = said
        if isinstance(self.taken, Exception):
            raise self.taken
        return self.taken


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Service:
    service = Service()
    known = SimpleNamespace(instantiate=lambda url, **_: service if url.startswith("json") else None)
    module = SimpleNamespace(Apprise=known, AppriseAsset=lambda **_: None, NotifyType=str)
    monkeypatch.setitem(sys.modules, "apprise", module)  # type: ignore[arg-type]
    return service


def apprise(url: str = f"jsons://user:{KEY}@example.org") -> Parcel:
    target = Target("tail", "apprise:tail", False, group=20, each_call=False, channel=Apprise(url))
    return Parcel(target, (Due(1, firing(), NOW_US, None),), NOW_US, FakeReceiver())


def send(parcel: Parcel) -> str:
    assert parcel.target.channel is not None
    return parcel.target.channel.send(parcel)


def test_apprise_follows_no_redirect(service: Service) -> None:
    send(apprise())
    assert service.redirects is False
    assert service.said["title"] == "Wachter: warning: it broke"
    assert service.said["notify_type"] == "failure"


@pytest.mark.parametrize("taken", [False, ValueError(KEY)])
def test_what_apprise_could_not_tell_is_tried_again_and_its_address_is_not_shown(
    service: Service, taken: bool | Exception
) -> None:
    service.taken = taken
    with pytest.raises(DeliveryError) as caught:
        send(apprise())
    assert caught.value.retriable
    assert KEY not in str(caught.value)


def test_an_address_that_apprise_does_not_know_is_given_up(service: Service) -> None:
    with pytest.raises(DeliveryError, match="does not know") as caught:
        send(apprise(f"nowhere://{KEY}"))
    assert not caught.value.retriable
    assert KEY not in str(caught.value)


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "apprise", None)
    with pytest.raises(DeliveryError, match=r"pip install '\.\[apprise\]'"):
        send(apprise())
