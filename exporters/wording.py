"""What messages to people say, in whatever form: the one sentence of the incident, what stands behind it, and where to look.

Texts may come from events (names of classes and groups), so nothing here is trusted: control characters and marks that turn
the direction of writing are taken out, lengths are bounded, and each form escapes what it is made of.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Literal

from exporters.alertmanager import incident_url
from exporters.notice import Notice, plain_line

MAX_TITLE = 300
MAX_LINE = 300
MAX_LINES = 10

Standing = Literal["firing", "acknowledged", "resolved"]


def standing_of(notice: Notice) -> Standing:
    """How the incident stands, as far as people are concerned."""
    if not notice.firing:
        return "resolved"
    return "acknowledged" if notice.acknowledged_by else "firing"


def one_line(text: str, most: int) -> str:
    """The text as one line of at most ``most`` characters, without anything that a terminal or a mail header obeys."""
    line = plain_line(text)
    return line if len(line) <= most else f"{line[: most - 3]}..."


def sentence(notice: Notice) -> str:
    """The one sentence, as on the page of the incident."""
    return one_line(notice.headline, MAX_TITLE)


def title(notices: Sequence[Notice]) -> str:
    """What a reader sees first: ``critical: Accuracy of ...``; of several incidents how many, and the first of them."""
    first = notices[0]
    words = {"firing": first.severity, "acknowledged": "acknowledged", "resolved": "resolved"}
    head = f"{words[standing_of(first)]}: {sentence(first)}"
    return head if len(notices) == 1 else one_line(f"{len(notices)} incidents, {head}", MAX_TITLE)


def facts(notice: Notice) -> dict[str, str]:
    """Who, since when, how it stands; in the order in which they are read."""
    named = {
        "severity": notice.severity,
        "stream": one_line(str(notice.stream), MAX_LINE),
        "since": moment(notice.opened_us),
        "resolved": "" if notice.resolved_us is None else moment(notice.resolved_us),
        "acknowledged by": one_line(notice.acknowledged_by, MAX_LINE),
        "call": str(notice.call) if notice.call > 1 else "",
        "incident": notice.incident_id,
    }
    return {name: value for name, value in named.items() if value}


def behind(notice: Notice) -> list[str]:
    """The findings and what moved with them, most telling first; a single finding is the sentence itself."""
    lines = [one_line(line, MAX_LINE) for line in notice.explanation[:MAX_LINES]]
    more = len(notice.explanation) - MAX_LINES
    return [*lines, f"and {more} more"] if more > 0 else lines


def link(notice: Notice, external_url: str) -> str:
    """Where the incident is shown; empty where the settings do not say how people reach the agent."""
    return incident_url(external_url, notice) if external_url else ""


def paragraph(notice: Notice, external_url: str) -> str:
    """All of it as plain text."""
    named = "\n".join(f"{name}: {value}" for name, value in facts(notice).items())
    listed = "\n".join(f"- {line}" for line in behind(notice))
    return "\n\n".join(part for part in (sentence(notice), named, listed, link(notice, external_url)) if part)


def moment(at_us: int) -> str:
    """For instance ``2026-11-23 20:00 UTC``."""
    return f"{datetime.fromtimestamp(at_us // 1_000_000, UTC):%Y-%m-%d %H:%M} UTC"
