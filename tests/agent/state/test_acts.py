from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.state import acts
from agent.state.acts import Settled
from config.errors import ActRefused


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "state.db"
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA journal_mode = WAL")
    acts.create_schema(connection)
    connection.commit()
    connection.close()
    return path


@pytest.fixture
def connection(database: Path) -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(database)
    yield connection
    connection.close()


def test_requested_acts_wait_in_their_order(connection: sqlite3.Connection) -> None:
    first = acts.request(connection, "ack", "h-1-1", " ada ", "looking", 5)
    acts.request(connection, "resolve", "h-1-1", "bo", "", 6)
    waiting = acts.pending(connection)
    assert [(act.kind, act.actor, act.comment) for act in waiting] == [("ack", "ada", "looking"), ("resolve", "bo", "")]
    acts.settle(connection, first, "done", "acknowledged")
    assert [act.kind for act in acts.pending(connection)] == ["resolve"]
    assert acts.settled(connection, first) == Settled("done", "acknowledged")


def test_a_silence_waits_with_its_end(connection: sqlite3.Connection) -> None:
    acts.request(connection, "silence", "h-1-1", "ada", "planned", 5, 60)
    assert [(act.kind, act.until_us) for act in acts.pending(connection)] == [("silence", 60)]


@pytest.mark.parametrize(("kind", "until_us"), [("silence", None), ("ack", 60), ("silence", 31 * 86_400_000_000)])
def test_an_end_belongs_to_a_silence_alone_and_is_not_for_ever(
    connection: sqlite3.Connection, kind: acts.ActKind, until_us: int | None
) -> None:
    with pytest.raises(ActRefused):
        acts.request(connection, kind, "h-1-1", "ada", "", 5, until_us)


@pytest.mark.parametrize("until_us", [4 * acts.JUST_PAST_US, -62_135_683_140_000_000])
def test_a_silence_that_is_over_before_it_begins_is_refused(connection: sqlite3.Connection, until_us: int) -> None:
    """The second is 0001-01-01T00:00:00+23:59, which lies in a year that no record can say."""
    with pytest.raises(ActRefused, match="has passed") as refused:
        acts.request(connection, "silence", "h-1-1", "ada", "", 5 * acts.JUST_PAST_US + 1, until_us)
    assert refused.value.reason == "silence_in_the_past"
    assert acts.pending(connection) == ()


def test_an_end_just_past_means_now(connection: sqlite3.Connection) -> None:
    now_us = 5 * acts.JUST_PAST_US
    acts.request(connection, "silence", "h-1-1", "ada", "", now_us, now_us - acts.JUST_PAST_US)
    assert [act.until_us for act in acts.pending(connection)] == [now_us]


def test_an_inbox_from_before_there_were_silences_is_brought_up_to_date(connection: sqlite3.Connection) -> None:
    acts.request(connection, "ack", "h-1-1", "ada", "", 5)
    connection.execute("ALTER TABLE act DROP COLUMN until_us")
    acts.create_schema(connection)
    assert [act.until_us for act in acts.pending(connection)] == [None]


def test_making_the_schema_again_keeps_what_is_there(connection: sqlite3.Connection) -> None:
    acts.request(connection, "ack", "h-1-1", "ada", "", 5)
    acts.create_schema(connection)
    assert len(acts.pending(connection)) == 1


@pytest.mark.parametrize(
    ("actor", "comment", "what"), [(" ", "", "needs an actor"), ("x" * 201, "", "201"), ("ada", "x" * 2001, "2001")]
)
def test_an_act_that_cannot_be_kept_is_refused_with_the_reason(
    connection: sqlite3.Connection, actor: str, comment: str, what: str
) -> None:
    with pytest.raises(ActRefused, match=what):
        acts.request(connection, "ack", "h-1-1", actor, comment, 5)


def test_an_inbox_that_nobody_empties_does_not_grow_for_ever(
    connection: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(acts, "MAX_WAITING", 3)
    for _ in range(3):
        acts.request(connection, "ack", "h-1-1", "ada", "", 5)
    with pytest.raises(ActRefused, match="nobody takes them in"):
        acts.request(connection, "ack", "h-1-1", "ada", "", 5)


def test_settled_acts_are_forgotten_in_the_end(connection: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(acts, "KEPT_SETTLED", 2)
    for _ in range(5):
        acts.settle(connection, acts.request(connection, "ack", "h-1-1", "ada", "", 5), "done")
    (kept,) = connection.execute("SELECT count(*) FROM act").fetchone()
    assert kept == 2


def test_whoever_submits_learns_what_became_of_it(database: Path, connection: sqlite3.Connection) -> None:
    def loop_takes_it_in(_: float) -> None:
        (act,) = acts.pending(connection)
        acts.settle(connection, act.id, "refused", "it is already resolved")
        connection.commit()

    answer = acts.submit(database, "ack", "h-1-1", "ada", sleep=loop_takes_it_in)
    assert answer == Settled("refused", "it is already resolved")


def test_an_act_whose_answer_does_not_come_in_time_is_kept(database: Path, connection: sqlite3.Connection) -> None:
    ticks = iter(range(10))
    answer = acts.submit(
        database, "ack", "h-1-1", "ada", sleep=lambda _: None, monotonic=lambda: float(next(ticks)), wait_seconds=3
    )
    assert answer is None
    assert len(acts.pending(connection)) == 1


def test_an_act_on_a_state_that_is_not_there_creates_none(tmp_path: Path) -> None:
    with pytest.raises(sqlite3.OperationalError):
        acts.submit(tmp_path / "state.db", "ack", "h-1-1", "ada")
    assert list(tmp_path.iterdir()) == []
