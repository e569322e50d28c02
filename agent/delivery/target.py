"""One address of one receiver: what it is told, when, how fast, and the way to it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Protocol

import msgspec

from agent.delivery.schedule import QuietTime, called_at
from config.errors import DeliveryError
from detectors.measurement import Track
from exporters.notice import Notice, NoticeKind
from exporters.request import PostRequest, PostResponse

Post = Callable[[PostRequest, float, str | None], PostResponse]
AT_ONCE = (0,)


class RecipientsRefused(DeliveryError):
    """Some recipients of a message were refused, or all of them for a time.

    Attributes:
        left: those who may take it later; lost: how many were refused for good.
        taken: whether there are others, who have it.
    """

    def __init__(self, message: str, *, left: tuple[str, ...], lost: int, taken: bool) -> None:
        super().__init__(message, retriable=bool(left))
        self.left = left
        self.lost = lost
        self.taken = taken


class StillTo(msgspec.Struct, frozen=True):
    """The only recipients that a message is still for; until when it is offered to those who refuse it for a time."""

    recipients: tuple[str, ...]
    until_us: int


@dataclass(frozen=True, slots=True)
class Due:
    """A row of the outbox whose turn it is; ``still_to`` where it is no longer for all recipients."""

    sequence: int
    notice: Notice
    created_us: int
    expires_us: int | None
    kind: NoticeKind = "fire"
    still_to: StillTo | None = None


@dataclass(frozen=True, slots=True)
class Backoff:
    """How long to wait after failures in a row.

    Attributes:
        first_seconds, longest_seconds: doubled from the one up to the other.
    """

    first_seconds: float = 1.0
    longest_seconds: float = 30.0

    def seconds(self, failures: int, retry_after_seconds: float | None = None) -> float:
        """After that many failures in a row, or what the receiver asked for where that is longer."""
        doubled = min(self.first_seconds * 2.0 ** min(failures - 1, 30), self.longest_seconds)
        return max(doubled, retry_after_seconds or 0.0)


@dataclass(frozen=True, slots=True)
class Target:
    """One address of one receiver.

    Attributes:
        url: what tells it from others, in the outbox too; an address that is a secret stands in ``channel`` instead.
        standing: an Alertmanager, told again and again; all others are told once.
        tracks: whose incidents it is told.
        waits: by severity, how long after the opening it is called; a severity that is missing is not told. ``None``: at
            once, of everything.
        quiet: times in which nobody is called.
        per_minute: most messages in any minute.
        group: most incidents in one message.
        each_call: every call has a message of its own, which is ended by itself; else the incident is ended once.
        tells_acknowledged: it is told that somebody has taken over.
        resend_us: how often a standing alert is told again while it fires.
        timeout_seconds: for one delivery, from the look-up of the name to the last byte of the answer.
        channel: how a message gets there; ``None``: as an Alertmanager or a webhook takes it.
    """

    receiver: str
    url: str
    standing: bool
    tracks: frozenset[Track] = frozenset(Track)
    resend_us: int = 60_000_000
    timeout_seconds: float = 10.0
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    secret: bytes | None = field(default=None, repr=False)
    ca_file: str | None = None
    external_url: str = ""
    allow_private: bool = False
    waits: tuple[tuple[str, tuple[int, ...]], ...] | None = None
    quiet: tuple[QuietTime, ...] = ()
    per_minute: int | None = None
    group: int = 1
    each_call: bool = True
    tells_acknowledged: bool = False
    backoff: Backoff = Backoff()
    channel: Channel | None = field(default=None, repr=False)

    def waits_for(self, severity: str) -> tuple[int, ...]:
        """Microseconds after the opening at which it is called; empty where it is not."""
        return AT_ONCE if self.waits is None else dict(self.waits).get(severity, ())

    def called_at(self, planned_us: int, notice: Notice) -> int:
        """When a call planned for then may be made."""
        return called_at(planned_us, notice, self.quiet)


@dataclass(frozen=True, slots=True)
class Parcel:
    """What is sent in one message.

    Attributes:
        handle: what the receiver called the earlier message about the same call; empty where there is none.
        post: the way for those who speak HTTP.
    """

    target: Target
    dues: tuple[Due, ...]
    now_us: int
    post: Post = field(repr=False)
    handle: str = ""

    @property
    def notices(self) -> tuple[Notice, ...]:
        return tuple(due.notice for due in self.dues)

    def ask(self, request: PostRequest) -> PostResponse:
        """Post a request the way the target asks for."""
        target = self.target
        allowed = replace(request, allow_private=target.allow_private)
        return self.post(allowed, target.timeout_seconds, target.ca_file)


class Channel(Protocol):
    """How a message gets to a kind of receiver."""

    def send(self, parcel: Parcel) -> str:
        """Send it and return what the receiver calls the message, or an empty text.

        Raises:
            DeliveryError: it was not taken.
        """
        ...
