"""A message ready to be posted, and what the answer to it means."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from config.errors import DeliveryError

RETRIABLE = frozenset({408, 425, 429})
MAX_RETRY_AFTER_SECONDS = 3600.0
MAX_QUOTED = 200


@dataclass(frozen=True, slots=True)
class PostRequest:
    """Where, what, and with which headers; all of them may carry secrets and do not print.

    Attributes:
        allow_private: a public name may lead to an address of the inner network.
    """

    url: str = field(repr=False)
    body: bytes = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    allow_private: bool = False


@dataclass(frozen=True, slots=True)
class PostResponse:
    """A receiver's answer; ``text`` is its beginning."""

    status: int
    text: str = ""
    retry_after_seconds: float | None = None


def expect_taken(response: PostResponse) -> None:
    """Return where the receiver took the message.

    Raises:
        DeliveryError: it did not. Time-outs, throttling and server errors are retriable; every other answer is final,
            redirects too: a message goes where the settings say, or nowhere.
    """
    if 200 <= response.status < 300:
        return
    retriable = response.status in RETRIABLE or response.status >= 500
    what = "is a redirect, which is not followed" if 300 <= response.status < 400 else "was answered"
    raise DeliveryError(
        f"{response.status} {what}: {quotable(response.text)}",
        retriable=retriable,
        retry_after_seconds=_bounded(response.retry_after_seconds) if retriable else None,
    )


def quotable(text: str) -> str:
    """The beginning of what a receiver said, without anything that a terminal obeys."""
    return "".join(letter if letter.isprintable() else " " for letter in text[:MAX_QUOTED])


def _bounded(seconds: float | None) -> float | None:
    return None if seconds is None else min(max(seconds, 0.0), MAX_RETRY_AFTER_SECONDS)
