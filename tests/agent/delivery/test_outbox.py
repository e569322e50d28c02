from __future__ import annotations

import random
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from msgspec import structs

from agent.delivery import outbox
from agent.delivery.deliver import next_due
from agent.delivery.outbox import Target
from detectors.measurement import Track
from tests.agent.outbox_stage import ALERTMANAGER, MINUTE_US, WEBHOOK, firing, new_database, resolved
from tests.exporters.sample import NOW_US


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(new_database(tmp_path), isolation_level=None)
    yield connection
    connection.close()


def rows(connection: sqlite3.Connection) -> list[tuple[str, str, int, str]]:
    return connection.execute("SELECT receiver, incident_id, call, kind FROM outbox ORDER BY sequence").fetchall()


def test_a_notice_goes_to_every_target_that_wants_its_track(connection: sqlite3.Connection) -> None:
    pages_only = replace(WEBHOOK, receiver="pager", tracks=frozenset({Track.HARM}))
    outbox.enqueue(connection, [("fire", firing())], [WEBHOOK, pages_only, ALERTMANAGER], NOW_US)
    assert [receiver for receiver, *_ in rows(connection)] == ["oncall", "am"]


def test_an_update_is_told_to_alertmanager_but_never_to_a_webhook(connection: sqlite3.Connection) -> None:
    outbox.enqueue(connection, [("update", firing())], [WEBHOOK, ALERTMANAGER], NOW_US)
    assert [receiver for receiver, *_ in rows(connection)] == ["am"]


@pytest.mark.parametrize("target", [WEBHOOK, ALERTMANAGER])
def test_a_call_about_a_silenced_incident_waits_for_the_end_of_the_silence(
    connection: sqlite3.Connection, target: Target
) -> None:
    quiet = structs.replace(firing(call=2), silenced_until_us=NOW_US + MINUTE_US)
    outbox.enqueue(connection, [("call_again", quiet)], [target], NOW_US)
    assert next_due(connection, target, NOW_US) is None
    assert next_due(connection, target, NOW_US + MINUTE_US) is not None


def test_that_a_silenced_incident_is_over_is_told_at_once(connection: sqlite3.Connection) -> None:
    quiet = structs.replace(firing(), silenced_until_us=NOW_US + MINUTE_US)
    over = structs.replace(resolved(), silenced_until_us=NOW_US + MINUTE_US)
    outbox.enqueue(connection, [("update", quiet), ("resolve", over)], [ALERTMANAGER], NOW_US)
    assert next_due(connection, ALERTMANAGER, NOW_US) is not None


def test_late_truth_about_an_incident_that_is_over_is_told_to_nobody(connection: sqlite3.Connection) -> None:
    outbox.enqueue(connection, [("update", resolved())], [WEBHOOK, ALERTMANAGER], NOW_US)
    assert rows(connection) == []


def test_a_standing_alert_is_replaced_by_what_is_newer(connection: sqlite3.Connection) -> None:
    for kind, notice in (("fire", firing()), ("update", firing(headline="worse")), ("resolve", resolved())):
        outbox.enqueue(connection, [(kind, notice)], [ALERTMANAGER], NOW_US)  # type: ignore[list-item]
    assert rows(connection) == [("am", "h-1-1", 1, "resolve")]


def test_the_end_of_an_incident_ends_all_its_calls(connection: sqlite3.Connection) -> None:
    outbox.enqueue(connection, [("fire", firing()), ("call_again", firing(call=2))], [ALERTMANAGER], NOW_US)
    outbox.enqueue(connection, [("resolve", resolved(call=2))], [ALERTMANAGER], NOW_US)
    assert rows(connection) == [("am", "h-1-1", 1, "resolve"), ("am", "h-1-1", 2, "resolve")]


def test_what_is_enqueued_in_a_transaction_that_fails_is_not_there(connection: sqlite3.Connection) -> None:
    connection.execute("BEGIN")
    outbox.enqueue(connection, [("fire", firing())], [WEBHOOK], NOW_US)
    connection.execute("ROLLBACK")
    assert rows(connection) == []


def test_a_full_outbox_gives_up_dead_messages_first(connection: sqlite3.Connection) -> None:
    outbox.enqueue(connection, [("fire", firing("h-1-1")), ("fire", firing("h-2-1"))], [WEBHOOK], NOW_US)
    connection.execute("UPDATE outbox SET dead_reason = '404' WHERE incident_id = 'h-1-1'")
    done = outbox.enqueue(connection, [("fire", firing("h-3-1"))], [WEBHOOK], NOW_US, max_rows=2)
    assert done == outbox.Enqueued(stored=1, collapsed=1)
    assert [incident for _, incident, *_ in rows(connection)] == ["h-2-1", "h-3-1"]


def test_a_full_outbox_gives_up_the_oldest_incident_whose_whole_story_waits(connection: sqlite3.Connection) -> None:
    for incident_id in ("h-1-1", "h-2-1"):
        outbox.enqueue(
            connection, [("fire", firing(incident_id)), ("resolve", resolved(incident_id))], [WEBHOOK], NOW_US
        )
    outbox.enqueue(connection, [("fire", firing("h-3-1"))], [WEBHOOK], NOW_US, max_rows=4)
    assert [incident for _, incident, *_ in rows(connection)] == ["h-2-1", "h-2-1", "h-3-1"]


def test_a_resolution_whose_opening_was_told_is_never_given_up(connection: sqlite3.Connection) -> None:
    outbox.enqueue(connection, [("resolve", resolved("h-1-1"))], [WEBHOOK], NOW_US)
    done = outbox.enqueue(connection, [("fire", firing("h-2-1"))], [WEBHOOK], NOW_US, max_rows=1)
    assert done == outbox.Enqueued(refused=1)
    assert rows(connection) == [("oncall", "h-1-1", 1, "resolve")]


def test_an_outbox_never_holds_more_than_its_bound(connection: sqlite3.Connection) -> None:
    chance = random.Random(7)
    for _ in range(300):
        incident_id = f"h-{chance.randrange(20)}-1"
        kind, notice = chance.choice([("fire", firing(incident_id)), ("resolve", resolved(incident_id))])
        outbox.enqueue(connection, [(kind, notice)], [WEBHOOK, ALERTMANAGER], NOW_US, max_rows=10)  # type: ignore[list-item]
        assert len(rows(connection)) <= 10


def test_an_open_incident_stands_at_an_alertmanager_that_is_new(connection: sqlite3.Connection) -> None:
    other = replace(ALERTMANAGER, url="http://other.example")
    outbox.enqueue(connection, [("fire", firing())], [ALERTMANAGER], NOW_US)
    outbox.reconcile(connection, [firing()], [ALERTMANAGER, other], NOW_US)
    urls = connection.execute("SELECT url FROM outbox ORDER BY url").fetchall()
    assert urls == [("http://am.example",), ("http://other.example",)]


def test_what_waits_for_a_target_that_is_gone_is_forgotten(connection: sqlite3.Connection) -> None:
    outbox.enqueue(connection, [("fire", firing())], [WEBHOOK, ALERTMANAGER], NOW_US)
    outbox.reconcile(connection, [firing()], [ALERTMANAGER], NOW_US)
    assert [receiver for receiver, *_ in rows(connection)] == ["am"]


def test_an_alert_whose_incident_is_no_longer_open_is_resolved_at_the_start(connection: sqlite3.Connection) -> None:
    outbox.enqueue(connection, [("fire", firing())], [ALERTMANAGER], NOW_US)
    outbox.reconcile(connection, [], [ALERTMANAGER], NOW_US + MINUTE_US)
    assert [kind for *_, kind in rows(connection)] == ["resolve"]
    (text,) = connection.execute("SELECT notice FROM outbox").fetchone()
    assert '"firing":false' in text


def test_status_counts_what_waits_and_what_is_dead(connection: sqlite3.Connection) -> None:
    outbox.enqueue(connection, [("fire", firing("h-1-1")), ("fire", firing("h-2-1"))], [WEBHOOK], NOW_US)
    outbox.enqueue(connection, [("fire", firing())], [ALERTMANAGER], NOW_US + 5)
    connection.execute("UPDATE outbox SET dead_reason = '404' WHERE incident_id = 'h-2-1'")
    connection.execute("UPDATE outbox SET taken = 1 WHERE receiver = 'am'")
    am, oncall = outbox.status(connection)
    assert (am.waiting, am.dead, am.oldest_us) == (0, 0, None)
    assert (oncall.waiting, oncall.dead, oncall.oldest_us) == (1, 1, NOW_US)


def test_a_target_does_not_print_its_secrets() -> None:
    target = Target("r", "http://x", standing=False, headers=(("Authorization", "s3cret"),), secret=b"s3cret")
    assert "s3cret" not in repr(target)
