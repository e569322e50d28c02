from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.delivery.deliver import backoff_seconds
from agent.delivery.sender import IDLE_SECONDS
from config.errors import DeliveryError
from exporters.request import PostResponse
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

UNREACHABLE = DeliveryError("connection refused", retriable=True)


@pytest.fixture
def webhook(tmp_path: Path) -> Iterator[Stage]:
    stage = Stage(new_database(tmp_path), WEBHOOK)
    yield stage
    stage.connection.close()


@pytest.fixture
def alertmanager(tmp_path: Path) -> Iterator[Stage]:
    stage = Stage(new_database(tmp_path), ALERTMANAGER)
    yield stage
    stage.connection.close()


def test_a_webhook_is_told_once_and_in_order(webhook: Stage) -> None:
    webhook.enqueue("fire", firing())
    webhook.enqueue("resolve", resolved())
    assert webhook.run() == IDLE_SECONDS
    assert webhook.receiver.told == [("h-1-1", "1", "firing"), ("h-1-1", "1", "resolved")]
    assert webhook.rows == 0
    assert webhook.counted == ["delivered", "delivered"]


def test_a_message_that_was_not_taken_keeps_its_number_when_it_is_repeated(webhook: Stage) -> None:
    webhook.receiver.answers = [PostResponse(503), PostResponse(200)]
    webhook.enqueue("fire", firing())
    webhook.run()
    webhook.wait(SECOND_US)
    numbers = {request.headers["X-Wachter-Delivery"] for request in webhook.receiver.requests}
    assert len(webhook.receiver.requests) == 2
    assert len(numbers) == 1


def test_a_receiver_that_is_away_is_asked_less_and_less_often(webhook: Stage) -> None:
    webhook.receiver.answers = [UNREACHABLE] * 11
    webhook.enqueue("fire", firing())
    rests = [webhook.run()]
    for _ in range(10):
        rests.append(webhook.wait(round(rests[-1] * SECOND_US)))
    assert rests == [1, 2, 4, 8, 16, 30, 30, 30, 30, 30, 30]


def test_news_do_not_end_a_back_off(webhook: Stage) -> None:
    webhook.receiver.answers = [UNREACHABLE] * 3
    webhook.enqueue("fire", firing())
    webhook.run()
    webhook.enqueue("fire", firing("h-2-1"))
    assert webhook.courier.step() == 1.0
    assert len(webhook.receiver.requests) == 1


def test_a_receiver_that_asks_for_patience_is_given_it(webhook: Stage) -> None:
    webhook.receiver.answers = [PostResponse(429, retry_after_seconds=90)]
    webhook.enqueue("fire", firing())
    assert webhook.run() == 90.0


@pytest.mark.parametrize(
    ("failures", "retry_after", "seconds"),
    [(1, None, 1), (5, None, 16), (6, None, 30), (99, None, 30), (3, 7.0, 7), (3, 90.0, 90)],
)
def test_the_back_off_is_a_schedule_not_a_dice(failures: int, retry_after: float | None, seconds: float) -> None:
    assert backoff_seconds(failures, retry_after) == seconds


def test_a_final_answer_kills_the_message_and_lets_the_next_one_through(webhook: Stage) -> None:
    webhook.receiver.answers = [PostResponse(404, "no such hook")]
    webhook.enqueue("fire", firing())
    webhook.enqueue("resolve", resolved())
    webhook.run()
    assert [status for *_, status in webhook.receiver.told] == ["firing", "resolved"]
    assert webhook.counted == ["failed", "delivered"]
    (reason,) = webhook.connection.execute("SELECT dead_reason FROM outbox").fetchone()
    assert "404" in reason


def test_a_message_that_a_receiver_stumbles_over_does_not_hold_up_other_incidents(webhook: Stage) -> None:
    webhook.receiver.answers = [PostResponse(500)]
    webhook.enqueue("fire", firing("h-1-1"))
    webhook.enqueue("resolve", resolved("h-1-1"))
    webhook.enqueue("fire", firing("h-2-1"))
    webhook.run()
    webhook.receiver.answers = [PostResponse(200), PostResponse(500)]
    webhook.wait(SECOND_US)
    assert [incident for incident, *_ in webhook.receiver.told] == ["h-1-1", "h-2-1", "h-1-1"]
    assert [status for *_, status in webhook.receiver.told] == ["firing"] * 3


def test_a_firing_alert_is_told_again_and_again(alertmanager: Stage) -> None:
    alertmanager.enqueue("fire", firing())
    assert alertmanager.run() == 60.0
    assert alertmanager.wait(MINUTE_US) == 60.0
    assert alertmanager.wait(30 * SECOND_US) == 30.0
    assert len(alertmanager.receiver.requests) == 2


def test_a_resolved_alert_is_told_for_five_minutes_and_then_forgotten(alertmanager: Stage) -> None:
    alertmanager.enqueue("fire", firing())
    alertmanager.run()
    alertmanager.now_us += 10 * SECOND_US
    alertmanager.enqueue("resolve", resolved(at_us=alertmanager.now_us))
    alertmanager.run()
    for _ in range(10):
        alertmanager.wait(MINUTE_US)
    assert len(alertmanager.receiver.requests) == 1 + 6
    assert alertmanager.rows == 0


def test_a_resolution_is_told_however_long_the_alertmanager_was_away(alertmanager: Stage) -> None:
    alertmanager.receiver.answers = [UNREACHABLE] * 12
    alertmanager.enqueue("resolve", resolved())
    alertmanager.run()
    for _ in range(12):
        alertmanager.wait(5 * MINUTE_US)
    assert alertmanager.counted[-1] == "delivered"
    assert alertmanager.counted.count("retried") == 12


def test_an_alert_that_was_refused_for_good_is_told_again_all_the_same(alertmanager: Stage) -> None:
    alertmanager.receiver.answers = [PostResponse(403, "mend your proxy")]
    alertmanager.enqueue("fire", firing())
    alertmanager.run()
    alertmanager.wait(MINUTE_US)
    assert alertmanager.counted == ["failed", "delivered"]


def test_what_changed_while_it_was_being_told_is_told_as_well(tmp_path: Path) -> None:
    class Interrupting(FakeReceiver):
        def __call__(self, *arguments: object) -> PostResponse:
            if not self.requests:
                stage.enqueue("resolve", resolved(at_us=stage.now_us))
            return super().__call__(*arguments)  # type: ignore[arg-type]

    stage = Stage(new_database(tmp_path), ALERTMANAGER, Interrupting())
    stage.enqueue("fire", firing())
    stage.run()
    stage.connection.close()
    assert len(stage.receiver.requests) == 2
    assert '"endsAt":"2024-10-04T00:00:00.000Z"' in stage.receiver.requests[-1].body.decode()


def test_the_outbox_is_told_through_after_a_restart(tmp_path: Path) -> None:
    database = new_database(tmp_path)
    before = Stage(database, WEBHOOK, FakeReceiver([UNREACHABLE]))
    before.enqueue("fire", firing())
    before.run()
    before.connection.close()
    after = Stage(database, WEBHOOK)
    after.run()
    after.connection.close()
    assert after.receiver.told == [("h-1-1", "1", "firing")]


def test_the_loop_can_write_while_a_receiver_hangs(tmp_path: Path) -> None:
    database = new_database(tmp_path)

    def writes_meanwhile(*_: object) -> PostResponse:
        with sqlite3.connect(database, timeout=0.0) as loop:
            loop.execute("CREATE TABLE step (number INTEGER)")
        loop.close()
        return PostResponse(200)

    stage = Stage(database, WEBHOOK, writes_meanwhile)  # type: ignore[arg-type]
    stage.enqueue("fire", firing())
    stage.run()
    stage.connection.close()
    assert stage.counted == ["delivered"]
