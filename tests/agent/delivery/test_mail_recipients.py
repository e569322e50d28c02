"""A mail server that takes a message for some of its recipients and refuses others."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from agent.delivery import outbox
from agent.delivery.deliver import STILL_TO_FOR_US
from agent.delivery.sender import Courier, open_for_sending
from agent.delivery.targets import targets_of
from config.settings.receivers import EmailReceiver
from tests.agent.delivery.smtp_sink import SmtpSink, smtp_sink
from tests.agent.outbox_stage import MINUTE_US, firing, new_database, resolved
from tests.exporters.sample import NOW_US

ADA, BEN, CLEO = "ada@example.org", "ben@example.org", "cleo@example.org"


@dataclass
class Post:
    """One mail receiver with three recipients, an outbox and a clock."""

    sink: SmtpSink
    database: Path
    now_us: int = NOW_US
    counted: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.connection = open_for_sending(self.database)
        receiver = EmailReceiver(
            type="email", name="owners", host="localhost", port=self.sink.port, security="none",
            sender="wachter@example.org", to=(ADA, BEN, CLEO),
        )  # fmt: skip
        self.targets = targets_of([receiver])
        self.courier = Courier(
            self.connection,
            self.targets[0],
            lambda _, outcome: self.counted.append(outcome),
            now_us=lambda: self.now_us,
        )

    def enqueue(self, *incidents: str) -> None:
        outbox.enqueue(self.connection, [("fire", firing(one)) for one in incidents], self.targets, self.now_us)

    def passes(self, us: int = MINUTE_US) -> list[str]:
        """Let time pass; the recipients that took something in it, in order."""
        before, until = len(self.sink.recipients), self.now_us + us
        while self.now_us < until:
            self.now_us += round(max(self.courier.step(), 1.0) * 1_000_000)
        return self.sink.recipients[before:]

    @property
    def status(self) -> tuple[int, int]:
        """Messages that wait, and dead ones."""
        (found,) = outbox.status(self.connection) or (None,)
        return (found.waiting, found.dead) if found else (0, 0)


@pytest.fixture
def post(tmp_path: Path) -> Iterator[Post]:
    with smtp_sink() as sink:
        post = Post(sink, new_database(tmp_path))
        yield post
        post.connection.close()


def test_who_refuses_for_a_time_is_offered_it_again_and_nobody_else(post: Post) -> None:
    post.sink.refusals[BEN] = "451 greylisted"
    post.enqueue("h-1-1")
    assert post.passes() == [ADA, CLEO]
    assert post.status == (1, 0)
    post.sink.refusals.clear()
    assert post.passes() == [BEN]
    assert post.status == (0, 0)


def test_who_is_refused_for_good_is_named_in_the_log_and_counted(post: Post) -> None:
    post.sink.refusals[BEN] = "550 no such user"
    post.enqueue("h-1-1", "h-2-1")
    with capture_logs() as logs:
        assert post.passes() == [ADA, CLEO]
    assert post.counted == ["delivered", "failed"]
    assert post.status == (0, 0)
    (line,) = (line for line in logs if line["event"] == "recipients_refused")
    assert f"{BEN}: 550 no such user" in line["error"]


def test_each_refusal_is_handled_by_its_kind(post: Post) -> None:
    post.sink.refusals |= {ADA: "550 no such user", BEN: "452 mailbox full"}
    post.enqueue("h-1-1")
    assert post.passes() == [CLEO]
    post.sink.refusals.clear()
    assert post.passes() == [BEN]
    assert sorted(set(post.counted)) == ["delivered", "failed", "retried"]


def test_where_nobody_takes_it_those_refused_for_good_are_not_asked_again(post: Post) -> None:
    post.sink.refusals |= {ADA: "550 no such user", BEN: "451 later", CLEO: "451 later"}
    post.enqueue("h-1-1")
    assert post.passes() == []
    post.sink.refusals.clear()
    assert post.passes() == [BEN, CLEO]


def test_where_all_refuse_for_a_time_everybody_is_asked_again_for_ever(post: Post) -> None:
    post.sink.answers["RCPT"] = "451 later"
    post.enqueue("h-1-1")
    assert post.passes(2 * STILL_TO_FOR_US) == []
    post.sink.answers.clear()
    assert post.passes() == [ADA, BEN, CLEO]


def test_the_end_waits_for_who_refuses_the_beginning_but_not_for_ever(post: Post) -> None:
    post.sink.refusals[BEN] = "452 mailbox full"
    post.enqueue("h-1-1")
    post.passes()
    outbox.enqueue(post.connection, [("resolve", resolved("h-1-1"))], post.targets, post.now_us)
    assert post.passes(STILL_TO_FOR_US - 5 * MINUTE_US) == []
    assert post.passes(10 * MINUTE_US) == [ADA, CLEO]
    assert "failed" in post.counted


def test_what_is_offered_again_is_not_mixed_with_what_is_for_everybody(post: Post) -> None:
    post.sink.refusals[BEN] = "451 greylisted"
    post.enqueue("h-1-1")
    post.passes()
    post.sink.refusals.clear()
    post.enqueue("h-2-1")
    assert sorted(post.passes()) == sorted([BEN, ADA, BEN, CLEO])
