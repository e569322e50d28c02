"""An outbox with notices, targets and a receiver that answers as told."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import msgspec

from agent.delivery import outbox
from agent.delivery.outbox import Target
from agent.delivery.sender import Courier, open_for_sending
from config.errors import DeliveryError
from exporters.notice import Notice, notice_of
from exporters.request import PostRequest, PostResponse
from tests.exporters.sample import INCIDENT, NOW_US

SECOND_US = 1_000_000
MINUTE_US = 60 * SECOND_US
WEBHOOK = Target("oncall", "http://hook.example/alert", standing=False)
ALERTMANAGER = Target("am", "http://am.example", standing=True)


def firing(incident_id: str = "h-1-1", call: int = 1, headline: str = "it broke") -> Notice:
    return notice_of(replace(INCIDENT, id=incident_id, call=call, headline=headline), NOW_US)


def resolved(incident_id: str = "h-1-1", call: int = 1, at_us: int = NOW_US) -> Notice:
    return notice_of(replace(INCIDENT, id=incident_id, call=call, state="resolved"), at_us)


def new_database(directory: Path) -> Path:
    path = directory / "state.db"
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA journal_mode = WAL")
    outbox.create_schema(connection)
    connection.commit()
    connection.close()
    return path


@dataclass
class FakeReceiver:
    """Takes what it is posted; ``answers`` are used up first, an exception among them is raised."""

    answers: list[PostResponse | DeliveryError] = field(default_factory=list)
    requests: list[PostRequest] = field(default_factory=list)

    def __call__(self, request: PostRequest, timeout_seconds: float, ca_file: str | None = None) -> PostResponse:
        self.requests.append(request)
        answer = self.answers.pop(0) if self.answers else PostResponse(200)
        if isinstance(answer, DeliveryError):
            raise answer
        return answer

    @property
    def told(self) -> list[tuple[str, str, str]]:
        """(incident, call, status) of every request, in order; an Alertmanager's alerts carry no status."""
        return [_told(request) for request in self.requests]


def _told(request: PostRequest) -> tuple[str, str, str]:
    body: Any = msgspec.json.decode(request.body)
    if isinstance(body, list):
        return body[0]["labels"]["incident"], body[0]["labels"]["call"], "told"
    return body["alerts"][0]["labels"]["incident"], body["alerts"][0]["labels"]["call"], body["status"]


@dataclass
class Stage:
    """One courier with its own clock."""

    database: Path
    target: Target
    receiver: FakeReceiver = field(default_factory=FakeReceiver)
    now_us: int = NOW_US
    counted: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.connection = open_for_sending(self.database)
        self.courier = Courier(
            self.connection,
            self.target,
            lambda _, outcome: self.counted.append(outcome),
            self.receiver,
            lambda: self.now_us,
        )

    def enqueue(self, kind: outbox.NoticeKind, notice: Notice, max_rows: int = 100) -> outbox.Enqueued:
        return outbox.enqueue(self.connection, [(kind, notice)], [self.target], self.now_us, max_rows)

    def run(self, until: Callable[[float], bool] = lambda seconds: seconds > 0) -> float:
        """Step until the courier wants to rest; returns for how long."""
        while not until(seconds := self.courier.step()):
            continue
        return seconds

    def wait(self, us: int) -> float:
        self.now_us += us
        return self.run()

    @property
    def rows(self) -> int:
        (rows,) = self.connection.execute("SELECT count(*) FROM outbox").fetchone()
        return int(rows)
