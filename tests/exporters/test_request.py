from __future__ import annotations

import pytest

from config.errors import DeliveryError
from exporters.request import PostResponse, expect_taken


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_an_answer_of_the_200s_is_taken(status: int) -> None:
    expect_taken(PostResponse(status))


@pytest.mark.parametrize(
    ("status", "retriable"),
    [
        (301, False),
        (400, False),
        (401, False),
        (404, False),
        (408, True),
        (425, True),
        (429, True),
        (500, True),
        (503, True),
    ],
)
def test_throttling_and_server_errors_are_retriable_and_everything_else_is_final(status: int, retriable: bool) -> None:
    with pytest.raises(DeliveryError) as caught:
        expect_taken(PostResponse(status, "why"))
    assert caught.value.retriable is retriable
    assert str(status) in str(caught.value)


def test_a_redirect_is_named_as_one() -> None:
    with pytest.raises(DeliveryError, match="not followed"):
        expect_taken(PostResponse(302))


def test_a_receiver_may_ask_for_patience_but_not_for_ever() -> None:
    with pytest.raises(DeliveryError) as caught:
        expect_taken(PostResponse(429, retry_after_seconds=1e9))
    assert caught.value.retry_after_seconds == 3600


def test_what_a_receiver_says_reaches_no_terminal_as_it_is() -> None:
    with pytest.raises(DeliveryError) as caught:
        expect_taken(PostResponse(500, "\x1b[2J\u202eyou are\nhacked"))
    assert str(caught.value).isprintable()
