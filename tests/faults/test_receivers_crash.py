"""All receivers are away for an hour and the agent is killed: each is told at least once, at most twice, and in order."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path

import msgspec
import pytest

from agent import crash
from agent.delivery import outbox
from agent.delivery.sender import Courier, open_for_sending
from agent.delivery.target import Target
from agent.delivery.targets import targets_of
from config.settings.receivers import EmailReceiver, PagerDutyReceiver, WebhookReceiver
from exporters.request import PostRequest, PostResponse
from tests.agent.delivery.smtp_sink import SmtpSink, smtp_sink
from tests.agent.outbox_stage import MINUTE_US, SECOND_US, firing, new_database, resolved
from tests.exporters.sample import NOW_US

pytestmark = pytest.mark.slow
INCIDENTS = [f"h-{number}-1" for number in range(12)]
PATIENCE_US = 3 * MINUTE_US
MOMENTS = ("before_send", "after_send", "after_mark_sent")


class Killed(BaseException):
    """Stands for SIGKILL: nothing of the process runs any more, its connection to the state is gone."""


@dataclass
class World:
    """Receivers of three kinds, a clock, and a process that may be killed at a named moment.

    Attributes:
        told: by receiver, (incident, status) in the order of arrival.
    """

    database: Path
    sink: SmtpSink
    targets: tuple[Target, ...]
    now_us: int = NOW_US
    away: bool = True
    told: dict[str, list[tuple[str, str]]] = field(default_factory=lambda: {"pager": [], "hook": []})

    def post(self, request: PostRequest, timeout_seconds: float, ca_file: str | None = None) -> PostResponse:
        self.now_us += 4_000
        if self.away:
            return PostResponse(503)
        body = msgspec.json.decode(request.body)
        if "event_action" in body:
            status = {"trigger": "firing", "resolve": "resolved"}[body["event_action"]]
            self.told["pager"].append((body["dedup_key"].split(":")[1], status))
            return PostResponse(202)
        self.told["hook"].append((body["alerts"][0]["labels"]["incident"], body["status"]))
        return PostResponse(200)

    def mails(self) -> list[tuple[str, str]]:
        """(incident, status), of mails that tell several each of them."""
        found = []
        for mail in self.sink.mails:
            body = mail.get_body(("plain",))
            assert body is not None
            for part in body.get_content().split("-" * 72):
                incident = part.partition("incident: ")[2].split()[0]
                found.append((incident, "resolved" if "resolved: " in part else "firing"))
        return found

    def runs(self, until_us: int) -> None:
        """A process from its start to its end, or until it is killed."""
        connections = [open_for_sending(self.database) for _ in self.targets]
        couriers = [
            Courier(connection, target, lambda *_: None, self.post, lambda: self.now_us)
            for connection, target in zip(connections, self.targets, strict=True)
        ]
        try:
            while self.now_us < until_us:
                rest = min(courier.step() for courier in couriers)
                self.now_us += round(min(rest, 20.0) * SECOND_US)
        finally:
            for connection in connections:
                connection.close()


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with smtp_sink() as sink:
        pager = PagerDutyReceiver.model_validate({"type": "pagerduty", "name": "pager", "routing_key": "key"})
        hook = WebhookReceiver(type="webhook", name="hook", url="http://hook")
        mail = {"type": "email", "name": "mail", "host": "127.0.0.1", "port": sink.port, "security": "none"}
        by_mail = EmailReceiver.model_validate({**mail, "sender": "w@example.org", "to": "a@example.org"})
        yield World(new_database(tmp_path), sink, targets_of([pager, hook, by_mail]))


def hours_of_trouble(world: World) -> None:
    """Twelve incidents open in an hour in which nobody answers; every other one ends in it."""
    world.sink.answers["MAIL"] = "421 closing"
    connection = sqlite3.connect(world.database, isolation_level=None)
    for incident in INCIDENTS:
        outbox.enqueue(connection, [("fire", firing(incident))], world.targets, world.now_us)
        world.runs(world.now_us + 5 * MINUTE_US)
        if INCIDENTS.index(incident) % 2:
            over = resolved(incident, at_us=world.now_us)
            outbox.enqueue(connection, [("resolve", over)], world.targets, world.now_us)
    connection.close()
    world.away = False
    del world.sink.answers["MAIL"]


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("visit", [1, 2, 7])
def test_after_an_hour_away_and_a_kill_each_is_told_once_or_twice_and_in_order(
    world: World, monkeypatch: pytest.MonkeyPatch, moment: str, visit: int
) -> None:
    hours_of_trouble(world)
    visits = iter(range(1, 1_000_000))

    def dies(point: str) -> None:
        if point == moment and next(visits) == visit:
            raise Killed

    monkeypatch.setattr(crash, "at", dies)
    with pytest.raises(Killed):
        world.runs(world.now_us + PATIENCE_US)
    world.runs(world.now_us + PATIENCE_US)
    for told in (*world.told.values(), world.mails()):
        assert_told(told)
    with closing(sqlite3.connect(world.database)) as connection:
        assert outbox.rows(connection) == 0


def assert_told(told: list[tuple[str, str]]) -> None:
    for number, incident in enumerate(INCIDENTS):
        heard = [status for known, status in told if known == incident]
        assert max(heard.count(status) for status in heard) <= 2
        assert [status for status, _ in groupby(heard)] == (["firing", "resolved"] if number % 2 else ["firing"])
