"""What people are told about an incident, before it takes the form that a receiver expects.

Names and texts may come from events, so nothing here is trusted: what leaves as a label or an annotation is plain lines,
because receivers show it in terminals, chats and pages of their own.
"""

from __future__ import annotations

import unicodedata
from datetime import UTC, datetime
from typing import Literal

import msgspec

from detectors.columns import StreamKey
from detectors.incident import Kind
from detectors.measurement import Track
from exporters.snapshot import IncidentView

ALERT_NAMES = {
    Track.HARM: "WachterModelHarm",
    Track.HEALTH: "WachterModelHealth",
    Track.AGENT: "WachterAgentTrouble",
}

_BREAKS = {"Cc", "Zl", "Zp"}
_UNSEEN = {"Cf", "Cs", "Co", "Cn"}

NoticeKind = Literal["fire", "update", "acknowledge", "call_again", "resolve"]
LOUDNESS: tuple[NoticeKind, ...] = ("update", "acknowledge", "resolve", "call_again", "fire")
"""Of several things that happened to an incident at once, the last of these is what is told."""


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """One state of one incident, as it is told; stored in the outbox as JSON.

    Attributes:
        call: how often people were called for this incident, this time included.
        firing: False once it is resolved.
        silenced_until_us: who is told that it fires is told no earlier, by the clock on the wall.
        opened_us: event time at which it opened; resolved_us: agent's clock when the resolution was told.
    """

    incident_id: str
    stream: StreamKey
    track: Track
    severity: str
    firing: bool
    call: int
    headline: str
    explanation: tuple[str, ...] = ()
    acknowledged_by: str = ""
    silenced_until_us: int | None = None
    opened_us: int
    resolved_us: int | None = None

    def due_us(self, now_us: int) -> int:
        """When it may be told: at once, or where it calls somebody, when the silence is over."""
        return max(now_us, self.silenced_until_us or 0) if self.firing else now_us


def notice_kind(transition: Kind) -> NoticeKind | None:
    """What a transition of an incident means for receivers; ``None`` where they are told nothing."""
    match transition:
        case Kind.PENDING | Kind.COMMENTED:
            return None
        case Kind.OPENED:
            return "fire"
        case Kind.RECURRED:
            return "call_again"
        case Kind.RESOLVED:
            return "resolve"
        case Kind.ACKNOWLEDGED:
            return "acknowledge"
        case _:
            return "update"


def notice_of(view: IncidentView, now_us: int) -> Notice:
    """What is to be told about an incident as it now stands."""
    firing = view.state != "resolved"
    return Notice(
        incident_id=view.id,
        stream=view.stream,
        track=view.track,
        severity=view.severity,
        firing=firing,
        call=view.call,
        headline=view.headline,
        explanation=view.explanation,
        acknowledged_by=view.acknowledged_by,
        silenced_until_us=view.silenced_until_us,
        opened_us=min(view.opened_us, now_us),
        resolved_us=None if firing else now_us,
    )


def alert_labels(notice: Notice) -> dict[str, str]:
    """The identity of an alert: constant from the call to its resolution, so nothing in it is a value or a time.

    A second call for the same incident is an alert of its own (``call`` 2); both are resolved with the incident. Names that
    differ in nothing that is seen are told apart by ``incident``.
    """
    named = {
        "alertname": ALERT_NAMES[notice.track],
        "severity": notice.severity,
        "track": notice.track.value,
        "system": notice.stream.system,
        "model": notice.stream.model,
        "version": notice.stream.version,
        "segment": notice.stream.segment,
        "incident": notice.incident_id,
        "call": str(notice.call),
    }
    cleaned = {name: plain_line(value) for name, value in named.items()}
    return {name: value for name, value in cleaned.items() if value}


def alert_annotations(notice: Notice) -> dict[str, str]:
    """What may change while the alert stays the same."""
    named = {
        "summary": plain_line(notice.headline),
        "description": "\n".join(map(plain_line, notice.explanation)),
        "acknowledged_by": plain_line(notice.acknowledged_by),
    }
    return {name: value for name, value in named.items() if value}


def plain_line(text: str) -> str:
    """The text as one line, without control characters and marks that hide or turn the direction of writing.

    Half of a surrogate pair, which no UTF-8 holds, goes with them.
    """
    kept = (" " if unicodedata.category(letter) in _BREAKS else letter for letter in text)
    seen = "".join(letter for letter in kept if unicodedata.category(letter) not in _UNSEEN)
    return " ".join(seen.split())


def rfc3339(at_us: int) -> str:
    """Microseconds since the epoch as Alertmanager and people read them."""
    return datetime.fromtimestamp(at_us / 1_000_000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
