"""A receiver that is away for an hour, refuses, throttles or hangs: nothing is lost, order is kept, it soon knows all."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from agent.delivery.outbox import DEFAULT_MAX_ROWS, Target
from config.errors import DeliveryError
from exporters.request import PostRequest, PostResponse
from tests.agent.outbox_stage import (
    ALERTMANAGER,
    MINUTE_US,
    SECOND_US,
    WEBHOOK,
    FakeReceiver,
    Stage,
    firing,
    new_database,
    resolved,
)
from tests.exporters.sample import NOW_US
from tests.faults.conftest import Note
from tests.faults.report import scaled

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
HOUR_US = 60 * MINUTE_US
INCIDENTS_A_MINUTE = scaled(5, 50)
PROMISED_SECONDS = 60

FAULTS: dict[str, PostResponse | DeliveryError] = {
    "refused": DeliveryError("127.0.0.1:9: ConnectionRefusedError", retriable=True),
    "unresolved": DeliveryError("pager: gaierror: Name or service not known", retriable=True),
    "untrusted": DeliveryError("pager: SSLCertVerificationError: certificate has expired", retriable=True),
    "hanging": DeliveryError("pager: no complete answer within 10 s", retriable=True),
    "500": PostResponse(500, "internal error"),
    "503": PostResponse(503, "no backend", retry_after_seconds=20),
    "429": PostResponse(429, "slow down", retry_after_seconds=45),
}


@dataclass
class Away(FakeReceiver):
    """Answers with its fault until ``back``; each request takes 4 ms of the stage's clock, one that hangs its whole time."""

    fault: PostResponse | DeliveryError = field(default_factory=lambda: FAULTS["refused"])
    back: bool = False
    stage: Stage | None = None

    def __call__(self, request: PostRequest, timeout_seconds: float, ca_file: str | None = None) -> PostResponse:
        assert self.stage is not None
        self.stage.now_us += 10 * SECOND_US if "no complete" in str(self.fault) and not self.back else 4_000
        if self.back:
            return super().__call__(request, timeout_seconds, ca_file)
        if isinstance(self.fault, DeliveryError):
            raise self.fault
        return self.fault


@pytest.fixture(params=[WEBHOOK, ALERTMANAGER], ids=["webhook", "alertmanager"])
def stage(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Stage]:
    target: Target = request.param
    receiver = Away()
    receiver.stage = stage = Stage(new_database(tmp_path), target, receiver)
    yield stage
    stage.connection.close()


def an_hour_passes(stage: Stage) -> list[str]:
    """Incidents open, some end; the courier tries as it likes. Returns the incidents that are still open."""
    chance, open_, until = random.Random(3), [], stage.now_us + HOUR_US
    for minute in range(60):
        stage.connection.execute("BEGIN")
        for number in range(INCIDENTS_A_MINUTE):
            incident = f"h-{minute}-{number}"
            stage.enqueue("fire", firing(incident), DEFAULT_MAX_ROWS)
            open_.append(incident)
        for incident in chance.sample(open_, len(open_) // 4):
            stage.enqueue("resolve", resolved(incident, at_us=stage.now_us), DEFAULT_MAX_ROWS)
            open_.remove(incident)
        stage.connection.execute("COMMIT")
        minute_ends = until - (59 - minute) * MINUTE_US
        while stage.now_us < minute_ends:
            rest = stage.courier.step()
            stage.now_us = max(stage.now_us, min(minute_ends, stage.now_us + round(rest * SECOND_US)))
    return open_


def seconds_until_all_is_told(stage: Stage) -> float:
    begun = stage.now_us
    while stage.connection.execute("SELECT 1 FROM outbox WHERE NOT taken LIMIT 1").fetchone():
        stage.now_us += round(stage.courier.step() * SECOND_US)
        assert stage.now_us < begun + HOUR_US, "something is never told"
    return (stage.now_us - begun) / SECOND_US


@pytest.mark.parametrize("fault", FAULTS)
def test_after_an_hour_a_receiver_knows_all_within_a_minute_in_order_and_once(
    stage: Stage, note: Note, fault: str
) -> None:
    receiver = stage.receiver
    assert isinstance(receiver, Away)
    receiver.fault = FAULTS[fault]
    still_open = an_hour_passes(stage)
    assert receiver.requests == []
    assert 0 < stage.rows <= DEFAULT_MAX_ROWS
    receiver.back = True
    seconds = seconds_until_all_is_told(stage)
    note(messages=len(receiver.told), seconds_after_return=seconds)
    assert seconds <= PROMISED_SECONDS
    if stage.target.standing:
        assert {incident for incident, *_ in receiver.told} == all_incidents()
        return
    assert len(receiver.told) == len(set(receiver.told))
    ended = all_incidents() - set(still_open)
    for incident in all_incidents():
        statuses = [status for told, _, status in receiver.told if told == incident]
        assert statuses == (["firing", "resolved"] if incident in ended else ["firing"])


def all_incidents() -> set[str]:
    return {f"h-{minute}-{number}" for minute in range(60) for number in range(INCIDENTS_A_MINUTE)}


def test_ten_thousand_messages_leave_within_the_promised_minute(stage: Stage, note: Note) -> None:
    """Each was looked for among all that waited: telling them took minutes of the machine's time, not the receiver's."""
    receiver = stage.receiver
    assert isinstance(receiver, Away)
    stage.connection.execute("BEGIN")
    for number in range(DEFAULT_MAX_ROWS):
        stage.enqueue("fire", firing(f"h-{number}"), DEFAULT_MAX_ROWS)
    stage.connection.execute("UPDATE outbox SET attempts = 1 + sequence % 3")
    stage.connection.execute("COMMIT")
    receiver.back = True
    begun = time.process_time()
    while len(receiver.requests) < DEFAULT_MAX_ROWS:
        stage.courier.step()
    seconds = time.process_time() - begun
    note(messages=DEFAULT_MAX_ROWS, cpu_seconds=seconds)
    assert seconds <= PROMISED_SECONDS / 2


def test_an_outbox_that_is_full_stays_within_its_bound_and_keeps_who_is_in_trouble_now(tmp_path: Path) -> None:
    stage = Stage(new_database(tmp_path), WEBHOOK, FakeReceiver())
    lost = 0
    for number in range(3_000):
        stage.now_us = NOW_US + number
        lost += stage.enqueue("fire", firing(f"h-{number}"), 1_000).refused
        if number % 2 == 0:
            stage.enqueue("resolve", resolved(f"h-{number}"), 1_000)
    assert stage.rows <= 1_000
    stage.run()
    told = {incident for incident, _, status in stage.receiver.told if status == "firing"}
    open_ = {f"h-{number}" for number in range(1, 3_000, 2)}
    assert len(open_ & told) + lost >= len(open_)
    assert len(open_ & told) >= 990
    stage.connection.close()
